"""Lions whose whole state is not kept: those that move on are settled from the little that is, to the oracle's rows."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given

from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.ports import Committed
from liontrack_stream.kafka.producer import partition_of
from liontrack_stream.warehouse import lion_moves, sink, work
from liontrack_stream.warehouse.lion_states import LionCache
from tests.support.oracle import POSITIONS, TOPICS, WEIGHTS, Consumed
from tests.support.random_cases import random_case
from tests.support.records import APPENDED_MS, fix
from tests.support.replaying import Replay
from tests.support.strategies import Step, cases
from tests.warehouse.test_properties import examples

FACTOR = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1
START = datetime(2014, 3, 1)
HOME = (-24.0, 20.0)


@pytest.fixture(autouse=True, params=[1, 1024], ids="{} states".format)
def moved(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Counter[bool | str]]:
    """Few whole states are kept, or all; how many lions had a head, and how many were new, when they moved on, and how
    many were known to rest by their heads."""
    counts: Counter[bool | str] = Counter()
    write = lion_moves._write

    async def counted(of_batch: Any, moves: Any, *others: Any) -> None:
        counts.update(moves.held.tolist())
        counts["rests"] += int(moves.rests.sum())
        await write(of_batch, moves, *others)

    monkeypatch.setattr(sink, "LionCache", partial(LionCache, request.param))
    monkeypatch.setattr(lion_moves, "_write", counted)
    yield counts


@examples(40)
@given(case=cases((POSITIONS,)))
async def test_fixes_in_any_delivery(replay, case):
    await replay.holds(case)


@examples(25)
@given(case=cases((POSITIONS, WEIGHTS), tombstones=True))
async def test_lions_in_any_delivery(replay, case):
    await replay.holds(case)


@pytest.mark.parametrize("seed", range(2 * FACTOR))
@pytest.mark.parametrize("topics", [(POSITIONS,), (POSITIONS, WEIGHTS), TOPICS])
async def test_long_streams(replay, topics, seed):
    await replay.holds(random_case(4000 + seed, topics, 300))


@pytest.mark.parametrize("seed", range(4 * FACTOR))
async def test_a_herd_that_walks_rests_and_is_seen_late(replay: Replay, moved: Counter[bool | str], seed: int) -> None:
    records = herd(random.Random(seed), lions=12, days=2)
    early, size = 5, 17  # some 7 fixes of each lion
    steps = [Step(POSITIONS, 0, tuple(records[n : n + size])) for n in range(0, len(records), size)]
    for some, stored in ((steps[:early], records[: early * size]), (steps[early:], records)):
        await replay.deliver(some)
        assert await replay.differences(stored) == []
    assert moved[False] >= 6
    assert moved[True] > 100, "most fixes were to be settled by heads"
    assert moved["rests"] > 50, "lions that rest, too"


@pytest.mark.parametrize(
    ("metres_east", "hours", "rests"),
    [
        pytest.param([0] * 8, [0, 1, 2, 3, 4, 5, 6, 7], 4, id="rests from its fifth fix on"),
        pytest.param([0] * 5 + [40, 0, -40], [0, 1, 2, 3, 4, 5, 6, 7], 3, id="80 m from a fix that no head has"),
        pytest.param([0] * 8, [0, 1, 2, 3, 4, 48, 49, 50], 1, id="too few fixes of its last 24 h"),
        pytest.param([900, 0, 0, 0, 0, 0, 0, 0], [0, 24, 25, 26, 27, 28, 29, 30], 3, id="was elsewhere 24 h before"),
    ],
)
async def test_a_lion_fix_by_fix(
    replay: Replay, moved: Counter[bool | str], metres_east: list[int], hours: list[int], rests: int
) -> None:
    records = [
        fix("nala", (START + timedelta(hours=hour)).isoformat(), HOME[0], HOME[1] + east / 101_800, where={"offset": n})
        for n, (east, hour) in enumerate(zip(metres_east, hours, strict=True))
    ]
    stored: list[Consumed] = []

    async def check(step: Step) -> None:
        stored.extend(step.records)
        assert await replay.differences(stored) == []

    await replay.deliver([Step(POSITIONS, 0, (record,)) for record in records], check)
    assert moved["rests"] == rests


async def test_herds_of_all_partitions_at_once(
    replay: Replay, moved: Counter[bool | str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each partition's lions are too many to be locked one by one, and no partition waits for another."""
    monkeypatch.setattr(work, "_KEYS_LOCKED_ONE_BY_ONE_MAX", 2)
    lanes: dict[int, list[Consumed]] = {}
    for record in herd(random.Random(11), lions=24, days=1):
        lane = lanes.setdefault(partition_of(record.key or b"", 4), [])
        lane.append(replace(record, partition=partition_of(record.key or b"", 4), offset=len(lane)))
    assert min(map(len, lanes.values())) > 100
    steps = [Step(POSITIONS, p, tuple(some[n : n + 20])) for p, some in lanes.items() for n in range(0, len(some), 20)]
    await replay.deliver_at_once(steps)
    assert await replay.differences([record for lane in lanes.values() for record in lane]) == []
    assert moved[True] > 100, "most fixes were to be settled by heads"


async def test_fixes_that_come_newest_first_are_late(replay: Replay) -> None:
    records = [fix("nala", f"2014-03-01T12:{59 - 10 * n}:00", where={"offset": n}) for n in range(5)]
    await replay.deliver([Step(POSITIONS, 0, tuple(records))])
    assert replay.stats.late == 4


async def test_a_batch_that_failed_is_stored_by_heads_when_it_comes_again(
    replay: Replay, moved: Counter[bool | str], monkeypatch: pytest.MonkeyPatch
) -> None:
    records = herd(random.Random(7), lions=12, days=1)
    worker = await replay.start({(POSITIONS, 0)})
    write = lion_moves._write

    async def fail(*of_the_batch: Any) -> None:
        raise ConnectionResetError

    for first in range(0, len(records), 20):
        batch = RecordBatch(POSITIONS, 0, records[first : first + 20])
        if first in (60, 100):  # with what the connection made for the batch, and with what it had
            monkeypatch.setattr(lion_moves, "_write", fail)
            with pytest.raises(ConnectionResetError):
                await worker.sink.process(batch)
            monkeypatch.setattr(lion_moves, "_write", write)
        outcome = await worker.sink.process(batch)
        assert isinstance(outcome, Committed)
        replay.stats += outcome.stats
        replay.live.update(outcome.live)
    assert await replay.differences(records) == []
    assert moved[True] > 50, "most fixes were to be settled by heads"


def herd(rng: random.Random, lions: int, days: int) -> list[Consumed]:
    """Fixes every half hour, as they arrive: lions rest, or walk and rest; a few come late, twice, or jump."""
    places = {f"lion-{n}": list(HOME) for n in range(lions)}
    rests = dict.fromkeys(places, True)
    sent: list[tuple[float, str, datetime, tuple[float, float], dict[str, Any]]] = []
    for step in range(48 * days):
        for n, (lion, place) in enumerate(places.items()):
            rests[lion] ^= n % 3 > 0 and rng.random() < 0.08
            reach_deg = 0.0001 if rests[lion] else 0.01  # 10 m, 1 km
            place[0] += rng.uniform(-reach_deg, reach_deg)
            place[1] += rng.uniform(-reach_deg, reach_deg)
            odd = rng.random()
            time = START + timedelta(minutes=30 * step + rng.choice((0, 0, 0, 1)), microseconds=rng.randrange(10))
            here = (10.0, 20.0) if odd < 0.01 else (0.0, 0.0) if odd < 0.02 else (place[0], place[1])
            more = {"name": rng.choice((lion.title(), lion.upper()))} if rng.random() < 0.5 else {}
            arrives = step + (rng.randrange(40) if odd > 0.97 else 0)
            sent += [(arrives + rng.random(), lion, time, here, more)] * (2 if 0.1 < odd < 0.12 else 1)
    return [
        fix(lion, time.isoformat(), *here, where={"offset": n, "timestamp": APPENDED_MS + n}, **more)
        for n, (_, lion, time, here, more) in enumerate(sorted(sent, key=lambda one: one[0]))
    ]
