"""Columns into PostgreSQL's binary COPY format, a batch at a time.

Neighbouring columns of fixed width are laid out by numpy as one block per row; Arrow joins blocks and texts.
Format: https://www.postgresql.org/docs/current/sql-copy.html, «Binary Format».
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from liontrack_stream.generation import current, suffix
from liontrack_stream.warehouse.batch_connection import TEMPORARY, BatchConnection

PIECE_ROWS = 1_024  # laid out at once: PostgreSQL has begun by then, and below 1 MB no memory is mapped anew
PG_EPOCH_US = 946_684_800_000_000  # 2000-01-01, PostgreSQL's day zero
PG_EPOCH_DAY = 10_957
_HEADER = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_BYTES = pa.large_binary()  # a batch may hold more than 2 GiB
_NOTHING, _JSONB_VERSION = pa.scalar(b"", _BYTES), pa.scalar(b"\x01", _BYTES)
_NULLS_ARE_EMPTY = pc.JoinOptions("replace", "")
_TEXT_OID, _INT8_OID = 25, 20


@dataclass(slots=True)
class Rows:
    """Columns of equal length for one COPY; they carry their names, so any order will do.

    Cheapest is: columns of fixed width first.
    """

    count: int
    names: list[str] = field(default_factory=list)
    _columns: list[tuple[bytes | NDArray[Any], NDArray[Any] | pa.Array | None]] = field(default_factory=list)

    def _add(self, name: str, before: bytes | NDArray[Any], values: NDArray[Any] | pa.Array | None = None) -> Rows:
        """A column: what comes before each value (its length), the same in all rows or of each; the values."""
        self.names.append(name)
        self._columns.append((before, values))
        return self

    def fixed(self, name: str, values: Any, dtype: str, null: NDArray[np.bool_] | None = None) -> Rows:
        """A column of fixed width; ``dtype`` is numpy's big-endian code, e.g. '>i8'; ``null`` marks SQL nulls."""
        array = np.asarray(values).astype(dtype)
        width = array.dtype.itemsize
        if null is None or not null.any():
            return self._add(name, struct.pack(">i", width), array)
        if null.all():
            return self._add(name, _NULL)
        ends = np.append(0, np.cumsum(~null) * width)
        return self._add(name, np.where(null, -1, width).astype(">i4"), _pieces(ends, array[~null]))

    def int2(self, name: str, values: Any) -> Rows:
        return self.fixed(name, values, ">i2")

    def int4(self, name: str, values: Any) -> Rows:
        return self.fixed(name, values, ">i4")

    def int8(self, name: str, values: Any, null: NDArray[np.bool_] | None = None) -> Rows:
        return self.fixed(name, values, ">i8", null)

    def float8(self, name: str, values: Any) -> Rows:
        """A double column; NaN is stored as null."""
        array = np.asarray(values, np.float64)
        return self.fixed(name, array, ">f8", np.isnan(array))

    def timestamp(self, name: str, microseconds: Any, null: NDArray[np.bool_] | None = None) -> Rows:
        """A timestamptz column from microseconds since 1970."""
        return self.fixed(name, np.asarray(microseconds, np.int64) - PG_EPOCH_US, ">i8", null)

    def date(self, name: str, days: Any) -> Rows:
        """A date column from days since 1970."""
        return self.fixed(name, np.asarray(days, np.int64) - PG_EPOCH_DAY, ">i4")

    def boolean(self, name: str, values: Sequence[bool | None]) -> Rows:
        if None not in values:
            return self.fixed(name, np.array(values, bool), ">i1")
        null = np.array([value is None for value in values], bool)
        return self.fixed(name, np.array([value is True for value in values], bool), ">i1", null)

    def text(self, name: str, values: Sequence[str | None] | pa.Array) -> Rows:
        """A text column."""
        return self.binary(name, values if isinstance(values, pa.Array) else pa.array(values, pa.large_string()))

    def binary(self, name: str, values: Sequence[bytes | None] | pa.Array) -> Rows:
        """A bytea column, or one of any type from its bytes."""
        array = arrow_bytes(values)
        if array.null_count == len(array):
            return self._add(name, _NULL)
        ends = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
        lengths = np.diff(ends).astype(">i4")
        if array.null_count:
            lengths[array.is_null().to_numpy(zero_copy_only=False)] = -1
        return self._add(name, lengths, array)

    def texts(self, name: str, values: Sequence[Sequence[str] | None]) -> Rows:
        """A text[] column."""
        return self.binary(
            name, [None if v is None else _array(_TEXT_OID, [item.encode() for item in v]) for v in values]
        )

    def int8s(self, name: str, values: Sequence[Sequence[int]]) -> Rows:
        """A bigint[] column."""
        return self.binary(name, [_array(_INT8_OID, [struct.pack(">q", item) for item in items]) for items in values])

    def json(self, name: str, values: Sequence[bytes | None] | pa.Array) -> Rows:
        """A jsonb column from JSON texts."""
        array = arrow_bytes(values)
        if array.null_count == len(array):
            return self._add(name, _NULL)
        return self.binary(name, pc.call_function("binary_join_element_wise", [_JSONB_VERSION, array, _NOTHING]))

    def constant(self, name: str, value: str) -> Rows:
        """The same text in every row."""
        text = value.encode()
        return self._add(name, struct.pack(">i", len(text)) + text)

    def encode(self) -> Iterator[memoryview]:
        """The COPY stream, in pieces, each laid out when it is asked for."""
        yield memoryview(_HEADER)
        for start in range(0, self.count, PIECE_ROWS):
            yield self._piece(start, min(start + PIECE_ROWS, self.count))
        yield memoryview(_TRAILER)

    def _piece(self, start: int, end: int) -> memoryview:
        """Some of the rows."""
        pieces: list[pa.Array] = []
        block = _Block(end - start, struct.pack(">h", len(self._columns)))
        for before, values in self._columns:
            if isinstance(before, bytes):
                block.constant(before)
            else:
                block.column(before[start:end])
            if isinstance(values, np.ndarray):
                block.column(values[start:end])
            elif values is not None:
                pieces += [*block.close(), values[start:end]]
        pieces += block.close()
        rows = pc.call_function("binary_join_element_wise", [*pieces, _NOTHING], _NULLS_ARE_EMPTY)
        _, ends, data = rows.buffers()
        return memoryview(data)[: np.frombuffer(ends, np.int64)[end - start]]


def arrow_bytes(values: Sequence[bytes | None] | pa.Array) -> pa.Array:
    """Values of one column as Arrow's bytes; those of an Arrow array, large, are not copied."""
    return values.view(_BYTES) if isinstance(values, pa.Array) else pa.array(values, _BYTES)


class _Block:
    """The fixed-width stretch between two texts, as one structured array: what is the same in all rows, and columns."""

    def __init__(self, count: int, constant: bytes) -> None:
        self._count = count
        self._parts: list[bytes | str] = [constant]
        self._columns: list[NDArray[Any]] = []

    def constant(self, value: bytes) -> None:
        """The same bytes in every row."""
        self._parts.append(value)

    def column(self, values: NDArray[Any]) -> None:
        """A value for each row, as it is to be in its bytes."""
        self._parts.append(values.dtype.str)
        self._columns.append(values)

    def close(self) -> list[pa.Array]:
        """The rows' bytes, nothing where the block is empty; the next block begins."""
        if not self._parts:
            return []
        dtype, template = _layout(tuple(self._parts))
        block = np.frombuffer(bytearray(template) * self._count, dtype)
        for name, values in zip(dtype.names or (), self._columns, strict=True):
            block[name] = values
        self._parts, self._columns = [], []
        return [_pieces(np.arange(self._count + 1) * len(template), block)]


def _pieces(ends: NDArray[np.int64], values: NDArray[Any]) -> pa.Array:
    """An array's bytes, cut at these places."""
    data = pa.py_buffer(values.view(np.uint8) if values.dtype.names is None else values)
    return pa.Array.from_buffers(_BYTES, len(ends) - 1, [None, pa.py_buffer(ends), data])


@lru_cache(maxsize=1024)
def _layout(parts: tuple[bytes | str, ...]) -> tuple[np.dtype[Any], bytes]:
    """The columns within a row, and a row's bytes without them."""
    formats, offsets, template = [], [], b""
    for part in parts:
        if isinstance(part, str):
            formats.append(part)
            offsets.append(len(template))
            part = bytes(np.dtype(part).itemsize)  # noqa: PLW2901
        template += part
    names = [f"f{i}" for i in range(len(formats))]
    dtype = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": len(template)})
    return dtype, template


def _array(oid: int, items: Sequence[bytes]) -> bytes:
    """PostgreSQL's binary array: dimensions, null flag, element type; length and lower bound of the one dimension."""
    if not items:
        return struct.pack(">iiI", 0, 0, oid)
    parts = [struct.pack(">iiIii", 1, 0, oid, len(items), 1)]
    for item in items:
        parts += [struct.pack(">i", len(item)), item]
    return b"".join(parts)


async def copy_rows(connection: BatchConnection, schema: str, table: str, rows: Rows) -> None:
    """COPY ``rows`` into an allow-listed table of this process's generation, or one of the connection's own."""
    if rows.count:
        name = schema if schema == TEMPORARY else schema + suffix(current())
        await connection.copy_to_table(
            table, schema_name=name, columns=rows.names, format="binary", source=rows.encode()
        )
