"""What one batch's transaction carries from step to step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import numpy as np
import xxhash
from numpy.typing import NDArray

from liontrack_stream.contract.events import Decoded
from liontrack_stream.contract.topics import TopicSpec
from liontrack_stream.kafka.ports import BatchStats
from liontrack_stream.warehouse.copying import Rows, copy_rows
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.revisions import Revisions

_LOCK_CLASS = 0x4C54
_LOCK_BUCKETS = 1024
_LOCK_SPACES = {"challenge": 0, "identity": 1, "lion": 2, "user": 3}
NO_DAY = -719_162  # 0001-01-01, the «day» of tables without days


@dataclass(slots=True)
class BatchWork:
    """One batch in its transaction."""

    connection: asyncpg.Connection
    topic: TopicSpec
    partition: int
    decoded: Sequence[Decoded]
    offsets: NDArray[np.int64]
    append_us: NDArray[np.int64]
    ingested_us: int | None = None  # the transaction's time
    stats: BatchStats = field(default_factory=BatchStats)
    live: dict[str, Any] = field(default_factory=dict)
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    revisions: Revisions = field(default_factory=Revisions)
    caught: dict[str, list[int]] = field(default_factory=dict)  # rule of silver -> offsets, -1 in another partition
    judged_again: int = 0  # rows stored before that a rule of silver caught only now
    _dirty: set[tuple[str, str, int]] = field(default_factory=set)

    def events(self, kind: type[Any]) -> tuple[list[Any], NDArray[np.int64]]:
        """The events of one kind, and their places in the batch."""
        places = [place for place, item in enumerate(self.decoded) if item.__class__ is kind]
        return [self.decoded[place] for place in places], np.asarray(places, np.int64)

    def count(self, **counts: int) -> None:
        """Add to the batch's statistics."""
        self.stats = self.stats + BatchStats(**counts)

    def catch(self, rule: str, partitions: Any, offsets: Any) -> None:
        """Note records that a rule of the topic's silver table caught, for its quality checks."""
        offsets = np.where(np.asarray(partitions) == self.partition, offsets, -1)
        if offsets.size:
            self.caught.setdefault(rule, []).extend(offsets.tolist())

    def touched(self, layer: str, table: str, days: Iterable[int] = (NO_DAY,)) -> None:
        """Note days (since the epoch) of a lake table that this batch changed."""
        self._dirty.update((layer, table, int(day)) for day in days)

    async def mark_dirty(self) -> None:
        """Write down the touched days for the lake."""
        if self._dirty:
            await self.connection.execute(
                query("metadata/mark_dirty"), *map(list, zip(*sorted(self._dirty), strict=True))
            )

    async def lock(self, **keys: Iterable[str]) -> None:
        """Take the locks of challenges, identities, lions or users until the transaction ends, in one global order.

        Several calls keep the order when their spaces follow each other; else two batches may deadlock, and one of
        them is tried again a second later.
        """
        buckets = {
            _LOCK_SPACES[space] * _LOCK_BUCKETS + xxhash.xxh32_intdigest(key.encode()) % _LOCK_BUCKETS
            for space, named in keys.items()
            for key in named
        }
        if buckets:
            await self.connection.execute(query("metadata/lock_keys"), _LOCK_CLASS, sorted(buckets))

    async def store_repeats(
        self, identities: list[str], partitions: Any, offsets: Any, append_us: Any, hashes: Any
    ) -> None:
        """Keep the coordinates of records whose identity an earlier record holds."""
        rows = Rows(len(identities)).constant("topic", self.topic.name).text("identity", identities)
        rows.int4("partition", partitions).int8("offset", offsets)
        rows.timestamp("append_time", append_us).int8("content_hash", hashes)
        await copy_rows(self.connection, "metadata", "repeats", rows)
