"""One replay, from its generation's creation to its diff.

::

    create, or go on ──► feed up to the live offsets ──► again, until they are near ──► the moment ──► diff
                                                                                          │
             live batches wait ├──── drain to exactly the live offsets ── snapshot ───────┤ and go on
                                                                                          └──► the lake's last files
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from liontrack_stream import generation
from liontrack_stream.crashpoints import crash_here
from liontrack_stream.kafka.checks import check_partition, read_cluster_state
from liontrack_stream.kafka.ports import BatchStats, Head, Partition
from liontrack_stream.lake.exporter import LakeExporter
from liontrack_stream.memory import collecting_less
from liontrack_stream.replay.archive import Archive
from liontrack_stream.replay.bounds import Bounds
from liontrack_stream.replay.diff import Diff, compare, keep
from liontrack_stream.replay.feed import Feed
from liontrack_stream.replay.pace import Estimate, Pace
from liontrack_stream.replay.source import Missing
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.generations import (
    BUILDING,
    READY,
    catalog_connection,
    claimed,
    copy_rules,
    create,
    listed,
    other_shape,
)
from liontrack_stream.warehouse.opening import owner_name
from liontrack_stream.warehouse.queries import live_query
from liontrack_stream.warehouse.rules import register_rules
from liontrack_stream.warehouse.worker import WorkerWarehouse, open_worker_warehouse

NEAR_HEAD_RECORDS = 2_000  # so many are stored in the second or so that live batches may be held
REPORT_EVERY_S = 2.0
LAKE_WITHIN_S = 120.0

Report = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay has made. ``resumed``: it went on with a generation that was there.

    ``missing``: what Kafka no longer held; so many records of it were read from the lake and from bronze.
    ``seconds``: from the call to the last file in the lake; ``comparing_s`` of these went into the diff.
    """

    number: int
    stats: BatchStats
    records: int
    rule_version: int
    live_rules: tuple[int, ...]
    diff: Diff
    resumed: bool = False
    missing: tuple[Missing, ...] = ()
    from_lake: int = 0
    from_bronze: int = 0
    seconds: float = 0.0
    comparing_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a replay. ``anew``: never go on with a generation that is there. ``dry_run``: without a lake."""

    bounds: Bounds
    records_per_s: float | None = None
    anew: bool = False
    dry_run: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """As the catalog keeps them; only a replay of the same ones goes on with a generation."""
        return self.bounds.options | ({"dry_run": True} if self.dry_run else {})


async def replay(settings: Settings, order: Order, report: Report) -> Outcome:
    """Compute history into a generation, and compare. Killed, it goes on by its own offsets when called again.

    From here on the process works in the generation, until the call ends.

    Raises
    ------
    GenerationError, WorkerError, OSError, asyncpg.PostgresError
        What is missing, in a sentence, or what is away.
    """
    began_s = time.perf_counter()
    async with catalog_connection(settings) as catalog:
        rule_version = await register_rules(settings)
        number, resumed = await _generation(catalog, order, rule_version, report)
        crash_here("replay.created")
        report("replay", f"generation {number}, {'going on' if resumed else 'new'}")
        outcome = await complete(settings, catalog, number, order, report)
        seconds = time.perf_counter() - began_s
        return replace(outcome, resumed=resumed, seconds=seconds)


async def complete(
    settings: Settings, catalog: asyncpg.Connection, number: int, order: Order, report: Report
) -> Outcome:
    """Bring a generation, whoever filled it so far, up to the live one; complete its lake; compare."""
    async with at_work(settings, catalog, number, report, order.bounds, Pace(order.records_per_s)) as work:
        async with work.lake(wanted=not order.dry_run):
            await work.catch_up()
            diff = await work.compare()
            crash_here("replay.compared")
            await keep(catalog, number, diff, may_become_live=not order.options)
        rules = await catalog.fetch(live_query("generations/live_rules"))
    return Outcome(
        number,
        stats=work.feed.stats,
        records=sum(work.feed.positions.values()),
        rule_version=work.warehouse.rule_version or 0,
        live_rules=tuple(row["rule_version"] for row in rules),
        diff=diff,
        missing=tuple(work.missing),
        from_lake=work.archive.from_lake,
        from_bronze=work.archive.from_bronze,
        comparing_s=work.comparing_s,
    )


async def _generation(catalog: asyncpg.Connection, order: Order, rule_version: int, report: Report) -> tuple[int, bool]:
    """The newest generation that answers the same question, else a new one; whether it was there."""
    wanted = order.options
    for one in reversed(await listed(catalog)):
        same = one.options == wanted and one.rule_version == rule_version
        if same and one.state in (BUILDING, READY) and one.swapped_at is None and not order.anew:
            other = await other_shape(catalog, one.number)
            if other is None:
                return one.number, True
            report(
                f"generation {one.number}",
                f"is of another version of the schema ({other} differs) and is left alone: drop it when you like",
            )
    return await create(catalog, wanted, rule_version), False


@asynccontextmanager
async def at_work(
    settings: Settings,
    catalog: asyncpg.Connection,
    number: int,
    report: Report,
    bounds: Bounds | None = None,
    pace: Pace | None = None,
) -> AsyncIterator[Work]:
    """Work at a generation alone; in the whole process, while the context lasts."""
    async with claimed(catalog, number):
        await copy_rules(catalog, number)
        with generation.using(number):
            own = settings.in_generation(number)
            live = await _live(catalog)  # before Kafka, which is never behind it
            cluster = await read_cluster_state(own)
            for partition, (offset, head) in live.items():
                if partition in cluster.partitions:
                    check_partition(partition, offset, head, cluster.cluster_id, cluster.partitions[partition])
            warehouse = await open_worker_warehouse(own, owner_name(own))
            bounds, archive, missing = bounds or Bounds(), Archive(settings), []

            def tell(one: Missing) -> None:
                missing.append(one)
                report("replay", one.sentence)

            try:
                ends = {partition: offset for partition, (offset, _) in live.items()}
                async with Feed.open(own, warehouse, cluster, bounds, pace or Pace(), archive, ends, tell) as feed:
                    with collecting_less():
                        yield Work(own, catalog, warehouse, feed, archive, bounds, number, report, missing)
            finally:
                await archive.close()
                await warehouse.close()


@dataclass
class Work:
    """A generation that is being fed. ``settings`` are its own; ``catalog`` is a connection to look at the live one."""

    settings: Settings
    catalog: asyncpg.Connection
    warehouse: WorkerWarehouse
    feed: Feed
    archive: Archive
    bounds: Bounds
    number: int
    report: Report
    missing: list[Missing]
    comparing_s: float = 0.0
    _ends: Mapping[Partition, int] = field(default_factory=dict)
    _lake: LakeExporter | None = None
    _completing: asyncio.Task[int] | None = None

    async def live_ends(self) -> dict[Partition, int]:
        """The live generation's next offsets."""
        return {partition: offset for partition, (offset, _) in (await _live(self.catalog)).items()}

    async def catch_up(self) -> None:
        """Feed until the live generation is near; say how far it is meanwhile."""
        feed, self._ends = self.feed, await self.live_ends()
        estimate = Estimate(lambda: sum(self._ends.get(p, 0) for p in feed.positions), lambda: feed.left(self._ends))
        telling = asyncio.create_task(self._tell(estimate))
        try:
            while feed.left(self._ends):
                await feed.advance(self._ends)
                self._ends = await self.live_ends()
                if feed.left(self._ends) <= NEAR_HEAD_RECORDS and not feed.left_in_archive(self._ends):
                    break  # the archive is not read while the live generation is held
        finally:
            telling.cancel()
        self.report("replay", estimate.sentence())

    async def _tell(self, estimate: Estimate) -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            self.report("replay", estimate.sentence())

    async def compare(self) -> Diff:
        """Bring both to the same offsets, take one snapshot of both, let the live batches go on, compare.

        Nothing is stored after the snapshot, so the lake's files are completed meanwhile.
        """
        self.report("compare", "waiting for the moment")
        snapshot = await asyncpg.connect(**self.settings.pg_dsn, timeout=10, server_settings=SNAPSHOT)
        try:
            async with snapshot.transaction(isolation="repeatable_read", readonly=True):
                async with self.catalog.transaction():
                    await self.catalog.execute(live_query("generations/hold_batches"))
                    ends = await self.live_ends()
                    await self.feed.advance(ends)
                    await snapshot.fetch(live_query("metadata/offsets"))  # the snapshot is of the first statement
                    crash_here("replay.held")
                if self._lake is not None:
                    self._completing = asyncio.create_task(self._lake.close(LAKE_WITHIN_S))
                self.report("compare", "comparing")
                began_s = time.perf_counter()
                diff = await compare(snapshot, self.number, self.bounds, ends)
                self.comparing_s = time.perf_counter() - began_s
                return diff
        finally:
            await snapshot.close()

    @asynccontextmanager
    async def lake(self, *, wanted: bool = True) -> AsyncIterator[None]:
        """Have the generation's files written meanwhile, and completed at the end."""
        if not wanted:
            yield
            return
        lake = LakeExporter(self.settings, has_backlog=lambda: self.feed.left(self._ends) > NEAR_HEAD_RECORDS)
        self._lake = lake
        self.warehouse.sink.on_bronze = lake.offer
        await lake.start()
        lake.assigned(self.feed.positions)
        try:
            yield
        except BaseException:
            if self._completing is not None:
                self._completing.cancel()
                await asyncio.gather(self._completing, return_exceptions=True)
            with suppress(Exception):
                await lake.stop()
            raise
        finally:
            self.warehouse.sink.on_bronze = self._lake = None
        self.report("lake", "completing its files")
        await (self._completing or lake.close(LAKE_WITHIN_S))


async def _live(catalog: asyncpg.Connection) -> dict[Partition, tuple[int, Head]]:
    """The live generation's next offsets, and which log they belong to."""
    return {
        (row["topic"], row["partition"]): (row["next_offset"], Head(row["cluster_id"], row["first_fingerprint"]))
        for row in await catalog.fetch(live_query("metadata/offsets"))
    }


SNAPSHOT = {
    "application_name": "liontrack replay",
    "timezone": "UTC",
    "jit": "off",
    "work_mem": "64MB",
    "max_parallel_workers_per_gather": "0",  # leave the cores to ingestion
    "enable_partitionwise_join": "on",  # week by week in order of the keys, instead of a hash of all that spills
}
