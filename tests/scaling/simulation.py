"""Many workers under faults, until all is stored; then PostgreSQL's notes are held against what must be.

Faults and batches are chosen by the seed; who comes first at a lock is PostgreSQL's matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

import asyncpg

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.kafka.ports import Partition
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import query

from .group import Group
from .watch import deadlocks, forget, notes, wrong
from .worker import Process, Tally

SESSION_S = 0.3  # after so long the group takes a silent member for dead
HEARS_LATE_S = 0.2
LOOK_S = 0.02
_STORED = "SELECT coalesce(sum(next_offset), 0)::bigint FROM metadata.consumed_offsets"


@dataclass(frozen=True, slots=True)
class Plan:
    """``records`` of each partition; ``faults`` in all, of these ``kinds`` in turn, in any order."""

    workers: int = 100
    partitions_per_topic: int = 200
    records: int = 100
    faults: int = 60
    kinds: tuple[str, ...] = ("killed", "paused", "paused", "cut at COMMIT", "cut at COMMIT", "restarted")
    seed: int = 1
    within_s: float = 120.0

    @property
    def partitions(self) -> list[Partition]:
        return [(topic.name, number) for topic in TOPICS for number in range(self.partitions_per_topic)]


@dataclass(slots=True)
class Found:
    """``problems`` is empty where nothing was lost, doubled, out of order, or written by who may not."""

    tally: Tally
    problems: list[str] = field(default_factory=list)
    rebalances: int = 0
    deadlocks: int = 0


class Simulation:
    """Runs on the warehouse of ``settings``, where `watch` is installed and nothing else goes on."""

    def __init__(self, settings: Settings, plan: Plan, move: str | None = None) -> None:
        self._settings, self._plan, self._move = settings, plan, move
        self._random = Random(plan.seed)
        self._ends = dict.fromkeys(plan.partitions, plan.records)
        self._group = Group([topic.name for topic in TOPICS], plan.partitions_per_topic)
        self._tally = Tally()
        self._lives: dict[int, int] = {}
        self._processes: dict[int, Process] = {}
        self._at_fault: set[int] = set()
        self._pending: set[asyncio.Task[None]] = set()

    async def run(self) -> Found:
        """Start all, inject the faults, wait for the end, compare."""
        watcher = await asyncpg.connect(**self._settings.pg_dsn)
        try:
            await forget(watcher)
            before = await deadlocks(watcher)
            for number in range(self._plan.workers):
                self._start(number)
            self._group.join(*range(self._plan.workers))
            found = Found(self._tally)
            try:
                async with asyncio.timeout(self._plan.within_s):
                    await self._inject(watcher)
                    await self._until_stored(watcher)
            except TimeoutError:
                found.problems.append(f"not all was stored within {self._plan.within_s:g} s")
            finally:
                await self._end()
            found.problems += wrong(await notes(watcher), self._ends)
            found.rebalances, found.deadlocks = self._group.rebalances, await deadlocks(watcher) - before
            return found
        finally:
            await watcher.close()

    def _start(self, number: int) -> None:
        self._lives[number] = self._lives.get(number, 0) + 1
        process = Process(
            self._settings, number, self._lives[number], self._group, self._ends, Random(self._random.random()),
            self._tally, self._move,
        )  # fmt: skip
        process.hears_late_s = self._random.choice((0.0, 0.0, self._random.random() * HEARS_LATE_S))
        self._processes[number] = process

    async def _inject(self, watcher: asyncpg.Connection) -> None:
        """Fault after fault as the work goes on, the last one when four fifths of it are done."""
        faults = {
            "killed": self._killed, "paused": self._paused, "cut at COMMIT": self._cut, "restarted": self._restarted,
        }  # fmt: skip
        plan, records = self._plan, sum(self._ends.values())
        deck = [plan.kinds[number % len(plan.kinds)] for number in range(plan.faults)]
        self._random.shuffle(deck)
        for number, kind in enumerate(deck):
            while await watcher.fetchval(_STORED) < 0.8 * records * number / plan.faults:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)
            while len(well := sorted(self._group.members - self._at_fault)) <= plan.workers // 2:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)
            victim = self._random.choice(well)
            self._at_fault.add(victim)
            self._pending.add(asyncio.ensure_future(self._happen(faults[kind], victim)))
        await asyncio.gather(*self._pending)

    async def _happen(self, fault: Callable[[int], Awaitable[None]], number: int) -> None:
        await fault(number)
        self._at_fault.discard(number)

    async def _killed(self, number: int) -> None:
        self._tally.counts["killed"] += 1
        await self._processes.pop(number).kill()
        await asyncio.sleep(SESSION_S)
        self._group.leave(number)
        await self._back(number)

    async def _restarted(self, number: int) -> None:
        self._tally.counts["restarted"] += 1
        await self._processes.pop(number).stop()
        self._group.leave(number)
        await self._back(number)

    async def _paused(self, number: int) -> None:
        """It is taken for dead, and comes back with what it had in hand."""
        self._tally.counts["paused"] += 1
        process = self._processes[number]
        process.pause()
        await asyncio.sleep(SESSION_S)
        self._group.leave(number)
        await asyncio.sleep(self._random.random() * 4 * SESSION_S)
        process.wake()
        await asyncio.sleep(self._random.random() * SESSION_S)
        self._group.join(number)

    async def _cut(self, number: int) -> None:
        self._processes[number].cut_next_commit = True

    async def _back(self, number: int) -> None:
        await asyncio.sleep(self._random.random() * SESSION_S)
        self._start(number)
        self._group.join(number)

    async def _until_stored(self, watcher: asyncpg.Connection) -> None:
        while True:
            stored = {(row["topic"], row["partition"]): row["next_offset"] for row in await self._offsets(watcher)}
            if stored == self._ends:
                return
            await asyncio.sleep(0.1)

    async def _offsets(self, watcher: asyncpg.Connection) -> list[asyncpg.Record]:
        return list(await watcher.fetch(query("metadata/offsets")))

    async def _end(self) -> None:
        for task in self._pending:
            task.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)
        await asyncio.gather(*(process.kill() for process in self._processes.values()))
