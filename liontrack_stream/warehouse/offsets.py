"""The consumed offsets, in PostgreSQL: where each partition goes on, and who may write it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from liontrack_stream.warehouse.queries import query

TopicPartition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class StoredOffset:
    """A partition's stored position and the log it belongs to."""

    next_offset: int
    cluster_id: str | None
    first_fingerprint: str | None


class OffsetStore:
    """Start positions and the writer lease.

    A claim takes a new epoch; a batch commits only while its partition's epoch is still the claimer's. A worker that
    was thought dead and comes back therefore writes nothing.
    """

    def __init__(self, pool: asyncpg.Pool, owner: str) -> None:
        self._pool = pool
        self._owner = owner
        self._epochs: dict[TopicPartition, int] = {}

    async def claim(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Take the lease of these partitions; their next offsets, 0 for a partition never seen."""
        wanted = sorted(set(partitions))
        if not wanted:
            return {}
        async with self._pool.acquire() as connection:
            epoch = await connection.fetchval("SELECT nextval('metadata.lease_epochs')")
            rows = await connection.fetch(
                query("metadata/claim_offsets"),
                [topic for topic, _ in wanted],
                [partition for _, partition in wanted],
                self._owner,
                epoch,
            )
        offsets = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        self._epochs.update(dict.fromkeys(offsets, epoch))
        return offsets

    def release(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget partitions that were revoked; their next owner takes the lease itself."""
        for partition in partitions:
            self._epochs.pop(partition, None)

    def epoch(self, topic: str, partition: int) -> int:
        """The epoch under which this worker may write a partition, -1 when it may not."""
        return self._epochs.get((topic, partition), -1)

    async def stored(self) -> dict[TopicPartition, StoredOffset]:
        """All partitions ever consumed."""
        rows = await self._pool.fetch(query("metadata/offsets"))
        return {
            (row["topic"], row["partition"]): StoredOffset(
                row["next_offset"], row["cluster_id"], row["first_fingerprint"]
            )
            for row in rows
        }

    async def remember_origin(self, partition: TopicPartition, cluster_id: str, first_fingerprint: str | None) -> None:
        """Fix which cluster and first record a partition's offsets belong to, once."""
        await self._pool.execute(query("metadata/remember_origin"), *partition, cluster_id, first_fingerprint)
