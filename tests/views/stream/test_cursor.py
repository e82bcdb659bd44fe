"""Ids: what is written is read again; what others write means nothing, and breaks nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liontrack_stream.views.stream_cursor import AGE_STEP_S, Cursor, Resume, aged_until, id_prefix, key_text, read_id

offsets = st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 20)), st.integers(0, 2**40), max_size=20)
moments = st.integers(0, 9 * 10**9).map(lambda s: datetime.fromtimestamp(s, UTC))
keys = st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 20), st.integers(0, 2**40))


@given(offsets, offsets, moments, moments, keys)
def test_an_id_says_where_its_client_is(begin_at, more, first, then, key) -> None:
    begin = Cursor(begin_at, first)
    end = Cursor(begin_at | {place: begin_at.get(place, 0) + count for place, count in more.items()}, then)
    assert read_id(begin.text) == Resume(begin)
    resume = read_id(id_prefix(begin, end) + key_text(key))
    if then < first:
        assert resume is None
        return
    assert resume is not None
    assert (resume.cursor, resume.after, resume.end.until) == (begin, key, then)
    assert resume.end.moved(begin) == end.moved(begin)
    assert end.moved(end) == []
    assert end.records_since(begin) == sum(more.values())


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[0-9.:,@>~+]{0,60}", fullmatch=True)))
@example("0.0:1@" + "9" * 11)
@example("0.0:" + "9" * 18 + "@1>0.0+" + "9" * 18 + "@1~0.0.0.0")
@example(",".join(f"0.{n}:1" for n in range(2000)) + "@1")
@example("²@1")
def test_any_text_is_an_id_or_none(text: str) -> None:
    resume = read_id(text)
    assert resume is None or resume.cursor.until.tzinfo is not None


@pytest.mark.parametrize(
    "text",
    ["", "@", "0.0:1", "4.0:1@1", "0.0:1,@1", "0.0:-1@1", "0.0:1@1>", "0.0:1@1>@1", "x@1", "0.0:1@9>0.0+1@1~0.0.0.0"],
)
def test_texts_that_are_no_ids(text: str) -> None:
    assert read_id(text) is None


@given(
    moments.filter(lambda moment: moment.year > 1971), st.floats(0, 48), st.timedeltas(timedelta(0), timedelta(hours=1))
)
def test_the_delay_is_never_shortened_and_time_goes_on(now: datetime, delay_h: float, later: timedelta) -> None:
    until = aged_until(now, delay_h)
    assert timedelta(0) <= (now - timedelta(hours=delay_h)) - until < timedelta(seconds=AGE_STEP_S)
    assert aged_until(now + later, delay_h) >= until
    assert until.timestamp() % AGE_STEP_S == 0
