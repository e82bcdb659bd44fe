"""Questions to `explain`: keys that are understood, and sentences about those that are not."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from liontrack_stream.commands.base import CommandError
from liontrack_stream.commands.explain import _pairs
from liontrack_stream.warehouse.explain_tables import TABLES, ExplainError, key_of, table_of
from liontrack_stream.warehouse.queries import query


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_its_queries(name: str) -> None:
    table = TABLES[name]
    for file in (f"row_{name.replace('.', '_')}", *(source.query for source in table.sources)):
        text = query(f"explain/{file}")
        assert text.startswith("-- ")
        assert "Reads only" in text


def test_keys_are_typed() -> None:
    noon = datetime(2025, 3, 1, 12, tzinfo=UTC)
    assert key_of(table_of("gold.lions_metrics"), {"metric_date": "2025-03-01", "lion_id": "a=b"}) == {
        "lion_id": "a=b", "metric_date": date(2025, 3, 1),
    }  # fmt: skip
    for text in ("2025-03-01T12:00:00Z", "2025-03-01 12:00", "2025-03-01T14:00:00+02:00"):
        key = key_of(table_of("gold.lion_windows"), {"lion_id": "a", "window_start": text})
        assert key == {"lion_id": "a", "window_start": noon}
    key = key_of(table_of("silver.user_activities"), {"user_id": "u", "event_time": "2025-03-01", "activity_type": "t"})
    assert key["event_id"] == ""
    assert _pairs(("lion_id=a=b", "day=")) == {"lion_id": "a=b", "day": ""}


@pytest.mark.parametrize(
    ("table", "values", "sentence"),
    [
        ("gold.lions", {}, "gold.lions_metrics, gold.lion_windows"),
        (
            "gold.lions_metrics",
            {"lion_id": "a"},
            "metric_date is missing: gold.lions_metrics takes lion_id=…, metric_date=…",
        ),
        ("gold.lions_metrics", {"lion_id": "a", "metric_date": "2025-02-30"}, "must be a day such as"),
        ("gold.lions_metrics", {"lion_id": "a", "metric_date": "2025-02-03T00:00Z"}, "must be a day such as"),
        ("gold.lion_windows", {"lion_id": "a", "window_start": "2025-01-01T00:01:00Z"}, "multiple of 5 minutes"),
        ("gold.lion_windows", {"lion_id": "a", "window_start": "soon"}, "must be a UTC time"),
        ("gold.lion_windows", {"lion_id": "a", "window_start": "9999-12-31T23:59:59-23:59"}, "must be a UTC time"),
        ("silver.lions", {"lion_id": "a", "day": "2025-01-01"}, "has no key 'day'"),
        ("silver.lions", {"lion_id": "a\x00"}, "could be stored"),
        ("silver.lions", {"lion_id": "\ud800"}, "could be stored"),
    ],
)
def test_wrong_questions_are_sentences(table: str, values: dict[str, str], sentence: str) -> None:
    with pytest.raises(ExplainError) as caught:
        key_of(table_of(table), values)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("texts", "sentence"), [(("lion",), "name=value"), (("a=1", "a=2"), "more than once")])
def test_wrong_pairs_are_sentences(texts: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        _pairs(texts)
