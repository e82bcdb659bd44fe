"""Delivering records to the real sink, batch by batch, and comparing the warehouse with the oracle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import pytest_asyncio

from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.ports import BatchStats, Behind, Committed, Gap
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.worker import WorkerWarehouse, open_worker_warehouse

from .minimise import minimise
from .oracle import POSITIONS, Consumed, Tables, compute
from .oracle.compare import compare_tables, warehouse_rows
from .strategies import Case, Step

_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('bronze', 'silver', 'gold', 'metadata') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


class Replay:
    """A worker's warehouse that can be emptied, fed, restarted and read."""

    def __init__(self, settings: Settings, reader: asyncpg.Connection) -> None:
        self._settings = settings
        self.reader = reader
        self._worker: WorkerWarehouse | None = None
        self._tables: list[str] = []
        self.stats = BatchStats()
        self.live: dict[str, Any] = {}  # what `deliver` was told last of each lion
        self.retries = 0

    @classmethod
    async def open(cls, settings: Settings) -> Replay:
        """Connect. Commits need not survive a power cut here, so they do not wait for the disk."""
        reader = await asyncpg.connect(**settings.pg_dsn)
        await reader.execute(f"ALTER DATABASE {settings.pg_database} SET synchronous_commit = off")
        return cls(settings, reader)

    async def close(self) -> None:
        if self._worker is not None:
            await self._worker.close()
        await self.reader.close()

    async def empty(self) -> None:
        """Forget everything: quicker than a new database, and than TRUNCATE for a few rows."""
        if not self._tables:
            self._tables = [row[0] for row in await self.reader.fetch(_TABLES)]
        await self.reader.execute(";".join(f"DELETE FROM {table}" for table in self._tables))
        self.stats, self.live = BatchStats(), {}

    async def start(self, partitions: Iterable[tuple[str, int]]) -> WorkerWarehouse:
        """A new worker, with empty caches, that claims these partitions; its connections are the former's."""
        if self._worker is None:
            self._worker = await open_worker_warehouse(self._settings, "replay")
        else:
            kept = type(self._worker.offsets)(self._worker.pool, "replay")
            sink = type(self._worker.sink)(self._worker.pool, kept, self._settings)
            self._worker = WorkerWarehouse(self._worker.pool, kept, sink)
        await self._worker.offsets.claim(partitions)
        return self._worker

    async def deliver(self, steps: Sequence[Step], after: Callable[[Step], Awaitable[None]] | None = None) -> None:
        """Take the steps one after another; a batch that was stored before must be skipped. ``after`` each commit."""
        partitions = {(step.topic, step.partition) for step in steps if step.records}
        worker = await self.start(partitions)
        next_offsets = await worker.offsets.stored()
        for step in steps:
            if not step.records:
                worker = await self.start(partitions)
                continue
            place = (step.topic, step.partition)
            batch = RecordBatch(*place, step.records)
            outcome = await worker.sink.process(batch)
            if next_offsets.get(place, 0) > batch.first_offset:
                assert outcome == Behind(next_offsets[place]), outcome
                continue
            if batch.first_offset > next_offsets.get(place, 0):
                assert outcome == Gap(next_offsets.get(place, 0)), outcome
                outcome = await worker.sink.process(batch, gap_proven=True)
            assert isinstance(outcome, Committed), outcome
            self.stats += outcome.stats
            if step.topic == POSITIONS:
                self.live.update(outcome.live)
            next_offsets[place] = batch.next_offset
            if after is not None:
                await after(step)

    async def deliver_at_once(self, steps: Sequence[Step]) -> None:
        """Every partition in a task of its own, as the worker's lanes do; deadlocks are tried again."""
        lanes: dict[tuple[str, int], list[RecordBatch]] = {}
        for step in steps:
            if step.records:
                lanes.setdefault((step.topic, step.partition), []).append(
                    RecordBatch(step.topic, step.partition, step.records)
                )
        worker = await self.start(lanes)

        async def run(batches: list[RecordBatch]) -> None:
            for batch in batches:
                while True:
                    try:
                        outcome = await worker.sink.process(batch)
                        break
                    except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                        self.retries += 1
                assert isinstance(outcome, Committed), outcome
                self.stats += outcome.stats

        await asyncio.gather(*(run(batches) for batches in lanes.values()))

    async def deliver_together(
        self, rounds: Sequence[Sequence[Step]], after: Callable[[Sequence[Step]], Awaitable[None]] | None = None
    ) -> int:
        """Each round's steps, of several partitions of a topic, as one transaction; one by one where that is refused.

        How many rounds were one transaction. ``after`` each of them.
        """
        worker = await self.start({(step.topic, step.partition) for steps in rounds for step in steps})
        together = 0
        for steps in rounds:
            batches = [RecordBatch(step.topic, step.partition, step.records) for step in steps]
            outcomes = await worker.sink.process_together(batches)
            if outcomes is None:
                for step, batch in zip(steps, batches, strict=True):
                    outcome = await worker.sink.process(batch)
                    assert isinstance(outcome, Committed), outcome
                    self.stats += outcome.stats
                    if after is not None:
                        await after([step])
                continue
            together += 1
            self.stats = sum((outcome.stats for outcome in outcomes), self.stats)
            if after is not None:
                await after(steps)
        return together

    async def rows(self) -> Tables:
        return await warehouse_rows(self.reader)

    async def differences(self, records: Iterable[Consumed]) -> list[str]:
        """What differs between the warehouse and the oracle's answer to these records."""
        return await self._differences(compute(records))

    async def _differences(self, expected: Tables) -> list[str]:
        return compare_tables(expected, await self.rows()) + _statistics(self.stats, expected)

    async def holds(self, case: Case) -> None:
        """Deliver a case to an empty warehouse and compare; a failure shows the smallest case that fails alike."""
        problem = await self._problem(case)
        if problem:

            async def fails(smaller: Case) -> bool:
                return bool(await self._problem(smaller))

            case = await minimise(case, fails)
            raise AssertionError("\n".join([*await self._problem(case), repr(case.stream), repr(case.steps)]))

    async def _problem(self, case: Case) -> list[str]:
        await self.empty()
        try:
            await self.deliver(case.steps)
        except Exception as error:
            return [repr(error)]
        expected = compute(case.stream.records)
        return await self._differences(expected) + _live(self.live, expected)


@pytest_asyncio.fixture
async def replay(settings: Settings) -> AsyncIterator[Replay]:
    """An empty warehouse that records can be delivered to."""
    opened = await Replay.open(settings)
    yield opened
    await opened.close()


def _live(told: Mapping[str, Any], expected: Tables) -> list[str]:
    """What was told last of each lion is its newest window."""
    wanted: dict[str, tuple[datetime, int]] = {}
    for (lion_id, start), row in sorted(expected["gold.lion_windows"].items()):
        wanted[lion_id] = start, row["fixes"]
    found = {lion_id: window() for lion_id, window in told.items() if window is not None}
    is_ = {lion_id: (datetime.fromisoformat(one["window_start"]), one["fixes"]) for lion_id, one in found.items()}
    lions = sorted(wanted.keys() | is_.keys())
    return [
        f"live: {lion} is {is_.get(lion)}, should be {wanted.get(lion)}"
        for lion in lions
        if is_.get(lion) != wanted.get(lion)
    ]


def _statistics(stats: BatchStats, expected: Tables) -> list[str]:
    """The batches' statistics add up to the tables' sizes."""
    stored = ("positions", "weight_history", "user_activities", "challenge_events")
    sizes: dict[str, tuple[Any, int]] = {
        "bronze": (stats.bronze, len(expected["bronze"])),
        "dead_letters": (stats.dead_letters, len(expected["metadata.dead_letters"])),
        "repeats": (stats.duplicates + stats.conflicts, len(expected["metadata.repeats"])),
        "silver": (
            stats.silver,
            sum(len(expected[f"silver.{table}"]) for table in stored) + len(expected["metadata.data_quality_checks"]),
        ),
    }
    return [f"statistics: {name} is {is_}, should be {size}" for name, (is_, size) in sizes.items() if is_ != size]
