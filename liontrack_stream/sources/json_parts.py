"""JSON documents that a file parts: one a line, or a text sequence of RFC 8142, where a separator leads each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, NamedTuple

SEPARATOR = b"\x1e"
_CHUNK_BYTES = 1 << 16
_PART_MAX_BYTES = 64 << 20
_SHOWN_BYTES = 200


class Part(NamedTuple):
    """One document's bytes, and where it is, from 1; ``error`` says why the bytes are not whole."""

    place: str
    text: bytes
    error: str | None = None


def parts(stream: IO[bytes], delimiter: bytes) -> Iterator[Part]:
    """What lies between delimiters, blank parts left out. One of more than 64 MiB is skipped, and named."""
    word, number, held, skipped = "line" if delimiter == b"\n" else "record", 0, bytearray(), 0
    if delimiter == SEPARATOR:
        number -= 1  # it leads each document
    while chunk := stream.read(_CHUNK_BYTES):
        *ended, rest = chunk.split(delimiter)
        for piece in ended:
            number += 1
            held += piece
            if skipped or held.strip():
                yield _part(f"{word} {number:,}", held, skipped + len(held) if skipped else 0)
            held, skipped = bytearray(), 0
        held += rest
        if len(held) > _PART_MAX_BYTES:
            skipped += len(held)
            held = held[:0] if skipped > len(held) else held[:_SHOWN_BYTES]
    if held.strip():
        yield _part(f"{word} {number + 1:,}", held, skipped)


def _part(place: str, held: bytearray, skipped: int) -> Part:
    error = f"is longer than {_PART_MAX_BYTES >> 20} MiB" if skipped else None
    return Part(place, bytes(held[:_SHOWN_BYTES] if skipped else held), error)
