"""What batches count for the quality checks: each record once, whatever way it is delivered."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import given

from liontrack_stream.core.quality import WORKER_SOURCE
from tests.support.oracle import POSITIONS, QUALITY, TOPICS, Consumed, compute
from tests.support.quality_counts import BRONZE, Counts, bronze_counts, silver_counts
from tests.support.records import check, fix, record, weight
from tests.support.replaying import Replay
from tests.support.strategies import Case, Step, cases

from .test_properties import examples

SUMS = "SELECT table_name, rule, sum(records)::bigint FROM metadata.quality_tally GROUP BY 1, 2"
SAMPLES = "SELECT topic, partition, unnest(samples) AS \"offset\" FROM metadata.quality_tally WHERE rule <> ''"


async def counted(replay: Replay) -> Counts:
    return Counter({(table, rule): records for table, rule, records in await replay.reader.fetch(SUMS)})


@examples(25)
@given(case=cases(TOPICS, max_records=60, tombstones=True))
async def test_bronze_is_exact_in_any_delivery(replay: Replay, case: Case) -> None:
    await replay.empty()
    await replay.deliver(case.steps)
    found = await counted(replay)
    expected = bronze_counts(case.stream.records)
    assert {key: n for key, n in found.items() if key[0] in BRONZE.values()} == expected


async def test_samples_are_the_dead_letters(replay: Replay) -> None:
    records = [weight(f"w{n}", "a", "2025-03-01", -n if n % 3 else 180) for n in range(40)]
    await replay.deliver([Step(records[0].topic, 0, tuple(records))])
    letters = await replay.reader.fetch(
        'SELECT topic, partition, "offset" FROM metadata.dead_letters ORDER BY 3 LIMIT 10'
    )
    assert await replay.reader.fetch(SAMPLES) == letters
    assert len(letters) == 10


async def test_silver_is_exact_when_fixes_come_in_order(replay: Replay) -> None:
    for seed in range(6):
        records = in_order(seed)
        expected = compute(records)
        wanted = silver_counts(records, expected)
        assert {rule for table, rule in wanted if table == "silver.positions"} == {
            "", "zero_zero", "not_visible", "future", "spike", "conflict",
        }  # fmt: skip
        await replay.empty()
        await replay.deliver(cut(records, seed))
        found = await counted(replay)
        silver = {key: n for key, n in found.items() if not key[0].startswith("bronze.")}
        later = silver.pop(("silver.positions", "")) - wanted.pop(("silver.positions", ""))
        assert silver == wanted, seed
        assert 0 <= later <= wanted["silver.positions", "spike"], "spikes found in fixes that were stored before"


async def test_a_stored_fix_that_becomes_a_spike_is_counted_then(replay: Replay) -> None:
    track = [fix("a", f"2025-03-01T0{hour}:00:00", lat) for hour, lat in enumerate((-21.5, -22.5, -21.5))]
    await replay.deliver([Step(POSITIONS, 0, tuple(track[:2]))])
    assert ("silver.positions", "spike") not in await counted(replay)
    await replay.deliver([Step(POSITIONS, 0, tuple(track[2:]))])
    found = await counted(replay)
    assert (found["silver.positions", "spike"], found["silver.positions", ""]) == (1, 4)
    assert [row["offset"] for row in await replay.reader.fetch(SAMPLES)] == [track[1].offset]


async def test_the_workers_own_checks_are_not_counted(replay: Replay) -> None:
    theirs, mine = check("silver.lions", "2025-03-01T00:00:00", 90), check("silver.lions", "2025-03-02T00:00:00", 90)
    own = Consumed(QUALITY, 0, mine.offset, mine.timestamp, mine.key, mine.value, (("source", WORKER_SOURCE),))
    await replay.deliver([Step(QUALITY, 0, (theirs, own))])
    assert await counted(replay) == {("bronze.quality_raw", ""): 1, ("metadata.data_quality_checks", ""): 1}
    await replay.empty()
    await replay.deliver([Step(QUALITY, 0, (own,))])
    assert await counted(replay) == {}


async def test_a_lions_score_is_its_share_of_accepted_fixes(replay: Replay) -> None:
    honest = [fix("a", f"2025-03-01T{hour:02d}:00:00") for hour in range(6)]
    odd = [fix("a", "2025-03-01T06:00:00", 0, 0), fix("a", "2025-03-01T07:00:00", visible=False)]
    score = "SELECT data_quality_score FROM silver.lions WHERE lion_id = 'a'"
    await replay.deliver([Step(POSITIONS, 0, tuple(honest))])
    assert [tuple(row) for row in await replay.reader.fetch(score)] == [(1.0,)]
    await replay.deliver([Step(POSITIONS, 0, tuple(odd))])
    assert [tuple(row) for row in await replay.reader.fetch(score)] == [(0.75,)]


# -- streams in order


def in_order(seed: int) -> list[Consumed]:
    """Three lions' fixes in order, all of one partition, with every flaw; some sent again, some changed; weighings."""
    random = Random(seed)
    records: list[Consumed] = []

    def send(hour: int, **more: Any) -> None:
        document = {
            "lion_id": random.choice("abc"),
            "timestamp": f"2025-03-{1 + hour // 24:02d}T{hour % 24:02d}:00:00Z",
        }
        document["position"] = {"lat": -21.5 - random.choice((0, 0, 0, 0, 1)), "lng": 23.5}
        sent = [{**document, **more}]
        if random.random() < 0.2:
            sent.append({**sent[0], "note": random.choice((None, "changed"))} if random.random() < 0.7 else sent[0])
        for body in sent:
            records.append(
                record(POSITIONS, "k", body, offset=len(records), timestamp=1_740_787_200_000 + hour * 3_600_000)
            )

    for hour in range(1, 160):
        flaw = random.randrange(12)
        if flaw == 0:
            send(hour, position={"lat": 0, "lng": 0})
        elif flaw == 1:
            send(hour, visible=False)
        elif flaw == 2:
            send(hour, timestamp=f"2026-03-01T{hour % 24:02d}:{hour % 60:02d}:00Z")
        else:
            send(hour)
    heavy = [weight(f"w{n}", "a", "2025-03-01", random.choice((180, 501))) for n in range(20)]
    return [*records, *heavy, *(weight(f"w{n}", "a", "2025-03-01", 180) for n in range(3))]


def cut(records: Sequence[Consumed], seed: int) -> list[Step]:
    """Batches of random sizes, restarts, and batches delivered twice."""
    random, steps = Random(seed), []
    for topic in sorted({one.topic for one in records}):
        left = [one for one in records if one.topic == topic]
        while left:
            size = random.choice((1, 1, 2, 5, 30))
            steps.append(Step(topic, 0, tuple(left[:size])))
            left = left[size:]
            if random.random() < 0.1:
                steps += [Step(), steps[-1]]
    return steps


def test_the_streams_are_in_order() -> None:
    offsets = [json.loads(r.value)["timestamp"] for r in in_order(0) if r.topic == POSITIONS and b"2026" not in r.value]
    assert offsets == sorted(offsets)
