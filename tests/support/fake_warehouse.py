"""A warehouse that stores nothing but which record was consumed, in real Postgres, with real transactions.

It answers like the real sink (`liontrack_stream.kafka.ports`), so that the transport is tested by itself: the
table ``fake.records`` has one row per stored record and no key, so a record stored twice shows.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterable, Mapping, Sequence

import asyncpg

from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.ports import BatchStats, Behind, Committed, Gap, Head, LostLease, Outcome, Partition
from liontrack_stream.settings import Settings

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS fake;
CREATE SEQUENCE IF NOT EXISTS fake.epochs;
CREATE TABLE IF NOT EXISTS fake.offsets (topic text, partition int, next_offset bigint NOT NULL, epoch bigint NOT NULL,
    cluster_id text, fingerprint text, PRIMARY KEY (topic, partition));
CREATE TABLE IF NOT EXISTS fake.records (topic text, partition int, "offset" bigint, batch_records int, worker int,
    stored_at timestamptz DEFAULT clock_timestamp());
"""
CLAIM = """
INSERT INTO fake.offsets AS o (topic, partition, next_offset, epoch)
SELECT t, p, 0, $3 FROM unnest($1::text[], $2::int[]) AS x(t, p)
ON CONFLICT (topic, partition) DO UPDATE SET epoch = greatest(o.epoch, $3) RETURNING topic, partition, next_offset
"""


class FakeWarehouse:
    """Pool, offsets and sink in one. ``delay_s``: how long each batch takes."""

    def __init__(self, pool: asyncpg.Pool, delay_s: float) -> None:
        self.pool = pool
        self.offsets = self.sink = self
        self._delay_s = delay_s
        self._epochs: dict[Partition, int] = {}

    async def close(self) -> None:
        await self.pool.close()

    async def claim(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        wanted = list(partitions)
        epoch = await self.pool.fetchval("SELECT nextval('fake.epochs')")
        rows = await self.pool.fetch(CLAIM, [t for t, _ in wanted], [p for _, p in wanted], epoch)
        self._epochs.update(dict.fromkeys(wanted, epoch))
        return {(r["topic"], r["partition"]): r["next_offset"] for r in rows}

    async def stored(self) -> dict[Partition, int]:
        rows = await self.pool.fetch("SELECT topic, partition, next_offset FROM fake.offsets")
        return {(r["topic"], r["partition"]): r["next_offset"] for r in rows}

    async def heads(self) -> dict[Partition, Head]:
        rows = await self.pool.fetch("SELECT * FROM fake.offsets")
        return {(r["topic"], r["partition"]): Head(r["cluster_id"], r["fingerprint"]) for r in rows}

    async def remember_heads(self, heads: Mapping[Partition, Head]) -> None:
        await self.pool.executemany(
            "UPDATE fake.offsets SET cluster_id = $3, fingerprint = $4 WHERE topic = $1 AND partition = $2",
            [(*p, h.cluster_id, h.first_fingerprint) for p, h in heads.items()],
        )

    async def process(self, batch: RecordBatch, gap_proven: bool = False) -> Outcome:
        partition = (batch.topic, batch.partition)
        async with self.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "SELECT next_offset, epoch FROM fake.offsets WHERE topic = $1 AND partition = $2 FOR UPDATE", *partition
            )
            if row["epoch"] != self._epochs.get(partition):
                return LostLease()
            if batch.first_offset < row["next_offset"]:
                return Behind(row["next_offset"])
            if batch.first_offset > row["next_offset"] and not gap_proven:
                return Gap(row["next_offset"])
            count = len(batch.records)
            await connection.copy_records_to_table(
                "records",
                schema_name="fake",
                columns=["topic", "partition", "offset", "batch_records", "worker"],
                records=[(*partition, r.offset, count, os.getpid()) for r in batch.records],
            )
            if self._delay_s:
                await asyncio.sleep(self._delay_s * random.random())
            await connection.execute(
                "UPDATE fake.offsets SET next_offset = $3 WHERE topic = $1 AND partition = $2",
                *partition,
                batch.next_offset,
            )
        return Committed(
            BatchStats(bronze=count, silver=count), live={r.key.decode(): {"offset": r.offset} for r in batch.records}
        )

    async def process_together(self, batches: Sequence[RecordBatch]) -> None:
        """One by one, please."""


class NullWarehouse(FakeWarehouse):
    """Stores nothing: what is left is the cost of the transport."""

    async def process(self, batch: RecordBatch, gap_proven: bool = False) -> Outcome:
        return Committed(BatchStats(bronze=len(batch.records)))


async def open_fake_warehouse(settings: Settings, kind: type[FakeWarehouse] = FakeWarehouse) -> FakeWarehouse:
    pool = await asyncpg.create_pool(**settings.pg_dsn, min_size=1, max_size=8)
    await pool.execute(SCHEMA)
    return kind(pool, float(os.environ.get("FAKE_DELAY_S", "0")))
