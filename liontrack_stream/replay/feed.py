"""Feeds a generation: records from Kafka up to given offsets, and not one further, into its sink.

::

    aiokafka ──getmany──► waiting, per partition ──► one batch at a time per partition ──► sink.process ──► lake
        ▲                          │
        └── only partitions with room, below their end
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.checks import ClusterState
from liontrack_stream.kafka.claims import Claims
from liontrack_stream.kafka.infrastructure_errors import RETRIED, backoff_s
from liontrack_stream.kafka.ports import BatchStats, Committed, Partition
from liontrack_stream.kafka.transport import FETCH_MAX_BYTES, FETCH_PARTITION_MAX_BYTES
from liontrack_stream.replay.bounds import Bounds
from liontrack_stream.replay.pace import Pace
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.generations import GenerationError
from liontrack_stream.warehouse.worker import WorkerWarehouse

logger = logging.getLogger(__name__)

_FETCH_WAIT_MS = 100


class Feed:
    """Partitions of the replayed topics and how far each has come. One call of `advance` at a time.

    ``done`` counts records passed, those left out by the bounds included; ``stats`` what was stored.
    """

    def __init__(
        self,
        settings: Settings,
        warehouse: WorkerWarehouse,
        consumer: AIOKafkaConsumer,
        positions: Mapping[Partition, int],
        bounds: Bounds,
        pace: Pace,
    ) -> None:
        self._settings, self._warehouse, self._consumer = settings, warehouse, consumer
        self._bounds, self._pace = bounds, pace
        self._batch_records = pace.batch_records(settings.batch_max_records)
        self.positions = dict(positions)
        self.stats = BatchStats()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, warehouse: WorkerWarehouse, cluster: ClusterState, bounds: Bounds, pace: Pace
    ) -> AsyncIterator[Feed]:
        """Take the generation's partitions and begin where its offsets are.

        Raises
        ------
        ConsistencyError
            When Kafka is not the one that the generation has read, or no longer holds what comes next.
        """
        wanted = [partition for partition in cluster.partitions if bounds.reads(partition[0])]
        positions = await Claims(settings, warehouse.offsets, cluster).claim(wanted)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_brokers.split(","),
            enable_auto_commit=False,
            fetch_max_bytes=FETCH_MAX_BYTES,
            max_partition_fetch_bytes=FETCH_PARTITION_MAX_BYTES,
        )
        await consumer.start()
        try:
            tps = {partition: _kafka(settings, partition) for partition in positions}
            consumer.assign(list(tps.values()))
            for partition, offset in positions.items():
                consumer.seek(tps[partition], offset)
            yield cls(settings, warehouse, consumer, positions, bounds, pace)
        finally:
            await consumer.stop()

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

    async def fetch(self, partitions: Collection[Partition]) -> dict[Partition, Sequence[Any]]:
        """What has arrived for some of the partitions, at most a batch of all."""
        tps = {_kafka(self._settings, partition): partition for partition in partitions}
        found = await self._consumer.getmany(*tps, timeout_ms=_FETCH_WAIT_MS, max_records=self._batch_records)
        return {tps[tp]: records for tp, records in found.items() if records}

    async def next_fetch(self, partition: Partition) -> int:
        """The offset that is fetched next; beyond the last record's where what follows holds no records."""
        return int(await self._consumer.position(_kafka(self._settings, partition)))

    def fetch_from(self, partition: Partition, offset: int) -> None:
        """Fetch from this offset on."""
        self._consumer.seek(_kafka(self._settings, partition), offset)

    @property
    def batch_records(self) -> int:
        """Where a batch stops growing."""
        return self._batch_records

    async def store(self, partition: Partition, records: Sequence[Any]) -> None:
        """Store what the bounds take of these records; tries again while the infrastructure is away."""
        await self._pace.wait(len(records))
        topic, number = partition
        kept = [record for record in records if self._bounds.takes(topic, record)]
        if kept:
            await self._process(RecordBatch(topic, number, kept))

    async def _process(self, batch: RecordBatch) -> None:
        attempt = 0
        while True:
            try:
                # All was read from the stored offset on: what lies between holds no record, or is out of bounds.
                outcome = await self._warehouse.sink.process(batch, gap_proven=True)
                break
            except RETRIED as error:
                attempt += 1
                if attempt == 1:
                    logger.warning("%s/%d: %r; trying again", batch.topic, batch.partition, error)
            await asyncio.sleep(backoff_s(attempt))
        match outcome:
            case Committed(stats):
                self.stats += stats
            case _:
                raise GenerationError("Another process works at this generation: let it end, then replay again.")


class _Round:
    """One `Feed.advance`."""

    def __init__(self, feed: Feed, ends: Mapping[Partition, int]) -> None:
        self._feed, self._ends = feed, ends
        self._waiting: dict[Partition, list[Any]] = {partition: [] for partition in ends}
        self._fetched = {partition: feed.positions[partition] for partition in ends}
        self._tasks: dict[Partition, asyncio.Task[None]] = {}

    async def run(self) -> None:
        try:
            while True:
                fetchable = self._fetchable()
                if fetchable:
                    await self._fetch(fetchable)
                elif self._tasks:
                    await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
                else:
                    break
                self._settle()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _fetchable(self) -> list[Partition]:
        """Partitions that are not read to their end, with room for more."""
        return [p for p, end in self._ends.items() if self._fetched[p] < end and not self._waiting[p]]

    async def _fetch(self, partitions: list[Partition]) -> None:
        found = await self._feed.fetch(partitions)
        for partition in partitions:
            end, records = self._ends[partition], found.get(partition, ())
            self._waiting[partition] = [record for record in records if record.offset < end]
            following = records[-1].offset + 1 if records else await self._feed.next_fetch(partition)
            if following > end:
                self._feed.fetch_from(partition, end)
            self._fetched[partition] = min(following, end)
            if not records:
                self._passed(partition)

    def _settle(self) -> None:
        """Take the results of stores that have ended, and begin those that can."""
        for partition in [partition for partition, task in self._tasks.items() if task.done()]:
            self._tasks.pop(partition).result()
            self._passed(partition)
        for partition, records in self._waiting.items():
            if records and partition not in self._tasks:
                batch, self._waiting[partition] = records, []
                self._tasks[partition] = asyncio.create_task(self._store(partition, batch))

    async def _store(self, partition: Partition, records: list[Any]) -> None:
        await self._feed.store(partition, records)
        self._feed.positions[partition] = records[-1].offset + 1

    def _passed(self, partition: Partition) -> None:
        """Where all that was fetched is stored, the partition has come as far as it was fetched."""
        if partition not in self._tasks and not self._waiting[partition]:
            self._feed.positions[partition] = self._fetched[partition]


def _kafka(settings: Settings, partition: Partition) -> TopicPartition:
    return TopicPartition(settings.topic(partition[0]), partition[1])
