"""The sink: one batch, one transaction.

advance offset ─► bronze ─► dead letters ─► locks ─► silver ─► gold ─► dirty days ─► COMMIT ─► caches, lake
     │
     └── not where the batch starts: Behind, Gap or LostLease, and nothing is written
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import asyncpg
import numpy as np

from liontrack_stream import metrics
from liontrack_stream.contract.decode import decode_records
from liontrack_stream.contract.topics import ACTIVITIES, BY_NAME, CHALLENGES, POSITIONS, QUALITY, WEIGHTS
from liontrack_stream.crashpoints import crash_here
from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.ports import Behind, Committed, Gap, LostLease, Outcome, Partition, Written
from liontrack_stream.lake.ports import BronzeRows
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.activities import store_activities
from liontrack_stream.warehouse.batch_connection import BatchConnection
from liontrack_stream.warehouse.bronze import TABLES, store_bronze, store_dead_letters, store_deletions
from liontrack_stream.warehouse.challenges import store_challenges
from liontrack_stream.warehouse.day_partitions import DayPartitions
from liontrack_stream.warehouse.lion_states import LionCache
from liontrack_stream.warehouse.offsets import OffsetStore
from liontrack_stream.warehouse.positions import store_positions
from liontrack_stream.warehouse.quality import store_quality
from liontrack_stream.warehouse.quality_tally import store_tally
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.weights import store_weights
from liontrack_stream.warehouse.work import BatchWork

_STALE_TRIES = 4
OFFERED_RECORDS_MIN = 1_000  # the lake reads a smaller batch from bronze: in C, while this process stores the next
BronzeListener = Callable[[BronzeRows], None]


@dataclass(frozen=True, slots=True)
class _Unconfirmed:
    """A batch whose COMMIT was sent and not yet answered."""

    next_offset: int
    finish: Callable[[], Committed]


class _NotHere(Exception):
    """The offset could not be advanced; carries the outcome, and rolls back."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Sink:
    """Stores batches. Safe for several partitions at once, for one batch at a time per partition.

    Parameters
    ----------
    on_bronze
        Told of the committed bronze rows of large batches, for the lake.
    gold
        Whether gold is written too.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        offsets: OffsetStore,
        settings: Settings,
        on_bronze: BronzeListener | None = None,
        gold: bool = True,
    ) -> None:
        self._pool = pool
        self._offsets = offsets
        self._value_max_bytes = settings.value_max_bytes
        self._speed_limits_kmh = settings.speed_limits_kmh
        self._lions = LionCache()
        self._day_partitions = DayPartitions()
        self._unconfirmed: dict[Partition, _Unconfirmed] = {}
        self.on_bronze = on_bronze
        self._gold = gold

    async def process(self, batch: RecordBatch, gap_proven: bool = False) -> Outcome:
        """Store a batch in one transaction; see ``kafka.ports.Sink``."""
        for _ in range(_STALE_TRIES):
            try:
                return await self._process(batch, gap_proven)
            except (asyncpg.CheckViolationError, asyncpg.UniqueViolationError):
                # A partition was dropped, or made while the batch wrote its rows to the default one.
                self._day_partitions.forget()
        return await self._process(batch, gap_proven)

    async def _process(self, batch: RecordBatch, gap_proven: bool) -> Outcome:
        began_s = perf_counter()
        work = self._decode(batch)
        await self._day_partitions.ensure(self._pool, f"bronze.{TABLES[batch.topic]}", work)
        partition = (batch.topic, batch.partition)
        try:
            async with self._pool.acquire() as connection:
                batch_connection = work.connection = BatchConnection(connection)
                async with connection.transaction():
                    async with batch_connection.writing():
                        crash_here("sink.before_offset")
                        await self._advance(work, batch, gap_proven)
                        crash_here("sink.after_offset")
                        runs = await self._write(work, batch)
                    crash_here("sink.before_commit")
                    finish = self._finisher(work, runs, batch_connection.written)
                    self._unconfirmed[partition] = _Unconfirmed(batch.next_offset, finish)
        except _NotHere as stopped:
            sent = self._unconfirmed.pop(partition, None)
            stored = stopped.outcome.stored_next_offset if isinstance(stopped.outcome, Behind) else -1
            if sent is not None and stored == sent.next_offset == batch.next_offset:
                return sent.finish()  # the COMMIT whose answer was lost had arrived
            return stopped.outcome
        self._unconfirmed.pop(partition, None)
        crash_here("sink.after_commit")
        oldest_ms = int(work.append_us[0]) / 1000
        metrics.batch_stored(
            batch.topic, len(batch.records), perf_counter() - began_s, oldest_ms, work.stats.dead_letters
        )
        return finish()

    def _decode(self, batch: RecordBatch) -> BatchWork:
        topic, limit = batch.topic, self._value_max_bytes
        decoded = decode_records(topic, ((record.key, record.value) for record in batch.records), limit)
        if batch.verdicts:
            offsets = (record.offset for record in batch.records)
            decoded = [batch.verdicts.get(offset, event) for offset, event in zip(offsets, decoded, strict=True)]
        return BatchWork(
            BY_NAME[topic],
            batch.partition,
            decoded,
            np.array([record.offset for record in batch.records], np.int64),
            np.array([record.timestamp for record in batch.records], np.int64) * 1000,
            self._gold,
        )

    async def _advance(self, work: BatchWork, batch: RecordBatch, gap_proven: bool) -> None:
        """Move the stored offset past the batch, or raise what stands in the way."""
        partition = (batch.topic, batch.partition)
        epoch = self._offsets.epoch(partition)
        move = query("metadata/advance_offset")
        ends = batch.next_offset, epoch
        work.ingested_us = await work.connection.fetchval(move, *partition, batch.first_offset, *ends)
        if work.ingested_us is not None:
            return
        state = await work.connection.fetchrow(query("metadata/offset_state"), *partition)
        if state is None or state["lease_epoch"] != epoch:
            raise _NotHere(LostLease())
        stored = state["next_offset"]
        if stored > batch.first_offset:
            raise _NotHere(Behind(stored))
        if gap_proven:
            work.ingested_us = await work.connection.fetchval(move, *partition, stored, *ends)
        if work.ingested_us is None:
            raise _NotHere(Gap(stored))

    async def _write(self, work: BatchWork, batch: RecordBatch) -> list[BronzeRows]:
        crash_here("sink.before_copy")
        runs = await store_bronze(work, batch.records)
        await store_dead_letters(work, batch.records)
        await store_deletions(work)
        crash_here("sink.after_copy")
        await self._store_topic(work)
        await work.revisions.store(work.connection, work.topic.name, work.partition)
        await work.mark_dirty()
        await store_tally(work, batch.records)
        return runs

    async def _store_topic(self, work: BatchWork) -> None:
        stores: dict[str, Callable[[], Any]] = {
            POSITIONS.name: lambda: store_positions(work, self._lions, self._speed_limits_kmh),
            WEIGHTS.name: lambda: store_weights(work),
            ACTIVITIES.name: lambda: store_activities(work),
            CHALLENGES.name: lambda: store_challenges(work),
            QUALITY.name: lambda: store_quality(work),
        }
        await stores[work.topic.name]()

    def _finisher(
        self, work: BatchWork, runs: list[BronzeRows], written: Mapping[str, Written]
    ) -> Callable[[], Committed]:
        def finish() -> Committed:
            for keep in work.after_commit:
                keep()
            if self.on_bronze is not None and work.stats.bronze >= OFFERED_RECORDS_MIN:
                for run in runs:
                    self.on_bronze(run)
            return Committed(work.stats, work.live, written)

        return finish
