"""A round of the feed stores every record below the ends, in order, in batches that are not too large."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from liontrack_stream.kafka.ports import Partition
from liontrack_stream.replay.feed import Feed, _Round
from liontrack_stream.replay.source import Arrived

A, B = ("lions.position.events", 0), ("lions.position.events", 1)
HOLE = 3  # offsets after the last record that hold none


@dataclass(frozen=True, slots=True)
class Record:
    offset: int


@dataclass
class Stored:
    """A feed whose source holds so many records of each partition, and gives ``fetched`` at a time."""

    held: Mapping[Partition, int]
    fetched: int
    batch_records: int
    positions: dict[Partition, int] = field(default_factory=dict)
    batches: list[tuple[Partition, list[int]]] = field(default_factory=list)
    fails_at: int | None = None
    storing: int = 0
    most_at_once: int = 0
    fetched_while_storing: int = 0

    def __post_init__(self) -> None:
        self.positions = dict.fromkeys(self.held, 0)
        self._next = dict.fromkeys(self.held, 0)

    async def fetch(self, wanted: Mapping[Partition, tuple[int, int]]) -> dict[Partition, Arrived]:
        await asyncio.sleep(0)
        self.fetched_while_storing += self.storing > 0
        found = {}
        for partition in wanted:
            at = self._next[partition]
            assert at == wanted[partition][0]
            until = min(at + self.fetched, self.held[partition])
            self._next[partition] = until if until > at else until + HOLE
            found[partition] = Arrived([Record(offset) for offset in range(at, until)], self._next[partition])
        return found

    def fetch_from(self, partition: Partition, offset: int) -> None:
        self._next[partition] = offset

    async def store(self, partition: Partition, records: Sequence[Any]) -> None:
        self.storing += 1
        self.most_at_once = max(self.most_at_once, self.storing)
        for _ in range(3):
            await asyncio.sleep(0)
        self.storing -= 1
        offsets = [record.offset for record in records]
        if self.fails_at in offsets:
            raise OSError("away")
        self.batches.append((partition, offsets))

    def advance(self, ends: Mapping[Partition, int]) -> None:
        asyncio.run(_Round(cast(Feed, self), ends).run())

    def stored(self, partition: Partition) -> list[int]:
        return [offset for of, offsets in self.batches for offset in offsets if of == partition]


@pytest.mark.parametrize("fetched", [1, 7, 100])
def test_every_record_below_the_ends_once_and_in_order(fetched: int) -> None:
    feed = Stored({A: 50, B: 20}, fetched, batch_records=8)
    feed.advance({A: 33, B: 20 + HOLE})
    assert (feed.stored(A), feed.stored(B)) == (list(range(33)), list(range(20)))
    assert feed.positions == {A: 33, B: 20 + HOLE}
    feed.advance({A: 50})
    assert feed.stored(A) == list(range(50))
    assert max(len(offsets) for _, offsets in feed.batches) <= 8


def test_partitions_are_stored_at_once_and_read_meanwhile() -> None:
    feed = Stored({A: 40, B: 40}, fetched=4, batch_records=4)
    feed.advance({A: 40, B: 40})
    assert feed.most_at_once == 2
    assert feed.fetched_while_storing > 5


def test_after_an_error_it_is_read_again_from_what_is_stored() -> None:
    feed = Stored({A: 40, B: 40}, fetched=10, batch_records=5, fails_at=22)
    with pytest.raises(OSError, match="away"):
        feed.advance({A: 40, B: 40})
    feed.fails_at = None
    feed.advance({A: 40, B: 40})
    assert (sorted(feed.stored(A)), sorted(feed.stored(B))) == (list(range(40)), list(range(40)))
    assert feed.positions == {A: 40, B: 40}
