"""The sink: one batch, one transaction.

advance offset ─► bronze ─► dead letters ─► locks ─► silver ─► gold ─► dirty days ─► COMMIT ─► caches, lake
     │
     └── not where the batch starts: Behind, Gap or LostLease, and nothing is written
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import asyncpg
import numpy as np

from liontrack_stream import metrics
from liontrack_stream.contract.decode import decode_batch
from liontrack_stream.contract.events import Decoded, Deletion, Position, Positions, Rejected
from liontrack_stream.contract.topics import ACTIVITIES, BY_NAME, CHALLENGES, POSITIONS, QUALITY, WEIGHTS
from liontrack_stream.core.geo import Ints
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

logger = logging.getLogger(__name__)

_STALE_TRIES = 4
BronzeListener = Callable[[BronzeRows], None]


@dataclass(frozen=True, slots=True)
class _Unconfirmed:
    """A partition's batch whose COMMIT was sent and not yet answered."""

    next_offset: int
    finish: Callable[[], Committed]


class _NotHere(Exception):
    """The offset could not be advanced; carries the outcome, and rolls back."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class _NotTogether(Exception):
    """These batches are to be stored one by one; nothing is written."""


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
        partition = (batch.topic, batch.partition)
        try:
            return (await self._store([batch], gap_proven))[0]
        except _NotHere as stopped:
            sent = self._unconfirmed.pop(partition, None)
            stored = stopped.outcome.stored_next_offset if isinstance(stopped.outcome, Behind) else -1
            if sent is not None and stored == sent.next_offset == batch.next_offset:
                return sent.finish()  # the COMMIT whose answer was lost had arrived
            return stopped.outcome

    async def process_together(self, batches: Sequence[RecordBatch]) -> Sequence[Committed] | None:
        """Store batches of several partitions of one topic in one transaction; see ``kafka.ports.Sink``."""
        if batches[0].topic != POSITIONS.name:
            return None  # a weighing changes days of lions and of users, whose other records may be anywhere
        try:
            return await self._store(batches, gap_proven=False)
        except _NotTogether:
            return None

    async def _store(self, batches: Sequence[RecordBatch], gap_proven: bool) -> Sequence[Committed]:
        for _ in range(_STALE_TRIES):
            try:
                return await self._store_once(batches, gap_proven)
            except (asyncpg.CheckViolationError, asyncpg.UniqueViolationError):
                # A partition was dropped, or made while the batch wrote its rows to the default one.
                self._day_partitions.forget()
        return await self._store_once(batches, gap_proven)

    async def _store_once(self, batches: Sequence[RecordBatch], gap_proven: bool) -> Sequence[Committed]:
        began_s = perf_counter()
        records = [record for batch in batches for record in batch.records] if len(batches) > 1 else batches[0].records
        work = self._decode(batches, records)
        await self._day_partitions.ensure(self._pool, f"bronze.{TABLES[work.topic.name]}", work)
        async with self._pool.acquire() as connection:
            batch_connection = work.connection = BatchConnection(connection)
            async with connection.transaction():
                async with batch_connection.writing():
                    crash_here("sink.before_offset")
                    await self._advance(work, batches, gap_proven)
                    crash_here("sink.after_offset")
                    runs = await self._write(work, records)
                crash_here("sink.before_commit")
                told = _Told(work, runs, batch_connection.written, self.on_bronze)
                for batch in batches:
                    finish = partial(told.outcome, batch.partition)
                    self._unconfirmed[batch.topic, batch.partition] = _Unconfirmed(batch.next_offset, finish)
        crash_here("sink.after_commit")
        oldest_ms = int(work.append_us.min()) / 1000
        seconds = perf_counter() - began_s
        metrics.batch_stored(work.topic.name, len(records), seconds, oldest_ms, work.stats.dead_letters)
        if logger.isEnabledFor(logging.DEBUG):
            _log(batches, work.decoded, seconds)
        return [self._unconfirmed.pop((batch.topic, batch.partition)).finish() for batch in batches]

    def _decode(self, batches: Sequence[RecordBatch], records: Sequence[Any]) -> BatchWork:
        topic, limit = batches[0].topic, self._value_max_bytes
        keys, values = [record.key for record in records], [record.value for record in records]
        decoded = decode_batch(topic, keys, values, limit)
        verdicts = batches[0].verdicts
        if verdicts:
            decoded = [verdicts.get(record.offset, event) for record, event in zip(records, decoded, strict=True)]
        partitions = np.repeat([batch.partition for batch in batches], [len(batch.records) for batch in batches])
        return BatchWork(
            BY_NAME[topic],
            decoded,
            partitions,
            np.array([record.offset for record in records], np.int64),
            np.array([record.timestamp for record in records], np.int64) * 1000,
            _homes(decoded, partitions) if len(batches) > 1 else {},
            self._gold,
        )

    async def _advance(self, work: BatchWork, batches: Sequence[RecordBatch], gap_proven: bool) -> None:
        """Move the stored offsets past the batches, or raise what stands in the way."""
        batch, partition = batches[0], (batches[0].topic, batches[0].partition)
        if await self._move(work, batches, [each.first_offset for each in batches]):
            return
        if len(batches) > 1:
            raise _NotTogether
        state = await work.connection.fetchrow(query("metadata/offset_state"), *partition)
        if state is None or state["lease_epoch"] != self._offsets.epoch(partition):
            raise _NotHere(LostLease())
        stored = state["next_offset"]
        if stored > batch.first_offset:
            raise _NotHere(Behind(stored))
        if not (gap_proven and await self._move(work, batches, [stored])):
            raise _NotHere(Gap(stored))

    async def _move(self, work: BatchWork, batches: Sequence[RecordBatch], begins: Sequence[int]) -> bool:
        columns = [
            (batch.partition, begin, batch.next_offset, self._offsets.epoch((batch.topic, batch.partition)))
            for batch, begin in zip(batches, begins, strict=True)
        ]
        move = query("metadata/advance_offset")
        moved = await work.connection.fetch(move, work.topic.name, *map(list, zip(*columns, strict=True)))
        if len(moved) < len(batches):
            return False
        work.ingested_us = moved[0][0]
        return True

    async def _write(self, work: BatchWork, records: Sequence[Any]) -> list[BronzeRows]:
        crash_here("sink.before_copy")
        runs = await store_bronze(work, records)
        await store_dead_letters(work, records)
        await store_deletions(work)
        crash_here("sink.after_copy")
        await self._store_topic(work)
        await work.revisions.store(work.connection, work.topic.name, work.partition_of)
        await work.mark_dirty()
        await store_tally(work, records)
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


class _Told:
    """What others learn of a commit: once, although each of its partitions may ask, one after a lost answer."""

    def __init__(
        self, work: BatchWork, runs: list[BronzeRows], written: Mapping[str, Written], on_bronze: BronzeListener | None
    ) -> None:
        self._work, self._runs, self._on_bronze = work, runs, on_bronze
        self._written = written
        self._told = False

    def outcome(self, partition: int) -> Committed:
        """What concerns a partition; who asks first gets the counts of all."""
        work = self._work
        live = work.live
        if work.homes:
            live = {key: state for key, state in live.items() if work.partition_of(key) == partition}
        if self._told:
            return Committed(live=live)
        self._told = True
        for keep in work.after_commit:
            keep()
        for run in self._runs:
            if self._on_bronze is not None:
                self._on_bronze(run)
        return Committed(work.stats, live, self._written)


def _log(batches: Sequence[RecordBatch], decoded: Sequence[Decoded], seconds: float) -> None:
    """A line for each batch of a transaction that took ``seconds``."""
    begin = 0
    for batch in batches:
        end = begin + len(batch.records)
        dead_letters = sum(isinstance(decoded[place], Rejected) for place in range(begin, end))
        begin = end
        figures = {
            "topic": batch.topic,
            "partition": batch.partition,
            "first_offset": batch.first_offset,
            "last_offset": batch.next_offset - 1,
            "records": len(batch.records),
            "dead_letters": dead_letters,
            "seconds": round(seconds, 4),
        }
        logger.debug(
            "Stored %(topic)s/%(partition)d, offsets %(first_offset)d to %(last_offset)d: %(records)d records, "
            "%(dead_letters)d dead letters, %(seconds).3f s",
            figures,
            extra=figures,
        )


def _homes(decoded: Sequence[Decoded], partitions: Ints) -> dict[str, int]:
    """Lion -> partition of its records.

    Raises
    ------
    _NotTogether
        For a lion with records in several partitions: a revision names offsets of one.
    """
    homes: dict[str, int] = {}
    lion_ids = decoded.columns["lion_id"] if isinstance(decoded, Positions) else map(_lion_id, decoded)
    for lion_id, partition in zip(lion_ids, partitions.tolist(), strict=True):
        if lion_id is not None and homes.setdefault(lion_id, partition) != partition:
            raise _NotTogether
    return homes


def _lion_id(event: Decoded) -> str | None:
    if isinstance(event, Position):
        return event.lion_id
    return event.entity_id if isinstance(event, Deletion) else None
