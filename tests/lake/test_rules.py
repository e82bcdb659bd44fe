"""The lake's pure parts: the buffer, the cutting into days, the names."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from liontrack_stream.lake.buffer import BronzeBuffer, Piece
from liontrack_stream.lake.catalog import BRONZE, BY_OUTPUT, TABLES
from liontrack_stream.lake.columns import bronze_table, split_days
from liontrack_stream.lake.days import CHUNK_ROWS, _chunks
from liontrack_stream.lake.layout import UNDATED, bronze_partition, bronze_path, day_path
from liontrack_stream.lake.ports import BronzeRows
from tests.lake.filling import POSITIONS, bronze_rows

DAY = date(2025, 3, 1)
TP = (POSITIONS, 0)


def piece(first: int, end: int, day: date = DAY) -> Piece:
    return Piece(first, end, day, pa.table({"offset": list(range(first, end))}))


def test_buffer_gives_runs_from_the_watermark() -> None:
    buffer = BronzeBuffer(max_rows=100)
    for first in (0, 10, 20):
        buffer.add(TP, piece(first, first + 10))
    assert [p.first_offset for p in buffer.run(TP, 10, 100)] == [10, 20]
    assert [p.first_offset for p in buffer.run(TP, 0, 15)] == [0]
    assert buffer.run(TP, 5, 100) == []
    assert buffer.next_start(TP, 5) == 10
    buffer.trim(TP, 20)
    assert buffer.held_rows == 10


def test_buffer_stops_at_midnight_and_starts_over_after_a_gap() -> None:
    buffer = BronzeBuffer(max_rows=100)
    buffer.add(TP, piece(0, 10))
    buffer.add(TP, piece(10, 20, date(2025, 3, 2)))
    assert [p.first_offset for p in buffer.run(TP, 0, 100)] == [0]
    buffer.add(TP, piece(30, 40))
    assert buffer.run(TP, 0, 100) == []
    assert (buffer.held_rows, buffer.next_start(TP, 0)) == (10, 30)


def test_buffer_is_bounded_and_drops_the_oldest() -> None:
    buffer = BronzeBuffer(max_rows=25)
    for first in range(0, 100, 10):
        buffer.add(TP, piece(first, first + 10))
    assert buffer.held_rows == 20
    assert buffer.next_start(TP, 0) == 80
    assert buffer.held_bytes == 20 * 8


def test_columns_come_in_every_promised_form() -> None:
    rows = bronze_rows(POSITIONS, 0, 0, 10, datetime(2025, 3, 1, 12, tzinfo=UTC))
    schema = BRONZE[POSITIONS].schema
    lists = {field.name: [row[field.name] for row in rows] for field in schema}
    expected = bronze_table(BronzeRows(*TP, 0, 10, lists), BRONZE[POSITIONS])
    assert expected["offset"].to_pylist() == list(range(10))

    null = np.array([value is None for value in lists["last_update"]])
    micros = expected["last_update"].cast(pa.int64()).fill_null(0).to_numpy()
    numeric = {
        **lists,
        "topic": POSITIONS, "partition": 0, "source_system": "kafka", "headers": b"[]", "metadata": None,
        "offset": np.arange(10), "position_lat": expected["position_lat"].to_numpy(zero_copy_only=False),
        "last_update": (micros, null), "append_time": expected["append_time"],
        "lion_id": [value and value.encode() for value in lists["lion_id"]],
        "partition_date": np.full(10, (DAY - date(1970, 1, 1)).days),
        "ingestion_timestamp": rows[0]["ingestion_timestamp"],
    }  # fmt: skip
    assert bronze_table(BronzeRows(*TP, 0, 10, numeric), BRONZE[POSITIONS]).equals(expected)


def test_missing_or_ragged_columns_are_refused() -> None:
    rows = bronze_rows(POSITIONS, 0, 0, 10, datetime(2025, 3, 1, 12, tzinfo=UTC))
    lists = {field.name: [row[field.name] for row in rows] for field in BRONZE[POSITIONS].schema}
    with pytest.raises(KeyError):
        bronze_table(BronzeRows(*TP, 0, 10, {k: v for k, v in lists.items() if k != "raw"}), BRONZE[POSITIONS])
    with pytest.raises((pa.ArrowException, ValueError)):
        bronze_table(BronzeRows(*TP, 0, 10, {**lists, "raw": lists["raw"][:5]}), BRONZE[POSITIONS])


def test_days_are_utc_and_sorted() -> None:
    table = BY_OUTPUT["silver", "positions"]
    times = [
        datetime(2025, 3, 2, tzinfo=UTC),
        datetime(2025, 3, 1, 23, 59, 59, 999999, UTC),
        datetime(2025, 3, 1, tzinfo=UTC),
    ]
    rows = pa.table({"lion_id": ["b", "b", "a"], "event_time": pa.array(times, pa.timestamp("us", "UTC"))})
    days = split_days(rows, table)
    assert list(days) == [DAY, date(2025, 3, 2)]
    assert days[DAY]["lion_id"].to_pylist() == ["a", "b"]
    assert split_days(rows.slice(0, 0), table) == {}


def test_neighbouring_days_are_one_range() -> None:
    table = BY_OUTPUT["gold", "lions_metrics"]
    days = [date(2025, 3, 1), date(2025, 2, 28), date(2025, 3, 5)]
    assert table.days_condition(days) == (
        "metric_date BETWEEN '2025-02-28' AND '2025-03-01' OR metric_date BETWEEN '2025-03-05' AND '2025-03-05'"
    )
    assert "< 'infinity'" in BY_OUTPUT["silver", "positions"].days_condition([date.max])


def test_chunks_hold_few_rows_and_every_day() -> None:
    days = {date.fromordinal(700_000 + n): rows for n, rows in enumerate([10, CHUNK_ROWS * 3, 5, 5, CHUNK_ROWS])}
    assert [len(chunk) for chunk in _chunks(days)] == [1, 1, 2, 1]
    assert _chunks({}) == []


def test_names() -> None:
    path = bronze_path(POSITIONS, 3, 123, DAY)
    assert path == "bronze/lions.position.events/date=2025-03-01/p0003-00000000000000000123.parquet"
    assert bronze_partition(path) == 3
    assert bronze_partition("bronze/x/date=2025-03-01/other.parquet") is None
    assert day_path("silver", "lions", UNDATED) == "silver/lions/part-0.parquet"
    assert len({output for table in TABLES for output in table.outputs}) == 14
