"""Batches of several partitions in one transaction: the rows are those of storing them one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import asyncpg
import pytest
from asyncpg.transaction import Transaction

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Position
from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.ports import Behind, Committed, LostLease
from tests.support.oracle import POSITIONS, WEIGHTS, Consumed
from tests.support.quality_counts import BRONZE, bronze_counts
from tests.support.random_cases import random_case
from tests.support.records import fix, weight
from tests.support.replaying import Replay
from tests.support.strategies import Step

from .test_quality_tally import counted
from .test_revisions import Teller

PARTITIONS = 3
_TALLY = """
SELECT partition, sum(records)::int FROM metadata.quality_tally
WHERE table_name LIKE 'bronze.%' AND rule = '' GROUP BY 1
"""
_LETTERS = 'SELECT partition, "offset" FROM metadata.dead_letters ORDER BY 1, 2'


def keyed(records: Sequence[Consumed]) -> list[Consumed]:
    """The same records, each lion's in one partition, as of producers that key by the lion; every 15th is spoilt."""
    next_offset = dict.fromkeys(range(PARTITIONS), 0)
    moved = []
    for n, record in enumerate(sorted(records, key=lambda record: record.timestamp)):
        if n % 15 == 14:
            record = replace(record, value=b"{no JSON")
        event = decode(record.topic, record.key, record.value)
        lion = event.lion_id if isinstance(event, Position) else getattr(event, "entity_id", "")
        partition = sum(lion.encode()) % PARTITIONS
        moved.append(replace(record, partition=partition, offset=next_offset[partition]))
        next_offset[partition] += 1
    return moved


def rounds(records: Sequence[Consumed], seed: int) -> list[list[Step]]:
    """The partitions cut into runs, and one run of most of them at a time."""
    random = Random(seed)
    waiting: dict[int, list[Consumed]] = {}
    for record in records:
        waiting.setdefault(record.partition, []).append(record)
    made = []
    while waiting:
        steps = []
        for partition in sorted(waiting):
            if random.random() < 0.8:
                count = random.choice((1, 2, 5, 20))
                steps.append(Step(POSITIONS, partition, tuple(waiting[partition][:count])))
                waiting[partition] = waiting[partition][count:]
        waiting = {partition: left for partition, left in waiting.items() if left}
        made += [steps] if steps else []
    return made


@pytest.mark.parametrize("seed", range(4))
async def test_the_rows_and_revisions_of_any_stream(replay: Replay, seed: int) -> None:
    records = keyed(random_case(7000 + seed, (POSITIONS,), 150).stream.records)
    teller, found = Teller(replay), list[str]()

    async def check(steps: Sequence[Step]) -> None:
        found.extend(await teller.after(Step(POSITIONS, 0, tuple(r for step in steps for r in step.records))))

    made = rounds(records, seed)
    together = await replay.deliver_together(made, check)
    assert together == len(made) > 5
    assert not found, "\n".join(found)
    assert await replay.differences(records) == []
    tally = {key: n for key, n in (await counted(replay)).items() if key[0] in BRONZE.values()}
    assert tally == bronze_counts(records)
    assert dict(await replay.reader.fetch(_TALLY)) == Counter(record.partition for record in records)
    spoilt = sorted((r.partition, r.offset) for r in records if r.value == b"{no JSON")
    assert [tuple(row) for row in await replay.reader.fetch(_LETTERS)] == spoilt


@pytest.mark.parametrize("seed", range(2))
async def test_lions_with_records_in_several_partitions_are_stored_one_by_one(replay: Replay, seed: int) -> None:
    """A revision names offsets of one partition."""
    records = random_case(7100 + seed, (POSITIONS,), 150).stream.records
    made = rounds(records, seed)
    assert await replay.deliver_together(made) < len(made)
    assert await replay.differences(records) == []


def _batch(partition: int, *records: Consumed) -> RecordBatch:
    return RecordBatch(records[0].topic, partition, records)


def _fixes(partition: int, lion: str, first: int = 0) -> RecordBatch:
    times = [(n, f"2025-03-01T{n:02d}:00:00") for n in range(first, first + 3)]
    return _batch(partition, *(fix(lion, t, where={"partition": partition, "offset": n}) for n, t in times))


async def test_one_that_is_not_where_its_partition_stands_keeps_all_back(replay: Replay) -> None:
    worker = await replay.start([(POSITIONS, 0), (POSITIONS, 1)])
    sink, stored = worker.sink, _fixes(1, "b")
    assert isinstance(await sink.process(stored), Committed)
    assert await sink.process_together([_fixes(0, "a"), stored]) is None
    assert await sink.process_together([_fixes(0, "a"), _fixes(1, "b", first=6)]) is None
    assert (await worker.offsets.stored())[POSITIONS, 0] == 0
    assert await sink.process(stored) == Behind(3)
    outcomes = await sink.process_together([_fixes(0, "a"), _fixes(1, "b", first=3)])
    assert outcomes is not None
    assert [set(outcome.live) for outcome in outcomes] == [{"a"}, {"b"}]
    assert [outcome.stats.silver for outcome in outcomes] == [6, 0]
    assert (await worker.offsets.stored()) == {(POSITIONS, 0): 3, (POSITIONS, 1): 6}

    await worker.pool.execute("UPDATE metadata.consumed_offsets SET lease_epoch = lease_epoch + 1 WHERE partition = 1")
    assert await sink.process_together([_fixes(0, "a", first=3), _fixes(1, "b", first=6)]) is None
    assert await sink.process(_fixes(1, "b", first=6)) == LostLease()


async def test_other_topics_are_stored_one_by_one(replay: Replay) -> None:
    worker = await replay.start([(WEIGHTS, 0), (WEIGHTS, 1)])
    batches = [_batch(n, weight(f"w{n}", "a", "2025-03-01", 180, {"offset": 0, "partition": n})) for n in (0, 1)]
    assert await worker.sink.process_together(batches) is None
    assert await replay.reader.fetchval("SELECT count(*) FROM bronze.weights_raw") == 0


async def test_a_commit_whose_answer_was_lost_is_told_once_by_each_partition(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await replay.start([(POSITIONS, 0), (POSITIONS, 1)])
    batches = [_fixes(0, "a"), _fixes(1, "b")]
    commit = Transaction._Transaction__commit

    async def lose_answer(self: Any) -> None:
        await commit(self)
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "_Transaction__commit", lose_answer)
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await worker.sink.process_together(batches)
    outcomes = [await worker.sink.process(batch) for batch in batches]
    assert [(outcome.stats.silver, set(outcome.live)) for outcome in outcomes] == [(6, {"a"}), (0, {"b"})]
    assert await worker.sink.process(batches[0]) == Behind(3)
    assert await replay.reader.fetchval("SELECT count(*) FROM silver.positions") == 6
