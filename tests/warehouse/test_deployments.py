"""Deployments in PostgreSQL, and stored fixes that they move from lion to lion, against a slow model of it.

::

    what a file says:  tag 1 ├── A ──┤├── B ──►        a fix is at the lion told, or where a correction moved it
    what it then says: tag 1 ├── A ────┤├─ B ──►       a fix that would come back to a lion stays, and is named
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import asyncpg
import msgspec
import pytest

from liontrack_stream.contract.times import iso
from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.kafka.producer import Outgoing, partition_of
from liontrack_stream.settings import Settings
from liontrack_stream.sources.cells import BadRow
from liontrack_stream.sources.corrections import correction
from liontrack_stream.sources.deployments import Deployment, Deployments
from liontrack_stream.sources.fixes import FixMaker, Told
from liontrack_stream.warehouse.deployments import _steps, deployments_connection, misplaced, replace, stored
from tests.support.oracle import Consumed, Tables, compute
from tests.support.oracle.compare import compare_rows
from tests.support.replaying import Replay
from tests.support.strategies import DAY, HOUR, LATE_MS, MINUTE, START_US, Step

PARTITIONS = 2
LIONS, TAGS = ("A", "B", "Löwe 🦁"), ("1", "2|x")
PLACED = {"silver.positions": ("lat", "lng", "flags", "step_mm"), "gold.lions_positions_history": ("lat", "lng")}
GOLD = ("gold.lions_metrics", "gold.lion_windows", "gold.lions_positions_history")


class Log:
    """The topic's records, by partition, as Kafka would hold them."""

    def __init__(self) -> None:
        self.records: list[Consumed] = []
        self._next: dict[int, int] = defaultdict(int)
        self._taken = 0

    def append(self, sent: Iterable[Outgoing]) -> None:
        for record in sent:
            partition = partition_of(record.key or b"", PARTITIONS)
            offset = self._next[partition]
            self._next[partition] += 1
            place = (record.topic, partition, offset, LATE_MS + len(self.records))
            self.records.append(Consumed(*place, record.key, record.value))

    def steps(self, randomly: random.Random) -> list[Step]:
        """What came since, cut into batches of which partitions take turns by chance."""
        waiting = {n: [r for r in self.records[self._taken :] if r.partition == n] for n in range(PARTITIONS)}
        self._taken = len(self.records)
        steps = []
        while any(waiting.values()):
            partition = randomly.choice([n for n in waiting if waiting[n]])
            size = randomly.randint(1, 12)
            steps.append(Step(POSITIONS.name, partition, waiting[partition][:size]))
            del waiting[partition][:size]
        return steps


def drawn(randomly: random.Random) -> Deployments:
    """Deployments of the tags, with holes, without a beginning or an end by chance."""
    found = []
    for tag in TAGS:
        edges = sorted(randomly.sample(range(1, 80), randomly.randint(1, 6)))
        moments: list[int | None] = [START_US + edge * HOUR for edge in edges]
        if randomly.random() < 0.3:
            moments[0] = None
        for begin, end in zip(moments, [*moments[1:], None], strict=True):
            if randomly.random() < 0.8:
                found.append(Deployment(tag, randomly.choice(LIONS), begin, end))
    return Deployments.of(found)


def wearer(deployments: Deployments, tag: str, time_us: int) -> str | None:
    """The slow oracle: every deployment is looked at."""
    begun = [one for one in deployments if one.tag == tag and (one.on_us is None or one.on_us <= time_us)]
    lions = [one.animal for one in begun if one.off_us is None or time_us < one.off_us]
    assert len(lions) <= 1
    return lions[0] if lions else None


def told(tag: str, lion: str, time_us: int, lat: float) -> Told:
    time = datetime.fromtimestamp(time_us // 1_000_000, UTC)
    return Told(lion, tag, time, {"position": {"lat": lat, "lng": 23.5}, "dop": 1.5, "note": "x"})


async def correct(settings: Settings, deployments: Deployments) -> tuple[list[Outgoing], set[tuple[str, str]]]:
    """What `liontrack import reference` sends, and the fixes that it names: tag and time."""
    sent: list[Outgoing] = []
    stuck = set()
    async with deployments_connection(settings) as connection:
        async with connection.transaction():
            await replace(connection, deployments)
        async for run in misplaced(connection, deployments):
            for fix in run:
                try:
                    sent += correction(fix)
                except BadRow as bad:
                    assert bad.kind == "hidden at its lion"
                    stuck.add((fix.tag_id, fix.time))
    return sent, stuck


@pytest.mark.parametrize("seed", range(4))
async def test_fixes_follow_their_collars(replay: Replay, settings: Settings, seed: int) -> None:
    """Three files of reference data in a row: after each, silver and gold are those of the right lions."""
    randomly, log = random.Random(seed), Log()
    times = randomly.sample(range(0, 4 * DAY // (10 * MINUTE)), 60)
    fixes = [(randomly.choice(TAGS), START_US + n * 10 * MINUTE, -21.5 + randomly.random() / 1000) for n in times]
    at = {(tag, time_us): randomly.choice(LIONS) for tag, time_us, _ in fixes}
    been = {fix: {lion} for fix, lion in at.items()}
    first = {(tag, time_us): told(tag, at[tag, time_us], time_us, lat) for tag, time_us, lat in fixes}
    maker = FixMaker("csv")
    log.append(maker.make(_fresh(one)).record for one in first.values())
    await replay.deliver(log.steps(randomly))
    moved_ever = 0
    for _ in range(3):
        deployments = drawn(randomly)
        sent, stuck = await correct(settings, deployments)
        expected = set()
        for fix, lion in at.items():
            right = wearer(deployments, *fix)
            assert deployments.animal(*fix) == right
            if right is None or right == lion:
                continue
            if right in been[fix]:
                expected.add((fix[0], iso(fix[1])))
                continue
            at[fix] = right
            been[fix].add(right)
            moved_ever += 1
        assert stuck == expected
        log.append(sent)
        await replay.deliver(log.steps(randomly))
        assert await replay.differences(log.records) == []
        right_log = Log()
        right_log.append(maker.make(_fresh(first[fix])._replace(individual=lion)).record for fix, lion in at.items())
        assert differences_of_lions(compute(right_log.records), await replay.rows()) == []
        assert (await correct(settings, deployments))[0] == []
        again, named = await correct(settings, deployments)
        assert (again, named) == ([], stuck)
    assert moved_ever > 20
    [[revisions]] = await replay.reader.fetch("SELECT count(*) FROM metadata.revisions WHERE cause = 'deletion'")
    assert revisions > 0


def _fresh(one: Told) -> Told:
    return one._replace(event=dict(one.event))  # making an event uses it up


def differences_of_lions(right: Tables, rows: Tables) -> list[str]:
    """Accepted fixes, and gold, of an import that knew it all, against what there is."""
    found = []
    for table in ("silver.positions", *GOLD):
        columns = PLACED.get(table) or right_columns(right, table)
        sides = []
        for side in (right, rows):
            kept = {key: row for key, row in side[table].items() if not row.get("flags", 0) & 16}
            sides.append({key: {column: row[column] for column in columns} for key, row in kept.items()})
        found += [f"{table}: {text}" for text in compare_rows(*sides)]
    return found


def right_columns(right: Tables, table: str) -> list[str]:
    return list(next(iter(right[table].values()), {}))


async def test_a_moved_fix_is_what_an_import_that_knew_would_have_sent(replay: Replay, settings: Settings) -> None:
    """So that importing its file again, with the reference data, is a duplicate and no conflict."""
    log = Log()
    log.append([FixMaker("csv").make(told("1", "A", START_US, 1.0)).record])
    await replay.deliver(log.steps(random.Random(0)))
    worn = Deployments.of([Deployment("1", "B", START_US, None)])
    [event, deletion], _ = await correct(settings, worn)
    right = FixMaker("csv", worn).make(told("1", "A", START_US, 1.0)).record
    assert (event.key, msgspec.json.decode(event.value)) == (right.key, msgspec.json.decode(right.value))
    assert deletion.key == b"A"


async def test_a_correction_that_was_killed_halfway_is_finished(replay: Replay, settings: Settings) -> None:
    """After the new events, before the deletions: the fixes are at both lions, and the next run sees it."""
    log, worn = Log(), Deployments.of([Deployment("1", "B", START_US, None)])
    log.append(FixMaker("csv").make(told("1", "A", START_US + n * HOUR, 1.0)).record for n in range(20))
    await replay.deliver(log.steps(random.Random(0)))
    sent, _ = await correct(settings, worn)
    log.append(record for record in sent if record.key == b"B")
    await replay.deliver(log.steps(random.Random(1)))
    again, stuck = await correct(settings, worn)
    assert (again, stuck) == (sent, set())
    log.append(again)
    await replay.deliver(log.steps(random.Random(2)))
    assert await replay.differences(log.records) == []
    fixes = await replay.reader.fetch("SELECT DISTINCT lion_id, flags FROM silver.positions ORDER BY 1")
    assert [tuple(row) for row in fixes] == [("A", 16), ("B", 0)]
    assert await correct(settings, worn) == ([], set())


async def test_what_stands_in_the_way_is_named(replay: Replay, settings: Settings) -> None:
    """Another fix of the same time, another that would come there, and fixes that nothing names alone."""
    log, us = Log(), START_US
    worn = Deployments.of([Deployment(tag, "B", None, None) for tag in "1234"])
    rows = [("1", "A", us), (None, "B", us), ("2", "A", us + 1), ("3", "C", us + 1), ("4", "D", us + 2)]
    events = []
    for tag, lion, time_us in rows:
        time = iso(time_us, "microseconds")
        event: dict[str, Any] = {"lion_id": lion, "position": {"lat": 1, "lng": 2}, "timestamp": time}
        events.append(event | ({"tag_id": tag, "event_id": lion if tag == "4" else f"e{tag}"} if tag else {}))
    events.append({**events[0], "lion_id": "E", "timestamp": iso(us + 3, "microseconds"), "event_id": None})
    log.append(Outgoing(POSITIONS.name, e["lion_id"].encode(), msgspec.json.encode(e)) for e in events)
    await replay.deliver(log.steps(random.Random(0)))
    kinds: dict[str, str | None] = {}
    async with deployments_connection(settings) as connection:
        async for run in misplaced(connection, worn, trial=True):
            for fix in run:
                try:
                    correction(fix)
                    kinds[fix.lion_id + fix.tag_id] = None
                except BadRow as bad:
                    kinds[fix.lion_id + fix.tag_id] = bad.kind
        assert len(await stored(connection)) == 0  # it was a trial
    assert kinds == {"A1": "time is taken", "A2": None, "C3": "time is taken", "D4": "no event_id", "E1": "no event_id"}


async def test_deployments_are_kept_as_told(settings: Settings) -> None:
    first = Deployments.of([Deployment("1", "A", 1, 2, 180_000.0, "f", {"a": "b"}), Deployment("2", "B", None, None)])
    async with deployments_connection(settings) as connection:
        async with connection.transaction():
            await replace(connection, first)
            await replace(connection, Deployments.of([Deployment("2", "C", 5, None)]))
        kept = await stored(connection)
        assert sorted(kept) == [Deployment("1", "A", 1, 2, 180_000.0, "f"), Deployment("2", "C", 5, None)]
        [attributes] = await connection.fetch("SELECT attributes ->> 'a' FROM catalog.deployments WHERE tag_id = '1'")
        assert attributes[0] == "b"


@pytest.mark.parametrize("other", ["(,)", "[2020-01-03,)", "(,2020-01-01 00:00:01)", "[2020-01-01,2020-01-02)"])
async def test_no_collar_is_on_two_animals_at_once(settings: Settings, other: str) -> None:
    insert = "INSERT INTO catalog.deployments (tag_id, valid, animal_id) SELECT '1', unnest($1::text[])::tstzrange, $2"
    connection = await asyncpg.connect(**settings.pg_dsn, server_settings={"timezone": "UTC"})
    try:
        await connection.execute(insert, ["[2020-01-01,2020-01-03)", "[2020-01-04,2020-01-05)"], "A")
        with pytest.raises((asyncpg.ExclusionViolationError, asyncpg.UniqueViolationError), match="tag 1 is on two"):
            await connection.execute(insert, [other], "B")
        await connection.execute(insert, ["(,2020-01-01)", "[2020-01-03,2020-01-04)", "[2020-01-05,)"], "B")
        for nothing in ("empty", "[2021-01-01,2021-01-02]", "(2021-01-01,2021-01-02)"):
            with pytest.raises(asyncpg.PostgresError):
                await connection.execute(insert.replace("'1'", "'2'"), [nothing], "B")
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("on_off", "first_last"),
    [((None, None), (0, 0)), ((None, None), (5, 60 * 365 * DAY)), ((START_US, START_US + 1), (0, 2 * START_US))],
)
def test_the_steps_hold_each_time_once(on_off: tuple[int | None, int | None], first_last: tuple[int, int]) -> None:
    steps = _steps(Deployments.of([Deployment("1", "A", *on_off)]), *first_last)
    low, high = max(first_last[0], on_off[0] or 0), min(first_last[1] + 1, on_off[1] or 1 << 62)
    assert (steps[0][0], steps[-1][1]) == (low, high)
    assert all(begin < end for begin, end in steps)
    assert all(one[1] == other[0] for one, other in pairwise(steps))
    assert len(steps) < 500
