"""Feeds a generation: records up to given offsets, and not one further, into its sink.

::

    archive.py, aiokafka ──► waiting, per partition ──► one batch at a time per partition ──► sink.process ──► lake
          ▲                          │
          └── only partitions with room, below their end; from Kafka what it holds still
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

from liontrack_stream.kafka.checks import ClusterState
from liontrack_stream.kafka.claims import Claims
from liontrack_stream.kafka.ports import BatchStats, Partition
from liontrack_stream.replay.archive import Archive
from liontrack_stream.replay.bounds import Bounds
from liontrack_stream.replay.pace import Pace
from liontrack_stream.replay.source import Arrived, Missing, Source
from liontrack_stream.replay.storing import store_records
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.worker import WorkerWarehouse


class Feed:
    """Partitions of the replayed topics and how far each has come. One call of `advance` at a time.

    ``stats`` counts what was stored.
    """

    def __init__(
        self,
        settings: Settings,
        warehouse: WorkerWarehouse,
        source: Source,
        positions: Mapping[Partition, int],
        bounds: Bounds,
        pace: Pace,
    ) -> None:
        self._warehouse, self._source = warehouse, source
        self._bounds, self._pace = bounds, pace
        self._batch_records = pace.batch_records(settings.batch_max_records)
        self.positions = dict(positions)
        self.stats = BatchStats()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        warehouse: WorkerWarehouse,
        cluster: ClusterState,
        bounds: Bounds,
        pace: Pace,
        archive: Archive,
        ends: Mapping[Partition, int],
        tell: Callable[[Missing], None],
    ) -> AsyncIterator[Feed]:
        """Take the generation's partitions and begin where its offsets are. ``tell`` hears what Kafka lacks up to ends.

        Raises
        ------
        ConsistencyError
            When Kafka is not the one that the generation has read.
        """
        wanted = [partition for partition in cluster.partitions if bounds.reads(partition[0])]
        # Kafka need not hold all: the archive has the rest.
        whole = {partition: replace(log, earliest=0) for partition, log in cluster.partitions.items()}
        state = ClusterState(cluster.cluster_id, whole)
        positions = await Claims(settings, warehouse.offsets, state).claim(wanted)
        begins = {partition: cluster.partitions[partition].earliest for partition in positions}
        async with aclosing(Source(settings, archive, begins, tell)) as source:
            await source.start(positions, ends)
            yield cls(settings, warehouse, source, positions, bounds, pace)

    def left(self, ends: Mapping[Partition, int]) -> int:
        """How many offsets lie between here and these ends."""
        return sum(max(0, ends.get(partition, 0) - position) for partition, position in self.positions.items())

    async def advance(self, ends: Mapping[Partition, int]) -> None:
        """Store every record below these offsets, and none at or above them.

        Raises
        ------
        GenerationError
            When another process has taken the generation.
        """
        await _Round(self, {p: ends[p] for p, at in self.positions.items() if at < ends.get(p, 0)}).run()

    def left_in_archive(self, ends: Mapping[Partition, int]) -> int:
        """How many offsets up to these ends Kafka no longer holds."""
        begins = self._source.begins
        return self.left({partition: min(ends.get(partition, 0), begins[partition]) for partition in self.positions})

    async def fetch(self, wanted: Mapping[Partition, tuple[int, int]]) -> dict[Partition, Arrived]:
        """What has arrived for some partitions, from an offset on and up to an end, at most a batch of all."""
        return await self._source.fetch(wanted, self._batch_records)

    def fetch_from(self, partition: Partition, offset: int) -> None:
        """Fetch from this offset on."""
        self._source.seek(partition, offset)

    @property
    def batch_records(self) -> int:
        """Where a batch stops growing."""
        return self._batch_records

    async def store(self, partition: Partition, records: Sequence[Any]) -> None:
        """Store what the bounds take of these records; tries again while the infrastructure is away."""
        await self._pace.wait(len(records))
        kept = self._bounds.taken(partition[0], records)
        stored = await store_records(self._warehouse.sink, partition, kept)
        self.stats += stored  # read after the wait: other partitions have added to it


class _Round:
    """One `Feed.advance`."""

    def __init__(self, feed: Feed, ends: Mapping[Partition, int]) -> None:
        self._feed, self._ends = feed, ends
        self._waiting: dict[Partition, Sequence[Any]] = dict.fromkeys(ends, ())
        self._fetched = {partition: feed.positions[partition] for partition in ends}
        self._tasks: dict[Partition, asyncio.Task[None]] = {}
        self._room = asyncio.Event()

    async def run(self) -> None:
        try:
            while True:
                self._room.clear()
                fetchable = self._fetchable()
                if fetchable:
                    await self._fetch(fetchable)
                elif self._tasks:
                    await self._room.wait()
                else:
                    break
                self._settle()
        except BaseException:
            for partition, position in self._feed.positions.items():
                self._feed.fetch_from(partition, position)
            raise
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _fetchable(self) -> list[Partition]:
        """Partitions that are not read to their end, with room for more."""
        return [p for p, end in self._ends.items() if self._fetched[p] < end and not self._waiting[p]]

    async def _fetch(self, partitions: list[Partition]) -> None:
        found = await self._feed.fetch({p: (self._fetched[p], self._ends[p]) for p in partitions})
        for partition, arrived in found.items():
            end, records = self._ends[partition], arrived.records
            if records and records[-1].offset >= end:
                records = [record for record in records if record.offset < end]
            self._waiting[partition] = records
            if arrived.following > end:
                self._feed.fetch_from(partition, end)
            self._fetched[partition] = min(arrived.following, end)
            if not records:
                self._passed(partition)

    def _settle(self) -> None:
        """Take the results of partitions whose records are stored, and begin with those that have some."""
        for partition in [partition for partition, task in self._tasks.items() if task.done()]:
            self._tasks.pop(partition).result()
            self._passed(partition)
        for partition, records in self._waiting.items():
            if records and partition not in self._tasks:
                task = self._tasks[partition] = asyncio.create_task(self._store(partition))
                task.add_done_callback(lambda task: self._room.set())

    async def _store(self, partition: Partition) -> None:
        """Store what waits of a partition, batch by batch; more is fetched meanwhile."""
        most = self._feed.batch_records
        while waiting := self._waiting[partition]:
            batch, self._waiting[partition] = waiting[:most], waiting[most:]
            self._room.set()
            await self._feed.store(partition, batch)
            self._feed.positions[partition] = batch[-1].offset + 1

    def _passed(self, partition: Partition) -> None:
        """Where all that was fetched is stored, the partition has come as far as it was fetched."""
        if partition not in self._tasks and not self._waiting[partition]:
            self._feed.positions[partition] = self._fetched[partition]
