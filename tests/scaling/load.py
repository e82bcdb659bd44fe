"""How many claims and commits a second some workers get, and what they wait for. No faults, no rows.

::

    join ─► all claim ─► batches, for a while ─► one leaves: most partitions move ─► all claim again
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

import asyncpg
from faust.assignor.client_assignment import CopartitionedAssignment
from faust.assignor.copartitioned_assignor import CopartitionedAssignor

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import query
from tests.bench.api.found import percentile

from .group import Group
from .watch import deadlocks, forget, notes, wrong
from .worker import Process, Tally

_ENDLESS = 1 << 40
_WAITS = """
SELECT wait_event_type, count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() AND wait_event_type IS NOT NULL
GROUP BY 1
"""


@dataclass(slots=True)
class Load:
    """What ``workers`` of ``partitions`` met. ``waits``: kind -> connections that waited for it, on average."""

    workers: int
    partitions: int
    dealt_s: float = 0.0
    claims_ms: list[float] = field(default_factory=list)
    commits_ms: list[float] = field(default_factory=list)
    commits_per_s: float = 0.0
    moved_s: float = 0.0
    moves_ms: list[float] = field(default_factory=list)
    waits: dict[str, float] = field(default_factory=dict)
    driver: float = 0.0
    deadlocks: int = 0
    problems: list[str] = field(default_factory=list)


async def measure(settings: Settings, workers: int, partitions_per_topic: int, seconds: float) -> Load:
    """On an empty warehouse that is watched; ``driver``: the share of a core that this process used meanwhile."""
    topics = [topic.name for topic in TOPICS]
    ends = {(topic, number): _ENDLESS for topic in topics for number in range(partitions_per_topic)}
    group, tally, load = Group(topics, partitions_per_topic), Tally(), Load(workers, len(ends))
    watcher = await asyncpg.connect(**settings.pg_dsn)
    try:
        await forget(watcher)
        before = await deadlocks(watcher)
        running = [Process(settings, number, 1, group, ends, Random(number), tally) for number in range(workers)]
        try:
            for process in running:
                await process.connected.wait()
            load.dealt_s, load.claims_ms = await _dealt(group, tally, range(workers))
            await _at_work(load, tally, watcher, seconds)
            if workers > 1:
                await running.pop().stop()
                load.moved_s, load.moves_ms = await _dealt(group, tally, range(workers - 1), leaves=workers - 1)
        finally:
            await asyncio.gather(*(process.kill() for process in running))
        stored = {(row[0], row[1]): row[2] for row in await watcher.fetch(query("metadata/offsets"))}
        load.problems = wrong(await notes(watcher), stored)
        load.deadlocks = await deadlocks(watcher) - before
        return load
    finally:
        await watcher.close()


async def _dealt(
    group: Group, tally: Tally, members: Sequence[int], leaves: int | None = None
) -> tuple[float, list[float]]:
    """Deal the partitions out: seconds until all have claimed, ms of each claim."""
    tally.claims_s.clear()
    began = time.perf_counter()
    if leaves is None:
        group.join(*members)
    else:
        group.leave(leaves)
    while len(tally.claims_s) < len(members):  # noqa: ASYNC110 - counted by all of them
        await asyncio.sleep(0.002)
    return time.perf_counter() - began, [each * 1e3 for each in tally.claims_s]


async def _at_work(load: Load, tally: Tally, watcher: asyncpg.Connection, seconds: float) -> None:
    await asyncio.sleep(seconds / 5)
    tally.commits_s.clear()
    waits: Counter[str] = Counter()
    looks, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        waits.update(dict(await watcher.fetch(_WAITS)))
        looks += 1
        await asyncio.sleep(0.05)
    took = time.perf_counter() - began
    load.driver = (time.process_time() - cpu) / took
    load.commits_ms = [each * 1e3 for each in tally.commits_s]
    load.commits_per_s = len(load.commits_ms) / took
    load.waits = {kind: waits[kind] / looks for kind in ("Lock", "LWLock", "IO")}


def dealing_ms(workers: int, partitions_per_topic: int) -> float:
    """CPU time that Faust's assignor takes in the group's leader, ms: to deal out five topics with their changelogs."""
    began = time.process_time()
    for topic in TOPICS:
        topics = {topic.name, f"{topic.name}-changelog"}
        members = {str(number): CopartitionedAssignment(topics=topics) for number in range(workers)}
        CopartitionedAssignor(topics, members, partitions_per_topic, replicas=0).get_assignment()
    return (time.process_time() - began) * 1e3


def lines(loads: Sequence[Load]) -> Iterator[str]:
    """Markdown."""
    yield (
        "| workers | partitions each | all dealt out, s | claim p50, p99, ms | commits/s | commit p50, p99, ms "
        "| most moved, s | claim p50, p99, ms | waiting for locks, LW locks, I/O | driver |"
    )
    yield f"|{'---:|' * 10}"
    for load in loads:
        spreads = (_spread(each) for each in (load.claims_ms, load.commits_ms, load.moves_ms))
        claims, commits, moves = spreads
        waits = ", ".join(f"{mean:.1f}" for mean in load.waits.values())
        moved = f"{load.moved_s:.2f}" if load.moves_ms else "–"
        yield (
            f"| {load.workers} | {load.partitions // load.workers} | {load.dealt_s:.2f} | {claims} "
            f"| {load.commits_per_s:,.0f} | {commits} | {moved} | {moves} | {waits} | {load.driver:.0%} |"
        )


def _spread(values: Sequence[float]) -> str:
    return ", ".join(f"{percentile(values, share):,.1f}" for share in (0.5, 0.99)) if values else "–"
