"""The consumed offsets, in PostgreSQL: where each partition goes on, and who may write it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
from mode import get_logger

from liontrack_stream.kafka.ports import Head, Partition
from liontrack_stream.warehouse.pool import WORKER
from liontrack_stream.warehouse.queries import query

logger = get_logger(__name__)

CLAIM_PATIENCE_S = 10.0  # longer than a batch takes


class OffsetStore:
    """Start positions and the writer lease.

    A claim takes a new epoch; a batch commits only while its partition's epoch is still the claimer's. A worker that
    was thought dead and comes back therefore writes nothing.
    """

    def __init__(self, pool: asyncpg.Pool, owner: str) -> None:
        self._pool = pool
        self._owner = owner
        self._epochs: dict[Partition, int] = {}

    async def claim(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Take the lease of these partitions; their next offsets, 0 for a partition never seen."""
        wanted = sorted(set(partitions))
        if not wanted:
            return {}
        topics, numbers = [topic for topic, _ in wanted], [number for _, number in wanted]
        async with self._pool.acquire() as connection:
            epoch = await connection.fetchval(query("metadata/next_epoch"))
            claiming = connection.fetch(query("metadata/claim_offsets"), topics, numbers, self._owner, epoch)
            rows = await self._patiently(connection.get_server_pid(), asyncio.ensure_future(claiming))
        offsets = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        self._epochs.update(dict.fromkeys(offsets, epoch))
        return offsets

    async def _patiently(self, pid: int, claiming: asyncio.Future[list[Any]]) -> list[Any]:
        """What the claim returns. A worker that was paused within a batch holds its lease for as long as it is: after a
        while its batch is ended, which it could no longer commit."""
        try:
            while not (await asyncio.wait({claiming}, timeout=CLAIM_PATIENCE_S))[0]:
                await self._end_blocking(pid)
            return claiming.result()
        finally:
            claiming.cancel()

    async def _end_blocking(self, pid: int) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(query("metadata/own_role"))
            ended = await connection.fetch(query("metadata/end_blocking"), pid, WORKER)
        if ended:
            logger.warning(
                "Ended %d batches of a worker that holds partitions which are ours now: it may be paused", len(ended)
            )

    def epoch(self, partition: Partition) -> int:
        """The epoch under which this worker may write a partition, -1 when it may not."""
        return self._epochs.get(partition, -1)

    async def stored(self) -> dict[Partition, int]:
        """Next offsets of every partition ever consumed."""
        rows = await self._pool.fetch(query("metadata/offsets"))
        return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def heads(self) -> dict[Partition, Head]:
        """The logs that the stored offsets belong to."""
        rows = await self._pool.fetch(query("metadata/offsets"))
        return {(row["topic"], row["partition"]): Head(row["cluster_id"], row["first_fingerprint"]) for row in rows}

    async def remember_heads(self, heads: Mapping[Partition, Head]) -> None:
        """Store the cluster and first record of partitions; what is stored already stays."""
        rows = [(topic, number, head.cluster_id, head.first_fingerprint) for (topic, number), head in heads.items()]
        await self._pool.executemany(query("metadata/remember_origin"), rows)
