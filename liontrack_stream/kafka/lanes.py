"""Lanes: one per partition, each storing one batch at a time, so that partitions overlap and none is reordered.

    agents ──submit──► lane of (topic, partition): waiting runs ──join──► sink.process ──► outcome
                             ▲                                                              │
    transport ◄──has_room────┘            rewind (gap) ◄── Gap ── Committed ──► progress, live state

Runs that wait while a batch is being stored join into the next batch: a backlog makes big batches, live traffic
small ones, without a timer. While little waits, the lane whose turn it is takes along what waits in the other lanes of
its topic, and stores it in one transaction: a batch has a price of its own, and four of them at once would take four
times as long, all of them. In a backlog the lanes store by themselves, two at a time: what waits for them meanwhile
makes their batches larger, so that an entity's rows are written for more of its records at once.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from mode import get_logger

from liontrack_stream import metrics
from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.exits import ConsistencyError
from liontrack_stream.kafka.infrastructure_errors import RETRIED, backoff_s
from liontrack_stream.kafka.ports import Behind, Committed, Gap, LostLease, Outcome, Partition, Sink
from liontrack_stream.kafka.runs import FetchedRun, join, without_stored
from liontrack_stream.memory import forget_frames

logger = get_logger(__name__)

TURN_WITHIN_S = 1.0
LARGE_BATCHES_AT_ONCE = 2
LARGE_TURN_WITHIN_S = 5.0


class LaneOwner(Protocol):
    """What lanes ask of the worker."""

    @property
    def sink(self) -> Sink: ...

    async def prepare_partition(self, partition: Partition) -> None:
        """Called once per claim, before the first batch."""
        ...

    def on_committed(self, batch: RecordBatch, outcome: Committed) -> None: ...

    async def rewind(self, partition: Partition, next_offset: int) -> None:
        """Read the partition again from ``next_offset``; leads to ``Lanes.sought``."""
        ...

    def fail(self, error: BaseException) -> None:
        """End the worker."""
        ...


@dataclass
class _Lane:
    """State of one partition. ``seeks`` None: closed, nothing is fetched for it."""

    partition: Partition
    seeks: int | None = None
    sought_offset: int = 0
    next_offset: int = 0  # stored
    rewound: bool = False  # the last seek went back to a gap: the next run proves or refutes it
    prepared: bool = False
    expected_records: int = 0  # fetched and not yet taken into a batch
    waiting: deque[FetchedRun] = field(default_factory=deque)
    alone: RecordBatch | None = None  # to be stored by itself: it could not be with others
    awaits_turn: bool = False
    storing: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None
    retries: int = 0

    @property
    def may_join(self) -> bool:
        """Whether what waits may be stored with other lanes' runs, now."""
        plain = self.alone is None and not self.rewound and self.prepared and not self.storing.locked()
        return self.seeks is not None and bool(self.waiting) and plain

    @property
    def has_batch(self) -> bool:
        return self.seeks is not None and (self.alone is not None or bool(self.waiting))

    def drop_waiting(self) -> None:
        self.waiting.clear()
        self.alone = None
        self.expected_records = 0


class Lanes:
    """All lanes of a worker.

    Parameters
    ----------
    owner
        The worker.
    max_records
        Where a batch stops growing; a batch holds fewer than twice as many.
    """

    def __init__(self, owner: LaneOwner, max_records: int) -> None:
        self._owner = owner
        self._max_records = max_records
        self._lanes: dict[Partition, _Lane] = {}
        self._small_batch = asyncio.Lock()
        self._large_batches = asyncio.Semaphore(LARGE_BATCHES_AT_ONCE)
        self.retried: Counter[str] = Counter()  # by contract topic: batches tried in vain

    # -- the transport's side

    def has_room(self, partition: Partition) -> bool:
        """Whether more records of the partition may be fetched: a batch may wait while one is stored."""
        lane = self._lanes.get(partition)
        return lane is not None and lane.seeks is not None and lane.expected_records < self._max_records

    def announce(self, run: FetchedRun) -> bool:
        """Count a fetched run on its way to `submit`; False for one that a seek overtook."""
        lane = self._lanes.get((run.topic, run.partition))
        if lane is None or lane.seeks != run.seeks:
            return False
        lane.expected_records += len(run.records)
        return True

    def sought(self, partition: Partition, next_offset: int, seeks: int, *, rewound: bool = False) -> None:
        """Open the lane at ``next_offset``: the partition was claimed, or rewound to a gap."""
        lane = self._lanes.setdefault(partition, _Lane(partition))
        lane.seeks, lane.sought_offset, lane.next_offset, lane.rewound = seeks, next_offset, next_offset, rewound
        lane.prepared = lane.prepared and rewound
        lane.drop_waiting()
        if not lane.prepared:
            self._wake(lane)

    def close(self, partition: Partition) -> None:
        """Take nothing more for a partition; what is being stored now is let finish."""
        lane = self._lanes.get(partition)
        if lane is not None:
            lane.seeks = None
            lane.drop_waiting()

    def close_all(self) -> None:
        """Close every lane: a rebalance has begun, or the worker stops."""
        for partition in self._lanes:
            self.close(partition)

    async def quiet(self, timeout_s: float) -> bool:
        """Wait until nothing is being stored; False when that took too long."""
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if not tasks:
            return True
        _, pending = await asyncio.wait(tasks, timeout=timeout_s)
        return not pending

    async def stop(self, timeout_s: float) -> None:
        """Let running transactions finish, then cancel what is left."""
        self.close_all()
        if not await self.quiet(timeout_s):
            tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def prepare_again(self, partition: Partition) -> None:
        """Have the owner prepare an open partition once more, between two batches."""
        lane = self._lanes.get(partition)
        if lane is not None and lane.seeks is not None:
            lane.prepared = False
            self._wake(lane)

    # -- the watchdog's side

    @property
    def waiting_records(self) -> int:
        """Records fetched and not yet being stored."""
        return sum(lane.expected_records for lane in list(self._lanes.values()))  # the views' thread asks, too

    @property
    def retrying(self) -> int:
        """Lanes that wait for the infrastructure to come back."""
        return sum(lane.retries > 0 for lane in self._lanes.values())

    def idle(self, partition: Partition) -> bool:
        """Whether the partition is open and everything fetched from it is stored."""
        lane = self._lanes.get(partition)
        return (
            lane is not None
            and lane.seeks is not None
            and lane.task is None
            and lane.expected_records == 0
            and not lane.storing.locked()
        )

    # -- the agents' side

    async def submit(self, run: FetchedRun) -> None:
        """Queue a fetched run. Never raises: the transport fetches no more than a lane has room for."""
        lane = self._lanes.get((run.topic, run.partition))
        if lane is not None and lane.seeks == run.seeks:
            lane.waiting.append(run)
            self._wake(lane)

    def _wake(self, lane: _Lane) -> None:
        if lane.task is None:
            lane.task = asyncio.create_task(self._run(lane), name=f"lane {lane.partition}")

    async def _run(self, lane: _Lane) -> None:
        try:
            while lane.seeks is not None:
                if not lane.prepared:
                    async with lane.storing:
                        lane.prepared = True
                        await self._owner.prepare_partition(lane.partition)
                elif lane.has_batch:
                    async with self._turn(lane) as little_waits:
                        others = self._others(lane) if little_waits else []
                        if others:
                            await self._store_together([lane, *others])
                        else:
                            await self._store_next(lane)
                else:
                    break
        except Exception as error:
            logger.exception("Partition %s stopped the worker", lane.partition)
            self._owner.fail(error)
        finally:
            lane.task = None
            lane.retries = 0

    @asynccontextmanager
    async def _turn(self, lane: _Lane) -> AsyncIterator[bool]:
        """Waits for the small batch that is being stored, or for one of the large ones; not for long, for they may be
        stuck behind another worker.

        Whether little waits, and it is this lane's turn.
        """
        little_waits, has_turn = self.waiting_records < self._max_records, False
        gate: asyncio.Lock | asyncio.Semaphore = self._small_batch if little_waits else self._large_batches
        within_s = TURN_WITHIN_S if little_waits else LARGE_TURN_WITHIN_S
        lane.awaits_turn = little_waits
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    has_turn = await gate.acquire()
        finally:
            lane.awaits_turn = False
        try:
            yield has_turn and little_waits
        finally:
            if has_turn:
                gate.release()

    def _others(self, lane: _Lane) -> list[_Lane]:
        """The lanes whose waiting runs can be stored with those of the lane whose turn it is."""
        if not lane.may_join:
            return []
        others, records = [], lane.expected_records
        for other in self._lanes.values():
            if other.partition[0] == lane.partition[0] and other.awaits_turn and other.may_join:
                records += other.expected_records
                if records >= self._max_records:
                    break
                others.append(other)
        return others

    async def _store_next(self, lane: _Lane) -> None:
        async with lane.storing:
            if lane.has_batch:
                await self._store(lane, self._take(lane))

    async def _store_together(self, lanes: list[_Lane]) -> None:
        """Store what waits in some lanes in one transaction; where that fails, each lane stores its own by itself."""
        async with AsyncExitStack() as stack:
            for lane in lanes:  # none of them is being stored: this waits for nobody
                await stack.enter_async_context(lane.storing)
            seeks = [lane.seeks for lane in lanes]
            batches = [self._take(lane) for lane in lanes]
            try:
                outcomes = await self._owner.sink.process_together(batches)
            except RETRIED as error:
                self._count_retry(batches[0].topic, error)
                logger.warning("%s: %s: %s", [lane.partition for lane in lanes], type(error).__name__, error)
                outcomes = None
            for place, (lane, batch) in enumerate(zip(lanes, batches, strict=True)):
                if outcomes is not None:
                    self._owner.on_committed(batch, outcomes[place])
                    lane.next_offset = batch.next_offset
                elif lane.seeks == seeks[place]:
                    lane.alone = batch
                    lane.expected_records += len(batch.records)
                    self._wake(lane)

    def _count_retry(self, topic: str, error: BaseException) -> None:
        metrics.batch_retried(topic)
        self.retried[topic] += 1
        forget_frames(error)

    def _take(self, lane: _Lane) -> RecordBatch:
        if lane.alone is not None:
            batch, lane.alone = lane.alone, None
            lane.expected_records -= len(batch.records)
            return batch
        runs, records = [], 0
        while lane.waiting and records < self._max_records:
            runs.append(lane.waiting.popleft())
            records += len(runs[-1].records)
        lane.expected_records -= records
        return join(runs)

    async def _store(self, lane: _Lane, batch: RecordBatch) -> None:
        seeks = lane.seeks
        proven = lane.rewound and batch.first_offset > lane.sought_offset
        lane.rewound = False
        todo: RecordBatch | None = batch
        while todo is not None:
            outcome = await self._process(lane, seeks, todo, proven)
            match outcome:
                case Committed():
                    self._owner.on_committed(todo, outcome)
                    lane.next_offset = todo.next_offset
                    todo = None
                case Behind(stored):
                    logger.info("%s: skipping %d to %d, stored already", lane.partition, todo.first_offset, stored - 1)
                    todo = without_stored(todo, stored)
                case Gap(stored) if proven:
                    raise ConsistencyError(
                        f"Postgres has moved back to offset {stored} of {lane.partition} while a worker was running."
                    )
                case Gap(stored):
                    if lane.seeks == seeks:
                        logger.warning(
                            "%s: gap from %d to %d, reading again", lane.partition, stored, todo.first_offset - 1
                        )
                        self.close(lane.partition)
                        await self._owner.rewind(lane.partition, stored)
                    todo = None
                case LostLease():
                    logger.warning("%s: another worker has claimed it, leaving it", lane.partition)
                    if lane.seeks == seeks:
                        self.close(lane.partition)
                    todo = None
                case None:
                    todo = None

    async def _process(self, lane: _Lane, seeks: int | None, batch: RecordBatch, proven: bool) -> Outcome | None:
        """Store, trying again while the infrastructure is away; None when the partition was sought meanwhile."""
        lane.retries = 0
        while True:
            try:
                outcome = await self._owner.sink.process(batch, gap_proven=proven)
            except RETRIED as error:
                self._count_retry(batch.topic, error)
                lane.retries += 1
                if lane.retries == 1:
                    logger.warning(
                        "%s: %s: %s; trying again until it works", lane.partition, type(error).__name__, error
                    )
            else:
                if lane.retries:
                    logger.info("%s: stored at try %d", lane.partition, lane.retries + 1)
                lane.retries = 0
                return outcome
            await asyncio.sleep(backoff_s(lane.retries))
            if lane.seeks != seeks:
                return None
