"""A place in the stream of positions and revisions, and its text, which clients send back as ``Last-Event-ID``."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from liontrack_stream.contract.topics import BY_NAME

Partition = tuple[str, int]
TEXT_MAX_CHARACTERS = 16_384


class BadPoint(ValueError):
    """The text is no place in the stream."""


@dataclass(frozen=True, slots=True)
class Point:
    """``heads``: the next offset of each partition that is stored; ``until``: what delayed viewers had seen.

    ``revision_id``: the newest revision's.
    """

    heads: Mapping[Partition, int]
    until: datetime
    revision_id: int

    def text(self) -> str:
        """As an event's id: one line of ASCII."""
        heads = [[topic, partition, head] for (topic, partition), head in sorted(self.heads.items())]
        plain = msgspec.json.encode([heads, self.until, self.revision_id])
        return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()


def point_of(text: str) -> Point:
    """The point that a client sends back.

    Raises
    ------
    BadPoint
        When `Point.text` did not make it.
    """
    if len(text) > TEXT_MAX_CHARACTERS:
        raise BadPoint("too long")
    try:
        plain = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        heads, until, revision_id = msgspec.json.decode(plain, type=tuple[list[tuple[str, int, int]], datetime, int])
    except (ValueError, msgspec.MsgspecError):
        raise BadPoint("not one of ours") from None
    if not all(topic in BY_NAME and 0 <= n < 2**31 and 0 <= head < 2**62 for topic, n, head in heads):
        raise BadPoint("not one of ours")
    if until.tzinfo is None or not 0 <= revision_id < 2**62:
        raise BadPoint("not one of ours")
    return Point({(topic, n): head for topic, n, head in heads}, until.astimezone(UTC), revision_id)


def moved(since: Point, to: Point) -> dict[Partition, tuple[int, int]]:
    """The offsets ``[first, next)`` of each partition that were stored between two points.

    Of a partition that the earlier point does not know, nothing was stored by then.
    """
    found = {partition: (since.heads.get(partition, 0), head) for partition, head in to.heads.items()}
    return {partition: (first, head) for partition, (first, head) in found.items() if first < head}
