"""Executors' part of bronze-to-silver and of the stream: records of Kafka partitions into the generation, by its sink.

A task gets all records of a Kafka partition, in the order of their offsets. Each batch moves the stored offset in its
transaction, as everywhere: a task that Spark runs again, or twice, passes over what is stored.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from liontrack_stream import generation
from liontrack_stream.contract.decode import decode_records
from liontrack_stream.contract.events import Activity, Position
from liontrack_stream.contract.topics import ACTIVITIES, POSITIONS
from liontrack_stream.core.fixes import FUTURE_TOLERANCE_US
from liontrack_stream.kafka.ports import Partition
from liontrack_stream.replay.archive import Archive, Kept
from liontrack_stream.replay.storing import store_records
from liontrack_stream.settings import Settings
from liontrack_stream.spark.plan import Part
from liontrack_stream.warehouse.opening import owner_name
from liontrack_stream.warehouse.worker import WorkerWarehouse, open_worker_warehouse

STORED = "topic string, partition int, records long"
SEEN = "topic string, entity string, event_time timestamp"
_STORED_TYPES = {"topic": pa.string(), "partition": pa.int32(), "records": pa.int64()}
_SEEN_TYPES = {"topic": pa.string(), "entity": pa.string(), "event_time": pa.timestamp("us", "UTC")}

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Store:
    """Stores what a task gets, and yields a row of `STORED` per partition; pickled, with its settings, into every task.

    ``parts``: what is to be read of each partition. ``gold``: whether gold is written too.
    """

    settings: Settings
    number: int
    parts: Sequence[Part]
    gold: bool

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Store."""
        yield from _table(self._stored(batches, lambda partition, rows: None), _STORED_TYPES)

    def _stored(self, batches: Iterable[pa.RecordBatch], see: Callable[[Partition, pa.RecordBatch], None]) -> Rows:
        with generation.using(self.number):
            return asyncio.run(self._store(batches, see))

    async def _store(self, batches: Iterable[pa.RecordBatch], see: Callable[[Partition, pa.RecordBatch], None]) -> Rows:
        ends = {(part.topic, part.partition): part.end for part in self.parts}
        next_offsets: dict[Partition, int] = {}
        stored: Counter[Partition] = Counter()
        archive = Archive(self.settings)
        async with self._warehouse() as warehouse:
            try:
                for batch in batches:
                    for partition, rows in _runs(batch):
                        if partition not in next_offsets:
                            next_offsets |= await warehouse.offsets.claim([partition])
                        see(partition, rows)
                        wanted = _between(rows, next_offsets[partition], ends[partition])
                        if wanted.num_rows:
                            records = await self._records(archive, partition, wanted)
                            stats = await store_records(warehouse.sink, partition, records)
                            next_offsets[partition] = records[-1].offset + 1
                            stored[partition] += stats.bronze
            finally:
                await archive.close()
        return [(*partition, stored[partition]) for partition in next_offsets]

    @asynccontextmanager
    async def _warehouse(self) -> AsyncIterator[WorkerWarehouse]:
        own = self.settings.in_generation(self.number)
        warehouse = await open_worker_warehouse(own, f"{owner_name(own)}/spark", self.gold)
        try:
            yield warehouse
        finally:
            await warehouse.close()

    async def _records(self, archive: Archive, partition: Partition, rows: pa.RecordBatch) -> list[Kept]:
        if "metadata" in rows.schema.names:
            return await archive.records(partition, rows)
        return _from_kafka(rows)


@dataclass(frozen=True)
class StoreStream(Store):
    """The same of records as Spark's Kafka source has them; yields a row of `SEEN` for each event that has a window.

    It does so for records that were stored before, too: Spark counts on getting the same rows when a task runs again.
    """

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Store."""
        seen: Rows = []
        limit = self.settings.value_max_bytes
        self._stored(batches, lambda partition, rows: seen.extend(_windowed(partition[0], rows, limit)))
        yield from _table(seen, _SEEN_TYPES)


def _windowed(topic: str, rows: pa.RecordBatch, value_max_bytes: int) -> Iterator[tuple[str, str, int]]:
    """Topic, lion or user, and event time of what goes into windows; not of stamps from the future."""
    if topic not in (POSITIONS.name, ACTIVITIES.name):
        return
    appended_us = rows["append_time"].cast(pa.int64()).to_pylist()
    values = zip(rows["key"].to_pylist(), rows["raw"].to_pylist(), strict=True)
    for event, append_us in zip(decode_records(topic, values, value_max_bytes), appended_us, strict=True):
        if isinstance(event, Position | Activity) and event.time_us <= append_us + FUTURE_TOLERANCE_US:
            yield topic, event.lion_id if isinstance(event, Position) else event.user_id, event.time_us


def _table(rows: Rows, types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    if rows:
        columns = zip(*rows, strict=True)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, types.values(), strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, list(types))


def _runs(batch: pa.RecordBatch) -> Iterator[tuple[Partition, pa.RecordBatch]]:
    """Neighbouring rows of one partition each."""
    topics, partitions = batch["topic"].to_pylist(), batch["partition"].to_pylist()
    start = 0
    for place in range(1, batch.num_rows + 1):
        if place == batch.num_rows or (topics[place], partitions[place]) != (topics[start], partitions[start]):
            yield (topics[start], partitions[start]), batch.slice(start, place - start)
            start = place


def _between(rows: pa.RecordBatch, first: int, end: int) -> pa.RecordBatch:
    offsets = rows["offset"]
    return rows.filter(pc.and_(pc.greater_equal(offsets, first), pc.less(offsets, end)))


def _from_kafka(rows: pa.RecordBatch) -> list[Kept]:
    """Rows as Spark's Kafka source has them."""
    times_ms = pc.divide(rows["append_time"].cast(pa.int64()), 1000).to_pylist()
    columns = (rows[name].to_pylist() for name in ("offset", "key", "raw", "headers"))
    return [
        Kept(offset, at_ms, key, value, [(header["key"], header["value"]) for header in headers or ()])
        for at_ms, offset, key, value, headers in zip(times_ms, *columns, strict=True)
    ]
