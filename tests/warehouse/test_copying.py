"""Texts on their way into COPY: what is kept of them between batches, and for how long."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from liontrack_stream.warehouse import copying
from liontrack_stream.warehouse.copying import Rows


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_combinations", type(copying._combinations)())


def encoded(*texts: str) -> bytes:
    return Rows(len(texts)).text("name", texts).encode()


def test_a_text_is_the_same_when_it_comes_again() -> None:
    long = "ö" * 1_000
    first = encoded("nala", long, "nala")
    assert encoded("nala", long, "nala") == first
    assert struct.pack(">i", 2_000) + long.encode() in first


def test_only_short_texts_are_kept_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_COMBINATIONS_MAX", 3)
    encoded("a", "b" * 1_000)
    assert list(copying._combinations) == [("a",)]
    encoded("c", "d", "e")
    assert len(copying._combinations) == 4
    encoded("f")
    assert list(copying._combinations) == [("f",)]


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
    assert list(_read(rows.encode())) == expected


def _i4(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _i8(value: int) -> bytes:
    return value.to_bytes(8, "big")


def _f8(value: float) -> bytes:
    return struct.pack(">d", value)


def _read(stream: bytes) -> Iterator[list[bytes | None]]:
    """A binary COPY's rows, by its definition."""
    assert stream[:19] == b"PGCOPY\n\xff\r\n\x00" + bytes(8)
    at = 19
    while (fields := int.from_bytes(stream[at : at + 2], "big", signed=True)) != -1:
        at += 2
        row: list[bytes | None] = []
        for _ in range(fields):
            length = int.from_bytes(stream[at : at + 4], "big", signed=True)
            row.append(None if length == -1 else stream[at + 4 : at + 4 + length])
            at += 4 + max(0, length)
        yield row
    assert at + 2 == len(stream)
