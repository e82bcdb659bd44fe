"""Columns into PostgreSQL's binary COPY format, a batch at a time.

Neighbouring columns of fixed width are laid out by numpy as one block per row; only texts are joined row by row.
Format: https://www.postgresql.org/docs/current/sql-copy.html, «Binary Format».
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liontrack_stream.generation import current, suffix
from liontrack_stream.warehouse.batch_connection import BatchConnection

PG_EPOCH_US = 946_684_800_000_000  # 2000-01-01, PostgreSQL's day zero
PG_EPOCH_DAY = 10_957
_HEADER = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_JSONB_VERSION = b"\x01"
_TEXT_OID, _INT8_OID = 25, 20
_COMBINATIONS_MAX = 20_000  # at the start of a COPY
_KEPT_BYTES_MAX = 200
_NULLS, _CONSTANT, _FIXED, _MIXED, _TEXTS, _BYTES = "nulls", "constant", "fixed", "mixed", "texts", "bytes"


@dataclass(slots=True)
class Rows:
    """Columns of equal length for one COPY; they carry their names, so any order will do.

    Cheapest is: columns of fixed width first, then texts that repeat (``text``), then texts that do not (``binary``).
    """

    count: int
    _columns: list[tuple[str, str, Any]] = field(default_factory=list)  # name, form, values

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self._columns]

    def _add(self, name: str, form: str, values: Any = None) -> Rows:
        self._columns.append((name, form, values))
        return self

    def fixed(self, name: str, values: Any, dtype: str, null: NDArray[np.bool_] | None = None) -> Rows:
        """A column of fixed width; ``dtype`` is numpy's big-endian code, e.g. '>i8'; ``null`` marks SQL nulls."""
        array = np.asarray(values).astype(dtype)
        if null is None or not null.any():
            return self._add(name, _FIXED, array)
        return self._add(name, _NULLS) if null.all() else self._add(name, _MIXED, (array, null))

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

    def text(self, name: str, values: Sequence[str | None]) -> Rows:
        """A text column whose values repeat."""
        return self._add(name, _TEXTS, values)

    def binary(self, name: str, values: Sequence[bytes | None]) -> Rows:
        """A bytea or text column of bytes that hardly repeat."""
        return self._add(name, _NULLS) if values.count(None) == len(values) else self._add(name, _BYTES, values)

    def texts(self, name: str, values: Sequence[Sequence[str] | None]) -> Rows:
        """A text[] column."""
        return self.binary(
            name, [None if v is None else _array(_TEXT_OID, [item.encode() for item in v]) for v in values]
        )

    def int8s(self, name: str, values: Sequence[Sequence[int]]) -> Rows:
        """A bigint[] column."""
        return self.binary(name, [_array(_INT8_OID, [struct.pack(">q", item) for item in items]) for items in values])

    def json(self, name: str, values: Sequence[bytes | None]) -> Rows:
        """A jsonb column from JSON texts."""
        return self.binary(name, [None if value is None else _JSONB_VERSION + value for value in values])

    def constant(self, name: str, value: str) -> Rows:
        """The same text in every row."""
        return self._add(name, _CONSTANT, value.encode())

    def encode(self) -> bytes:
        """The whole COPY stream."""
        pieces: list[Sequence[bytes]] = []
        block = _Block(self.count, struct.pack(">h", len(self._columns)))
        for form, group in groupby(self._columns, key=lambda column: column[1]):
            columns = [values for _, _, values in group]
            if form == _NULLS:
                block.constant(_NULL * len(columns))
            elif form == _FIXED:
                for values in columns:
                    block.constant(_length(values))
                    block.column(values)
            elif form == _CONSTANT:
                for value in columns:
                    block.constant(struct.pack(">i", len(value)) + value)
            elif form == _TEXTS:
                pieces += [block.close(), _repeating(columns)]
            elif form == _MIXED:
                pieces += [block.close(), *(_nullable(values, null) for values, null in columns)]
            else:
                for values in columns:
                    lengths = [-1 if value is None else len(value) for value in values]
                    block.column(np.array(lengths, ">i4"))
                    pieces += [block.close(), values if None not in values else [value or b"" for value in values]]
        pieces.append(block.close())
        rows = chain.from_iterable(zip(*(piece for piece in pieces if piece), strict=True))
        return b"".join(chain((_HEADER,), rows, (_TRAILER,)))


class _Block:
    """The fixed-width stretch between two texts, as one structured array: what is the same in all rows, and columns."""

    def __init__(self, count: int, constant: bytes = b"") -> None:
        self._count = count
        self._parts: list[bytes | str] = [constant] if constant else []
        self._columns: list[NDArray[Any]] = []

    def constant(self, value: bytes) -> None:
        """The same bytes in every row."""
        self._parts.append(value)

    def column(self, values: NDArray[Any]) -> None:
        """A value for each row, as it is to be in its bytes."""
        self._parts.append(values.dtype.str)
        self._columns.append(values)

    def close(self) -> list[bytes]:
        """The rows' bytes, none where the block is empty; the next block begins."""
        if not self._parts:
            return []
        dtype, template = _layout(tuple(self._parts))
        block = np.frombuffer(bytearray(template) * self._count, dtype)
        for name, values in zip(dtype.names or (), self._columns, strict=True):
            block[name] = values
        self._parts, self._columns = [], []
        rows: list[bytes] = block.view(f"V{len(template)}").tolist()
        return rows


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


def _repeating(columns: Sequence[Sequence[str | None]]) -> list[bytes]:
    """Neighbouring text columns as one piece per row; a combination that came before is looked up."""
    if len(_combinations) > _COMBINATIONS_MAX:
        _combinations.clear()
    return list(map(_combinations.__getitem__, zip(*columns, strict=True)))


class _Combinations(dict[tuple[str | None, ...], bytes]):
    """Texts of one row to their bytes, lengths before each. Short ones are kept: they come in the next batch, too."""

    def __missing__(self, texts: tuple[str | None, ...]) -> bytes:
        encoded = [None if text is None else text.encode() for text in texts]
        piece = b"".join(_NULL if item is None else struct.pack(">i", len(item)) + item for item in encoded)
        if len(piece) <= _KEPT_BYTES_MAX:
            self[texts] = piece
        return piece


_combinations = _Combinations()


def _nullable(values: NDArray[Any], null: NDArray[np.bool_]) -> list[bytes]:
    block = _Block(len(values), _length(values))
    block.column(values)
    return [_NULL if is_null else item for item, is_null in zip(block.close(), null.tolist(), strict=True)]


def _length(values: NDArray[Any]) -> bytes:
    return struct.pack(">i", values.dtype.itemsize)


def _array(oid: int, items: Sequence[bytes]) -> bytes:
    """PostgreSQL's binary array: dimensions, null flag, element type; length and lower bound of the one dimension."""
    if not items:
        return struct.pack(">iiI", 0, 0, oid)
    parts = [struct.pack(">iiIii", 1, 0, oid, len(items), 1)]
    for item in items:
        parts += [struct.pack(">i", len(item)), item]
    return b"".join(parts)


async def copy_rows(connection: BatchConnection, schema: str, table: str, rows: Rows) -> None:
    """COPY ``rows`` into an allow-listed table of this process's generation."""
    if rows.count:
        source = memoryview(rows.encode())  # bytes would be a path's name, and a file be read by another thread
        await connection.copy_to_table(
            table, schema_name=schema + suffix(current()), columns=rows.names, format="binary", source=source
        )
