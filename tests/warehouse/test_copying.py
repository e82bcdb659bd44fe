"""Texts on their way into COPY: what is kept of them between batches, and for how long."""

from __future__ import annotations

import struct

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
