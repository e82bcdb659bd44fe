"""Lanes without Kafka or Postgres: order, joining, room, gaps, leases, retries."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from liontrack_stream.kafka import lanes
from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.exits import ConsistencyError
from liontrack_stream.kafka.lanes import Lanes
from liontrack_stream.kafka.ports import Behind, Committed, Gap, LostLease, Outcome, Partition
from liontrack_stream.kafka.runs import FetchedRun

TOPIC = "lions.position.events"
LANE = (TOPIC, 0)


@dataclass(frozen=True)
class Record:
    offset: int


def run(first: int, next_offset: int, seeks: int = 1, partition: int = 0) -> FetchedRun:
    return FetchedRun(TOPIC, partition, [Record(o) for o in range(first, next_offset)], seeks)


class Worker:
    """A sink with a stored offset, and everything else that lanes ask for. ``script``: outcomes or errors, first."""

    def __init__(self, stored: int = 0) -> None:
        self.sink = self
        self.stored = stored
        self.script: list[Callable[[], Outcome] | BaseException] = []
        self.batches: list[tuple[int, int, bool]] = []
        self.committed: list[tuple[int, int]] = []
        self.prepared: list[Partition] = []
        self.rewound: list[int] = []
        self.failed: list[BaseException] = []
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.may_join = asyncio.Event()
        self.may_join.set()
        self.joins: bool | BaseException = False
        self.together: list[list[tuple[int, int, int]]] = []
        self.lanes = Lanes(self, max_records=10)

    async def process(self, batch: RecordBatch, gap_proven: bool = False) -> Outcome:
        await self.may_go.wait()
        self.batches.append((batch.first_offset, batch.next_offset, gap_proven))
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, BaseException):
                raise step
            return step()
        if (batch.topic, batch.partition) != LANE:
            return Committed()
        if batch.first_offset < self.stored:
            return Behind(self.stored)
        if batch.first_offset > self.stored and not gap_proven:
            return Gap(self.stored)
        self.stored = batch.next_offset
        return Committed()

    async def process_together(self, batches: Sequence[RecordBatch]) -> Sequence[Committed] | None:
        self.together.append([(batch.partition, batch.first_offset, batch.next_offset) for batch in batches])
        await self.may_join.wait()
        if isinstance(self.joins, BaseException):
            raise self.joins
        return [Committed() for _ in batches] if self.joins else None

    async def prepare_partition(self, partition: Partition) -> None:
        self.prepared.append(partition)

    def on_committed(self, batch: RecordBatch, outcome: Committed) -> None:
        self.committed.append((batch.first_offset, batch.next_offset))

    async def rewind(self, partition: Partition, next_offset: int) -> None:
        self.rewound.append(next_offset)
        self.lanes.sought(partition, next_offset, seeks=1 + len(self.rewound), rewound=True)

    def fail(self, error: BaseException) -> None:
        self.failed.append(error)

    async def give(self, fetched: FetchedRun) -> bool:
        """What the transport and an agent do with a run."""
        announced = self.lanes.announce(fetched)
        if announced:
            await self.lanes.submit(fetched)
        return announced

    async def settled(self) -> None:
        await asyncio.sleep(0)
        assert await self.lanes.quiet(5.0)


@pytest.fixture
async def worker() -> Worker:
    worker = Worker()
    worker.lanes.sought(LANE, 0, seeks=1)
    await worker.settled()
    return worker


async def test_a_claim_is_prepared_before_its_first_batch(worker: Worker) -> None:
    assert worker.prepared == [LANE]
    await worker.give(run(0, 3))
    await worker.settled()
    assert worker.committed == [(0, 3)]


async def test_runs_that_wait_join_into_one_batch(worker: Worker) -> None:
    worker.may_go.clear()
    for first in (0, 3, 6):
        await worker.give(run(first, first + 3))
        await asyncio.sleep(0)
    worker.may_go.set()
    await worker.settled()
    assert worker.committed == [(0, 3), (3, 9)]


async def test_a_full_lane_has_no_room_until_it_takes_what_waits(worker: Worker) -> None:
    worker.may_go.clear()
    await worker.give(run(0, 10))
    await asyncio.sleep(0)
    assert worker.lanes.has_room(LANE)  # the batch is being stored, the next may come
    await worker.give(run(10, 19))
    assert worker.lanes.has_room(LANE)  # a whole batch may wait
    await worker.give(run(19, 20))
    assert not worker.lanes.has_room(LANE)
    worker.may_go.set()
    await worker.settled()
    assert worker.lanes.has_room(LANE)
    assert worker.lanes.idle(LANE)


async def test_closed_and_unknown_lanes_have_no_room(worker: Worker) -> None:
    worker.lanes.close_all()
    assert not worker.lanes.has_room(LANE)
    assert not worker.lanes.has_room((TOPIC, 1))
    assert not await worker.give(run(0, 3))


async def test_a_run_that_a_seek_overtook_is_dropped(worker: Worker) -> None:
    worker.lanes.sought(LANE, 5, seeks=2)
    assert not await worker.give(run(0, 3, seeks=1))


async def test_stored_records_are_left_out(worker: Worker) -> None:
    worker.stored = 4
    await worker.give(run(0, 6))
    await worker.settled()
    assert worker.committed == [(4, 6)]


async def test_a_gap_is_read_again_and_a_false_one_closes(worker: Worker) -> None:
    await worker.give(run(5, 8))
    await worker.settled()
    assert (worker.committed, worker.rewound) == ([], [0])
    await worker.give(run(0, 8, seeks=2))
    await worker.settled()
    assert worker.committed == [(0, 8)]


async def test_a_gap_seen_again_after_the_seek_is_proven(worker: Worker) -> None:
    await worker.give(run(5, 8))
    await worker.settled()
    await worker.give(run(5, 8, seeks=2))
    await worker.settled()
    assert worker.batches[-1] == (5, 8, True)
    assert worker.committed == [(5, 8)]


async def test_only_the_first_run_after_the_seek_proves_a_gap(worker: Worker) -> None:
    await worker.give(run(5, 8))
    await worker.settled()
    await worker.give(run(0, 3, seeks=2))
    await worker.settled()
    await worker.give(run(5, 8, seeks=2))
    await worker.settled()
    assert (worker.committed, worker.rewound) == ([(0, 3)], [0, 3])


async def test_a_proven_gap_that_postgres_denies_ends_the_worker(worker: Worker) -> None:
    await worker.give(run(5, 8))
    await worker.settled()
    worker.script = [lambda: Gap(0)]
    await worker.give(run(5, 8, seeks=2))
    await worker.settled()
    assert isinstance(worker.failed[0], ConsistencyError)


async def test_a_lost_lease_closes_the_lane(worker: Worker) -> None:
    worker.script = [LostLease]
    await worker.give(run(0, 3))
    await worker.settled()
    assert not worker.lanes.has_room(LANE)
    assert (worker.committed, worker.failed) == ([], [])


async def test_infrastructure_errors_are_retried_with_the_same_batch(worker: Worker) -> None:
    worker.script = [ConnectionResetError(), TimeoutError()]
    await worker.give(run(0, 3))
    await worker.settled()
    assert worker.batches == [(0, 3, False)] * 3
    assert worker.committed == [(0, 3)]


async def test_what_a_tried_batch_had_computed_leaves_memory_at_once(worker: Worker) -> None:
    """Garbage collections are rare in a worker, and while PostgreSQL is away it tries for hours."""

    class Rows:
        pass

    left: list[weakref.ref[Rows]] = []

    def away() -> Outcome:
        rows = Rows()
        left.append(weakref.ref(rows))
        try:
            raise ConnectionResetError
        except ConnectionResetError as error:
            cause = error  # the error holds this frame, and this frame the error
            raise OSError("away") from cause

    worker.script = [away]
    gc.disable()
    try:
        await worker.give(run(0, 3))
        await worker.settled()
        assert [ref() for ref in left] == [None]
    finally:
        gc.enable()
    assert worker.committed == [(0, 3)]


async def test_a_retried_batch_is_dropped_when_the_partition_is_gone(worker: Worker) -> None:
    worker.script = [ConnectionResetError()] * 100
    await worker.give(run(0, 3))
    await asyncio.sleep(0.01)
    assert worker.lanes.retrying == 1
    worker.lanes.close_all()
    await worker.settled()
    assert worker.committed == []


async def test_any_other_error_ends_the_worker(worker: Worker) -> None:
    error = ZeroDivisionError()
    worker.script = [error]
    await worker.give(run(0, 3))
    await worker.settled()
    assert worker.failed == [error]


async def test_partitions_do_not_wait_long_for_each_other(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "TURN_WITHIN_S", 0.001)
    other = (TOPIC, 1)
    worker.lanes.sought(other, 0, seeks=1)
    await worker.settled()
    worker.script = [ConnectionResetError()] * 20
    await worker.give(run(0, 3))
    await asyncio.sleep(0.01)
    worker.script.clear()
    await worker.give(run(0, 3, partition=1))
    await asyncio.sleep(0.02)
    assert worker.lanes.idle(other)
    assert not worker.lanes.idle(LANE)
    await worker.lanes.stop(0.0)


@pytest.mark.parametrize(("records", "at_once"), [(3, 1), (12, 2)])
async def test_lanes_store_one_after_the_other_while_little_waits_and_two_at_once_in_a_backlog(
    worker: Worker, records: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "TURN_WITHIN_S", 60.0)
    worker.lanes.sought((TOPIC, 1), 0, seeks=1)
    worker.lanes.sought((TOPIC, 2), 0, seeks=1)
    await worker.settled()
    under_way, most = 0, 0

    async def process(batch: RecordBatch, gap_proven: bool = False) -> Outcome:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return Committed()

    monkeypatch.setattr(worker, "process", process)
    for partition in range(3):
        await worker.give(run(0, records, partition=partition))
    await worker.settled()
    assert most == at_once
    assert sorted(worker.committed) == [(0, records)] * 3


OTHERS = ((TOPIC, 1), (TOPIC, 2), ("lions.weight.events", 0))


async def three_wait(worker: Worker, monkeypatch: pytest.MonkeyPatch, turn_within_s: float = 60.0) -> None:
    """A batch of the first partition is being stored, and records of it, two others and another topic wait."""
    monkeypatch.setattr(lanes, "TURN_WITHIN_S", turn_within_s)
    for partition in OTHERS:
        worker.lanes.sought(partition, 0, seeks=1)
    await worker.settled()
    worker.may_go.clear()
    await worker.give(run(0, 1))
    await asyncio.sleep(0)
    for fetched in (run(0, 2, partition=1), run(0, 1, partition=2), run(2, 4, partition=1), run(1, 3)):
        await worker.give(fetched)
    await worker.give(FetchedRun(OTHERS[2][0], 0, [Record(0)], 1))
    await asyncio.sleep(0)
    worker.may_go.set()


async def test_what_waits_in_the_lanes_of_a_topic_is_stored_together(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.joins = True
    await three_wait(worker, monkeypatch)
    await worker.settled()
    assert worker.together == [[(1, 0, 4), (0, 1, 3), (2, 0, 1)]]
    assert sorted(worker.committed) == [(0, 1), (0, 1), (0, 1), (0, 4), (1, 3)]
    assert all(worker.lanes.idle(partition) for partition in (LANE, *OTHERS))


@pytest.mark.parametrize("joins", [False, ConnectionResetError()])
async def test_what_cannot_be_stored_together_is_stored_one_by_one(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, joins: bool | BaseException
) -> None:
    worker.joins = joins
    stored = []

    async def process(batch: RecordBatch, gap_proven: bool = False) -> Outcome:
        await worker.may_go.wait()
        stored.append((batch.topic, batch.partition, batch.first_offset, batch.next_offset))
        return Committed()

    monkeypatch.setattr(worker, "process", process)
    await three_wait(worker, monkeypatch)
    await worker.settled()
    assert len(worker.together) == 1
    expected = [(*LANE, 0, 1), (*LANE, 1, 3), (*OTHERS[0], 0, 4), (*OTHERS[1], 0, 1), (*OTHERS[2], 0, 1)]
    assert sorted(stored) == sorted(expected)
    assert len(worker.committed) == 5
    assert worker.lanes.retried[TOPIC] == (joins is not False)
    assert all(worker.lanes.idle(partition) for partition in (LANE, *OTHERS))


async def test_a_lane_that_is_stored_with_others_is_not_idle_and_stores_nothing_beside(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.joins = True
    worker.may_join.clear()
    await three_wait(worker, monkeypatch, turn_within_s=0.05)
    await asyncio.sleep(0.01)
    await worker.give(run(1, 2, partition=2))
    await asyncio.sleep(0.2)
    assert len(worker.together) == 1
    assert not worker.lanes.idle(OTHERS[0])
    assert worker.batches == [(0, 1, False)] * 2, "the first, and the weights: tired of waiting"
    worker.may_join.set()
    await worker.settled()
    assert sorted(worker.committed) == [(0, 1), (0, 1), (0, 1), (0, 4), (1, 2), (1, 3)]
    assert worker.lanes.idle(OTHERS[0])
