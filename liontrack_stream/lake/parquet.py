"""Tables as Parquet bytes: zstd, texts as dictionaries, row groups small enough for readers to prune.

Only encodings that Spark's vectorized reader knows (it lacks BYTE_STREAM_SPLIT).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

UNREADABLE = (OSError, ValueError, pa.ArrowException)  # what pyarrow raises of damaged files
COMPRESSION_LEVEL = 1  # with delta-coded integers smaller and faster than level 3 without, measured on positions
ROW_GROUP_ROWS = 65_536
_HELD_BYTES = 16 << 20  # of Arrow: with so much a row group is written, however few its rows are
_ROWS_AT_ONCE, _BUFFER_BYTES = 8_192, 1 << 20  # read of a file and of a column
_UNIQUE_COLUMNS = {"raw", "event_id", "weight_id", "metadata", "details"}  # a dictionary would only cost


@dataclass(frozen=True, slots=True)
class Encoded:
    """A Parquet file in memory."""

    data: pa.Buffer
    row_count: int
    sha256: str

    @property
    def byte_count(self) -> int:
        return int(self.data.size)


def encode(rows: pa.Table) -> Encoded:
    """The same rows give the same bytes."""
    return encode_all([rows], rows.schema)


def encode_all(tables: Iterable[pa.Table], schema: pa.Schema) -> Encoded:
    """Tables of one schema, one after the other, as one file; row groups are filled across them."""
    sink = pa.BufferOutputStream()
    row_count = write_all(tables, schema, sink)
    data = sink.getvalue()
    return Encoded(data, row_count, hashlib.sha256(data).hexdigest())


def write_all(tables: Iterable[pa.Table], schema: pa.Schema, sink: Any) -> int:
    """Write a Parquet file to a stream or path, a row group at a time; the number of rows."""
    row_count = 0
    with pq.ParquetWriter(sink, schema, **options(schema)) as writer:
        for rows in _row_groups(tables):
            writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)
            row_count += rows.num_rows
    return row_count


def read_some(source: Any, columns: Sequence[str] | None = None, first: int = 0) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file from the row ``first`` on, some at a time; no more of it is held."""
    with pq.ParquetFile(source, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file:
        group = 0
        while group < file.num_row_groups and first >= file.metadata.row_group(group).num_rows:
            first -= file.metadata.row_group(group).num_rows
            group += 1
        groups = list(range(group, file.num_row_groups))
        for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=groups, columns=columns, use_threads=False):
            if first < batch.num_rows:
                yield batch.slice(first)
            first = max(0, first - batch.num_rows)


def seal(path: Path) -> tuple[int, str]:
    """Make a written file durable; its bytes and SHA-256."""
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
        digest = hashlib.file_digest(handle, "sha256")
        return handle.tell(), digest.hexdigest()


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of whole row groups, but for the last and for large rows."""
    held: list[pa.Table] = []
    held_rows = held_bytes = 0
    for table in tables:
        held.append(table)
        held_rows += table.num_rows
        held_bytes += table.nbytes
        if held_rows >= ROW_GROUP_ROWS or held_bytes >= _HELD_BYTES:
            rows = pa.concat_tables(held)
            whole = held_rows if held_rows < ROW_GROUP_ROWS else held_rows - held_rows % ROW_GROUP_ROWS
            yield rows.slice(0, whole)
            held, held_rows, held_bytes = [rows.slice(whole)], held_rows - whole, 0
    if held_rows:
        yield pa.concat_tables(held)


def options(schema: pa.Schema) -> dict[str, Any]:
    """How a file of these columns is written, for pyarrow's writers."""
    return {
        "compression": "zstd",
        "compression_level": COMPRESSION_LEVEL,
        "use_dictionary": [f.name for f in schema if _is_text(f.type) and f.name not in _UNIQUE_COLUMNS],
        "column_encoding": {f.name: "DELTA_BINARY_PACKED" for f in schema if _is_count(f.type)},
        "store_schema": False,  # the types survive in Parquet's own; a day's file is small
    }


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _is_count(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or kind in (pa.int64(), pa.int32(), pa.date32()))
