"""Times of a batch, which are read together, against times one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liontrack_stream.contract.batch_times import all_to_microseconds
from liontrack_stream.contract.times import BadTime, to_microseconds

_FORMS = (  # all as long as what JavaScript writes
    "2026-03-01T12:00:00.123Z",
    "2024-02-29 23:59:59.999Z",
    "2026-03-01T12:00:00+0100",
    "2026-03-01T12:00:00.0+01Z"[:24],
    "1969-12-31T23:59:59.999Z",
    "2999-12-31T23:59:59.999Z",
)


def _one_by_one(values: list[Any]) -> list[int] | None:
    try:
        return list(map(to_microseconds, values))
    except BadTime:
        return None


def _together(values: list[Any]) -> list[int] | None:
    try:
        return all_to_microseconds(values)
    except BadTime:
        return None


@st.composite
def _texts(draw: st.DrawFn) -> str:
    text = list(draw(st.sampled_from(_FORMS)))
    changes = st.tuples(st.integers(0, 23), st.sampled_from("0123456789-:.TtZz+ "))
    for place, character in draw(st.lists(changes, max_size=3)):
        text[place] = character
    return "".join(text)


@given(st.lists(_texts(), min_size=1, max_size=3))
def test_texts_of_one_length_are_read_as_each_is(texts: list[str]) -> None:
    assert _together(texts) == _one_by_one(texts)


@pytest.mark.parametrize(
    "values",
    [
        ["2026-03-01T12:00:00.123Z", 1_772_366_400.5],
        ["2026-03-01T12:00:00.123Z", "2026-03-01"],
        ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.123456789Z"],
        [1_772_366_400, 1_772_366_400_123],
        ["3000-01-01T00:00:00.000Z"],
        ["2026-02-29T00:00:00.000Z"],
        ["2026-03-01T12:00:60.000Z"],
    ],
)
def test_times_in_other_forms(values: list[Any]) -> None:
    assert _together(values) == _one_by_one(values)
