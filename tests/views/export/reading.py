"""Exports read back by other people's readers, as rows of plain values."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        text = value.astimezone(UTC).isoformat().removesuffix("+00:00")
        return (text.rstrip("0") if "." in text else text) + "Z"
    if isinstance(value, date | UUID):
        return str(value)
    if isinstance(value, bytes | bytearray):
        raise AssertionError("bytes are never exported")
    return float(value) if isinstance(value, Decimal) else value


def selected(connection: psycopg.Connection[Any], statement: str) -> list[Row]:
    """What SQL says."""
    cursor = connection.execute(statement.encode())
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    return ordered([dict(zip(names, map(plain, row), strict=True)) for row in cursor.fetchall()])


def ordered(rows: Iterable[Row]) -> list[Row]:
    """Rows in one order, however they came."""
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True, default=str))


def read_json(body: bytes) -> list[Row]:
    """The rows of a JSON export, whose count has to be right."""
    document = json.loads(body)
    assert set(document) == {"table", "export_timestamp", "data", "record_count"}
    assert document["record_count"] == len(document["data"])
    return ordered(document["data"])


def read_parquet(body: bytes) -> list[Row]:
    """The rows of a Parquet export, JSON still as its text."""
    rows = pq.read_table(pa.BufferReader(body)).to_pylist()
    return ordered([{name: plain(value) for name, value in row.items()} for row in rows])


def read_csv(body: bytes) -> list[dict[str, str]]:
    """The rows of a CSV export, all texts."""
    assert not body.startswith(b"\xef\xbb\xbf")
    reader = csv.reader(io.StringIO(body.decode(), newline=""), strict=True)
    names, *rows = list(reader)
    return [dict(zip(names, row, strict=True)) for row in rows]


def like(rows: Sequence[Row], expected: Sequence[Row], decode: Callable[[Any, Any], Any]) -> list[Row]:
    """Rows with each cell decoded by what is expected there, in the order of what is expected."""
    columns = list(expected[0])
    for row in rows:
        assert list(row) == columns
    kinds = {name: next((row[name] for row in expected if row[name] is not None), None) for name in columns}
    return ordered([{name: decode(row[name], kinds[name]) for name in columns} for row in rows])


def from_parquet(value: Any, kind: Any) -> Any:
    """A cell of Parquet: JSON's text becomes the JSON."""
    return json.loads(value) if isinstance(value, str) and isinstance(kind, dict) else value


def from_csv(text: str, kind: Any) -> Any:
    """A cell of CSV."""
    if text == "":
        return None
    if isinstance(kind, bool):
        return {"true": True, "false": False}[text]
    if isinstance(kind, int):
        return int(text)
    if isinstance(kind, float):
        return float(text)
    if isinstance(kind, dict | list):
        return json.loads(text)
    return text[1:] if text.startswith("'") and text.lstrip("' ")[:1] in tuple("=+-@\t\r\n＝＋－＠") else text
