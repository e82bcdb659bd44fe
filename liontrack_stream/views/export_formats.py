"""Formats of exports: from the rows of PostgreSQL's COPY, a block at a time, to the bytes of a file.

Blocks hold whole rows, so nothing but a block is ever in memory. No I/O; meant to run in a thread.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from liontrack_stream.lake.catalog import TIMESTAMP
from liontrack_stream.lake.parquet import options
from liontrack_stream.views.positions import iso_z
from liontrack_stream.warehouse.export_rows import Cells, Column

GZIP_LEVEL = 3  # 6 takes three times as long for a tenth fewer bytes
_GZIP_WBITS = 31


class Encoder(Protocol):
    """One file that is being written."""

    def head(self) -> bytes:
        """What comes before the rows."""

    def block(self, rows: bytes) -> bytes:
        """The bytes of some whole rows."""

    def tail(self) -> bytes:
        """What comes after the rows."""


class Csv:
    """RFC 4180, UTF-8 without byte order mark: a header, CRLF, quotes where needed. Null is empty, a text ``""``."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]

    def head(self) -> bytes:
        """The names of the columns; ours, none needs quotes."""
        return ",".join(self._names).encode() + b"\r\n"

    def block(self, rows: bytes) -> bytes:
        """The rows with CRLF; line breaks within quotes stay as they are."""
        if b'"' not in rows:
            return rows.replace(b"\n", b"\r\n")
        parts = rows.split(b'"')  # every second one lies within quotes, also where a quote is doubled
        parts[::2] = [part.replace(b"\n", b"\r\n") for part in parts[::2]]
        return b'"'.join(parts)

    def tail(self) -> bytes:
        """Nothing."""
        return b""


class Json:
    """``{table, export_timestamp, data, record_count}``: the count comes last, when it is known."""

    def __init__(self, table: str, now: datetime) -> None:
        self._table, self._now, self._count = table, now, 0

    def head(self) -> bytes:
        """Up to where the rows begin."""
        opening = {"table": self._table, "export_timestamp": iso_z(self._now), "data": []}
        return orjson.dumps(opening).removesuffix(b"]}")

    def block(self, rows: bytes) -> bytes:
        """The rows, a comma before each but the first; a row is one line, as JSON has no line breaks of its own."""
        first = self._count == 0
        self._count += rows.count(b"\n")
        return (b"\n" if first else b",\n") + rows.removesuffix(b"\n").replace(b"\n", b",\n")

    def tail(self) -> bytes:
        """The end, with the number of rows."""
        return b'\n],"record_count":%d}\n' % self._count


_ARROW = {
    "text": pa.string(), "jsonb": pa.string(), "uuid": pa.string(), "bool": pa.bool_(), "date": pa.date32(),
    "timestamptz": TIMESTAMP, "float8": pa.float64(), "numeric": pa.float64(), "int8": pa.int64(), "int4": pa.int32(),
    "int2": pa.int16(), "text[]": pa.list_(pa.string()), "int8[]": pa.list_(pa.int64()),
}  # fmt: skip


class Parquet:
    """Typed columns as in the lake, a row group for each block; JSON is its text."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._schema = pa.schema([(column.name, _ARROW[column.kind]) for column in columns])
        self._sink = _Sink()
        self._writer = pq.ParquetWriter(self._sink, self._schema, **options(self._schema))
        self._read = pc.ReadOptions(column_names=self._schema.names, use_threads=False)
        self._parse = pc.ParseOptions(newlines_in_values=True)
        self._convert = pc.ConvertOptions(
            column_types={f.name: pa.string() if pa.types.is_list(f.type) else f.type for f in self._schema},
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )

    def head(self) -> bytes:
        """Parquet's first bytes."""
        return self._sink.take()

    def block(self, rows: bytes) -> bytes:
        """One row group."""
        table = pc.read_csv(pa.BufferReader(rows), self._read, self._parse, self._convert)
        columns = [
            pa.array(map(_loads, column.to_pylist()), field.type) if pa.types.is_list(field.type) else column
            for column, field in zip(table.columns, self._schema, strict=True)
        ]
        self._writer.write_table(pa.table(columns, schema=self._schema), row_group_size=max(1, table.num_rows))
        return self._sink.take()

    def tail(self) -> bytes:
        """The footer."""
        self._writer.close()
        return self._sink.take()


def _loads(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


class _Sink(io.RawIOBase):
    """What a writer has written since it was last taken; knows how much there was in all."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def tell(self) -> int:
        return self._size

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


class Gzip:
    """Another file's bytes, compressed."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._gzip = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WBITS)

    def head(self) -> bytes:
        """What the compressor gives away; mostly its header."""
        return self._gzip.compress(self._encoder.head())

    def block(self, rows: bytes) -> bytes:
        """What the compressor gives away after these rows."""
        return self._gzip.compress(self._encoder.block(rows))

    def tail(self) -> bytes:
        """The rest."""
        return self._gzip.compress(self._encoder.tail()) + self._gzip.flush()


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file. ``copy``: options of COPY; ``block_bytes``: how many of its bytes make a block."""

    suffix: str
    media_type: str
    cells: Cells
    encoder: Callable[[Sequence[Column], str, datetime], Encoder]
    copy: Mapping[str, Any]
    block_bytes: int = 1 << 18
    compressible: bool = True


CSV = Format(
    "csv", "text/csv; charset=utf-8; header=present", "csv", lambda columns, *_: Csv(columns), {"format": "csv"}
)
JSON = Format(
    "json",
    "application/json; charset=utf-8",
    "json",
    lambda _, table, now: Json(table, now),
    {"format": "csv", "quote": "\x01", "delimiter": "\x02"},  # no JSON has these bytes: its rows travel unquoted
)
PARQUET = Format(
    "parquet",
    "application/vnd.apache.parquet",
    "parquet",
    lambda columns, *_: Parquet(columns),
    {"format": "csv"},
    block_bytes=8 << 20,
    compressible=False,  # its columns are
)
