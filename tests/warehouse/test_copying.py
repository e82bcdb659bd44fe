"""Columns on their way into COPY, read back by the format's definition."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liontrack_stream.warehouse import copying
from liontrack_stream.warehouse.copying import Rows


def test_each_kind_of_column_is_laid_out_as_postgresql_reads_it() -> None:
    """Against the format's definition, field by field; nulls, constants and texts between fixed columns."""
    rows = Rows(3).constant("unit", "kg").int4("partition", [1, 2, 3]).timestamp("at", [946_684_800_000_001] * 3)
    rows.float8("partly", [0.5, float("nan"), 2.0]).float8("never", [float("nan")] * 3).text("lion", ["a", None, "öö"])
    rows.boolean("visible", [True, None, False]).constant("empty", "").json("extra", [None, b"{}", None])
    expected = [
        [b"kg", _i4(1), _i8(1), _f8(0.5), None, b"a", b"\x01", b"", None],
        [b"kg", _i4(2), _i8(1), None, None, None, None, b"", b"\x01{}"],
        [b"kg", _i4(3), _i8(1), _f8(2.0), None, "öö".encode(), b"\x00", b"", None],
    ]
    assert list(_read(b"".join(rows.encode()))) == expected


_ROW = st.tuples(
    *(st.none() | kind for kind in (st.text(max_size=9), st.binary(max_size=9), st.integers(-(2**63), 2**63 - 1))),
    st.booleans(),
)


@given(st.lists(_ROW, min_size=1, max_size=9), st.data())
def test_any_rows_of_any_part_of_a_batch(values: list[tuple[str, bytes, int, bool]], data: st.DataObject) -> None:
    """Texts and bytes as lists, and as parts of Arrow's arrays; nulls everywhere, nowhere and in between; laid out in
    pieces of any length."""
    start = data.draw(st.integers(0, len(values) - 1))
    part = values[start:]
    texts, blobs, numbers, marks = map(list, zip(*values, strict=True))
    rows = Rows(len(part)).text("list", texts[start:]).text("arrow", pa.array(texts, pa.large_string())[start:])
    null = np.array([number is None for number in numbers[start:]])
    rows.int8("number", [number or 0 for number in numbers[start:]], null)
    rows.json("json", pa.array(blobs, pa.large_binary())[start:]).boolean("mark", marks[start:])
    rows.binary("bytes", blobs[start:])
    expected = [
        [
            *[None if text is None else text.encode()] * 2,
            None if number is None else _i8(number),
            None if blob is None else b"\x01" + blob,
            bytes([mark]),
            blob,
        ]
        for text, blob, number, mark in part
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "PIECE_ROWS", data.draw(st.integers(1, len(part) + 1)))
        header, *pieces, trailer = rows.encode()
        assert len(pieces) == -(-len(part) // copying.PIECE_ROWS)
    assert list(_read(b"".join([header, *pieces, trailer]))) == expected


def _i4(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _i8(value: int) -> bytes:
    return value.to_bytes(8, "big", signed=True)


def _f8(value: float) -> bytes:
    return struct.pack(">d", value)


def _read(stream: bytes) -> Iterator[list[bytes | None]]:
    """A binary COPY's rows, by its definition."""
    assert stream[:19] == b"PGCOPY\n\xff\r\n\x00" + bytes(8)
    at = 19
    while (fields := int.from_bytes(stream[at : at + 2], "big", signed=True)) != -1:
        assert at < len(stream), "no trailer"
        at += 2
        row: list[bytes | None] = []
        for _ in range(fields):
            length = int.from_bytes(stream[at : at + 4], "big", signed=True)
            row.append(None if length == -1 else stream[at + 4 : at + 4 + length])
            at += 4 + max(0, length)
        yield row
    assert at + 2 == len(stream)
