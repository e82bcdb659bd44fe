"""Two workers with partitions of their own write the same lions, users and challenges at once: the rows are the set's.

Each has its own connections, leases and caches, so what one remembers of a lion is out of date once the other wrote it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.ports import Committed, LostLease
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse import offsets
from liontrack_stream.warehouse.pool import WORKER
from tests.support.oracle import ACTIVITIES, CHALLENGES, POSITIONS, TOPICS, WEIGHTS
from tests.support.random_cases import random_case, random_stream
from tests.support.records import challenge, fix, weight
from tests.support.replaying import Replay
from tests.support.sharding import Lanes, Shards, cut, lanes_of, shares

FACTOR = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1
MIXES = [(POSITIONS,), (POSITIONS, WEIGHTS), (WEIGHTS, ACTIVITIES, CHALLENGES), (CHALLENGES,), TOPICS]


@pytest_asyncio.fixture
async def shards(settings: Settings) -> AsyncIterator[Shards]:
    opened = await Shards.open(settings)
    yield opened
    await opened.close()


async def differences(replay: Replay, shards: Shards, records) -> list[str]:
    replay.stats = shards.stats
    return await replay.differences(records)


async def at_once(shards: Shards, lanes: Lanes) -> None:
    """Deal the partitions out, and have all workers store all of theirs at once."""
    mine = shares(lanes)
    for worker, own in enumerate(mine):
        await shards.claim(worker, own)
    await asyncio.gather(*(shards.run(worker, own) for worker, own in enumerate(mine)))


@pytest.mark.parametrize("topics", MIXES)
@pytest.mark.parametrize("seed", range(2 * FACTOR))
async def test_both_at_once(replay, shards, topics, seed):
    case = random_case(3000 + seed, topics, 400, partitions_per_topic=4)
    await at_once(shards, lanes_of(case.steps))
    assert await differences(replay, shards, case.stream.records) == []


@pytest.mark.parametrize("topics", [(POSITIONS,), (POSITIONS, WEIGHTS), TOPICS])
@pytest.mark.parametrize("seed", range(2 * FACTOR))
async def test_in_turns(replay, shards, topics, seed):
    """One batch of either after the other: each finds that what it remembers is out of date, again and again."""
    case = random_case(4000 + seed, topics, 300)
    for worker, lanes in enumerate(shares(lanes_of(case.steps))):
        await shards.claim(worker, lanes)
    for step in case.steps:
        if step.records:
            outcome = await shards.store(step.partition % 2, RecordBatch(step.topic, step.partition, step.records))
            assert isinstance(outcome, Committed), outcome
    assert await differences(replay, shards, case.stream.records) == []


@pytest.mark.parametrize("seed", range(4 * FACTOR))
async def test_one_takes_over_while_both_write(replay, shards, seed):
    """The first worker is thought dead while it is storing: its next batch writes nothing, the second goes on."""
    stream = random_stream(5000 + seed, TOPICS, 400, partitions_per_topic=4)
    first, second = shares(cut(stream.partitions, 4))
    await shards.claim(0, first)
    await shards.claim(1, second)
    ending = asyncio.gather(shards.run(0, first), shards.run(1, second))
    while shards.stats.bronze < 60:  # noqa: ASYNC110 - in the midst of it, not after an event
        await asyncio.sleep(0)
    starts = await shards.claim(1, first)
    taken, (done, _) = await asyncio.gather(shards.run(1, first, starts), ending)
    assert done > 0, "the first worker stored nothing before it lost its lease"
    assert taken > 0, "nothing was left to take over"
    assert done + taken == sum(map(len, first.values()))
    assert await differences(replay, shards, stream.records) == []
    for place, batches in first.items():
        assert await shards.store(0, batches[-1]) == LostLease(), place


async def test_a_remembered_lion_is_read_again_after_the_other_wrote_it(replay, shards):
    """
    ::

        worker 0   00:00 ─────────────── 01:00       its memory ends at 00:00
        worker 1           00:30 (15 km off)         a spike, but only seen from 01:00; weighs the lion, too
    """
    here, there = {"partition": 0}, {"partition": 1}
    records = [
        fix("a", "2025-03-01T00:00:00", where={**here, "offset": 0}),
        fix("a", "2025-03-01T00:30:00", -21.6, 23.6, where={**there, "offset": 0}),
        fix("a", "2025-03-01T01:00:00", where={**here, "offset": 1}),
        weight("w", "a", "2025-03-01", 180, where={**there, "offset": 0}),
        fix("a", "2025-03-01T01:30:00", where={**here, "offset": 2}),
    ]
    for worker, number in enumerate((0, 1)):
        await shards.claim(worker, [(POSITIONS, number), (WEIGHTS, number)])
    for record in records:
        outcome = await shards.store(record.partition, RecordBatch(record.topic, record.partition, (record,)))
        assert isinstance(outcome, Committed), outcome
    assert await differences(replay, shards, records) == []
    day = next(iter((await replay.rows())["gold.lions_metrics"].values()))
    assert (day["tracking_frequency"], day["avg_weight"]) == (3, 180.0)


async def test_challenges_of_one_user_from_all_partitions(replay, shards):
    """Eight partitions each complete a challenge of the same user on the same day; the day counts all eight."""
    runs = {
        (CHALLENGES, number): [
            challenge(f"c{number}", "u", f"2025-03-01T{10 + n}:00:00", status, {"partition": number, "offset": n})
            for n, status in enumerate(("pending", "in_progress", "completed"))
        ]
        for number in range(8)
    }
    await at_once(shards, cut(runs, 1))
    assert await differences(replay, shards, [record for run in runs.values() for record in run]) == []
    (day,) = (await replay.rows())["gold.users_activity"].values()
    assert (day["challenges_completed"], day["challenges_total"]) == (8, 8)


async def test_challenges_that_change_hands_do_not_deadlock(replay, shards):
    """A batch learns only from the challenge whose else it was, and then needs that user's lock, too.

    ::

        partition 0   c0:  u → v → u → v …       each batch changes the days of both users
        partition 1   c1:  v → u → v → u …
    """
    runs = {
        (CHALLENGES, number): [
            challenge(
                f"c{number}",
                "uv"[(n + number) % 2],
                f"2025-03-01T10:{n:02d}:00",
                "pending",
                {"partition": number, "offset": n},
            )
            for n in range(40)
        ]
        for number in range(2)
    }
    await at_once(shards, cut(runs, 1))
    assert shards.retries == 0
    assert await differences(replay, shards, [record for run in runs.values() for record in run]) == []


@pytest.mark.parametrize("within", ["idle", "copying"])
async def test_a_worker_that_is_paused_within_a_batch_does_not_keep_its_partitions(
    settings, shards, monkeypatch, within
):
    """Its open transaction holds the row of the lease, and PostgreSQL cannot know that nobody will go on with it."""
    monkeypatch.setattr(offsets, "CLAIM_PATIENCE_S", 0.3)
    places = [(POSITIONS, 0), (POSITIONS, 1)]
    await shards.claim(0, places)
    paused = await asyncpg.connect(**settings.pg_dsn, server_settings={"application_name": WORKER})
    try:
        await paused.execute("BEGIN")
        await paused.execute("UPDATE metadata.consumed_offsets SET next_offset = 0 WHERE partition = 0")
        if within == "copying":
            copying = paused.copy_to_table("lions_raw", schema_name="bronze", source=_nothing_comes(), format="text")
            sending = asyncio.ensure_future(copying)
            await asyncio.sleep(0.2)
        assert await asyncio.wait_for(shards.claim(1, places), 20.0) == dict.fromkeys(places, 0)
        if within == "idle":
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)):
                await paused.execute("COMMIT")
    finally:
        paused.terminate()
        if within == "copying":
            sending.cancel()
            await asyncio.wait({sending}, timeout=5.0)


async def _nothing_comes() -> AsyncIterator[bytes]:
    await asyncio.sleep(60.0)
    yield b""
