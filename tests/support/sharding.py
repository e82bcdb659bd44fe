"""Several workers' warehouses in one process: each its own connections, leases and caches, as processes have them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import asyncpg

from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.ports import BatchStats, Committed, LostLease, Outcome, Partition
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.worker import WorkerWarehouse, open_worker_warehouse

from .oracle import Consumed
from .strategies import Step

Lanes = dict[Partition, list[RecordBatch]]


def lanes_of(steps: Iterable[Step]) -> Lanes:
    """The batches of each partition, in order."""
    lanes: Lanes = {}
    for step in steps:
        if step.records:
            batch = RecordBatch(step.topic, step.partition, step.records)
            lanes.setdefault((step.topic, step.partition), []).append(batch)
    return lanes


def cut(partitions: Mapping[Partition, Sequence[Consumed]], size: int) -> Lanes:
    """Each partition's records in batches of ``size``."""
    return {
        place: [RecordBatch(*place, tuple(records[start : start + size])) for start in range(0, len(records), size)]
        for place, records in partitions.items()
    }


def shares(lanes: Lanes, workers: int = 2) -> list[Lanes]:
    """Each worker's lanes: the same partition numbers of every topic, as the group's assignor deals them out."""
    return [
        {place: batches for place, batches in lanes.items() if place[1] % workers == worker}
        for worker in range(workers)
    ]


class Shards:
    """Workers that store batches at once. ``stats`` adds up what all of them committed."""

    def __init__(self, workers: Sequence[WorkerWarehouse]) -> None:
        self.workers = workers
        self.stats = BatchStats()
        self.retries = 0

    @classmethod
    async def open(cls, settings: Settings, workers: int = 2) -> Shards:
        return cls([await open_worker_warehouse(settings, f"worker {n}") for n in range(workers)])

    async def close(self) -> None:
        for worker in self.workers:
            await worker.close()

    async def claim(self, worker: int, partitions: Iterable[Partition]) -> dict[Partition, int]:
        return dict(await self.workers[worker].offsets.claim(partitions))

    async def store(self, worker: int, batch: RecordBatch) -> Outcome:
        """One batch; deadlocks are tried again, as a lane does."""
        while True:
            try:
                outcome = await self.workers[worker].sink.process(batch)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                self.retries += 1
                continue
            if isinstance(outcome, Committed):
                self.stats += outcome.stats
            return outcome

    async def run(self, worker: int, lanes: Lanes, starts: Mapping[Partition, int] | None = None) -> int:
        """Store lanes at once, each from its start on or until its lease is lost; how many batches were committed."""
        begin = starts or {}
        counts = await asyncio.gather(
            *(self._run_lane(worker, batches, begin.get(place, 0)) for place, batches in lanes.items())
        )
        return sum(counts)

    async def _run_lane(self, worker: int, batches: Sequence[RecordBatch], start: int) -> int:
        committed = 0
        for batch in batches:
            if batch.next_offset <= start:
                continue
            outcome = await self.store(worker, batch)
            if isinstance(outcome, LostLease):
                break
            assert isinstance(outcome, Committed), outcome
            committed += 1
        return committed
