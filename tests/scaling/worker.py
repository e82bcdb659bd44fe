"""A worker without Kafka and rows: the real claims, offsets and pool; a batch moves its offset and leaves a note.

::

    news of the group ─► lanes end what they are storing ─► claim ─► lanes: advance ─► note ─► COMMIT, again and again
                                                                        │              │         │
                                                         paused, or the process is killed, here  cut here
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from random import Random
from time import perf_counter

import asyncpg

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.kafka.checks import ClusterState, LogState
from liontrack_stream.kafka.claims import Claims
from liontrack_stream.kafka.infrastructure_errors import RETRIED
from liontrack_stream.kafka.ports import Partition
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.offsets import OffsetStore
from liontrack_stream.warehouse.pool import create_sink_pool
from liontrack_stream.warehouse.queries import query

from .group import Group
from .watch import NOTE_BATCHES

LANES = 2
TOGETHER_MAX = 4
RETRY_S = 0.02
STUCK_AFTER_S = 1.0  # a real worker ends itself after STUCK_AFTER_S of lag, is started again and claims again


class Tally:
    """What all workers have met: seconds of each claim and commit, and counts by name."""

    def __init__(self) -> None:
        self.claims_s: list[float] = []
        self.commits_s: list[float] = []
        self.counts: Counter[str] = Counter()


class Process:
    """One life of a worker. ``ends``: how many records each partition has; ``move``: the SQL that moves offsets."""

    def __init__(
        self, settings: Settings, number: int, life: int, group: Group, ends: Mapping[Partition, int], random: Random,
        tally: Tally, move: str | None = None, batch_max: int = 40,
    ) -> None:  # fmt: skip
        self.number, self.name = number, f"worker {number}, life {life}"
        self._settings, self._group, self._ends, self._random, self._tally = settings, group, ends, random, tally
        self._move, self._batch_max = move or query("metadata/advance_offset"), batch_max
        self._awake = asyncio.Event()
        self._awake.set()
        self.cut_next_commit = False
        self.hears_late_s = 0.0
        self._lost: set[Partition] = set()
        self._closing = False
        self._lanes: list[asyncio.Task[None]] = []
        self._pool: asyncpg.Pool | None = None
        self.connected = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=self.name)

    # -- what happens to it

    def pause(self) -> None:
        """Stop it where it is, as SIGSTOP does, until `wake`."""
        self._awake.clear()

    def wake(self) -> None:
        self._awake.set()

    async def kill(self) -> None:
        """``kill -9``: its connections break off, whatever they were at."""
        if self._pool is not None:
            self._pool.terminate()
        await self._end()

    async def stop(self) -> None:
        """SIGTERM: it ends the batches that it is storing."""
        self._closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                while self._lanes_running:  # noqa: ASYNC110 - a few times a life
                    await asyncio.sleep(0.01)
        await self.kill()

    async def _end(self) -> None:
        await _cancelled(self._task)
        if not self._task.cancelled() and self._task.exception() is not None:
            raise self._task.exception()  # type: ignore[misc]

    # -- its life

    async def _run(self) -> None:
        try:
            self._pool = await create_sink_pool(self._settings, size=LANES + 1)
            self.connected.set()
            self._offsets = OffsetStore(self._pool, self.name)
            logs = {place: LogState(0, end, f"0:{place}") for place, end in self._ends.items()}
            claims = Claims(self._settings, self._offsets, ClusterState("simulated", logs))
            while True:
                changed = self._group.changed
                await self._take_over(claims, self._group.share(self.number))
                await self._until(changed)
        finally:
            await _cancelled(*self._lanes)

    @property
    def _lanes_running(self) -> bool:
        return any(not lane.done() for lane in self._lanes)

    async def _until(self, changed: asyncio.Event) -> None:
        """The group's next news; or a while after a lease was lost that is this worker's by all it knows."""
        while not changed.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(STUCK_AFTER_S):
                    await changed.wait()
            self._raise_of_lanes()
            if self._lost:
                self._tally.counts["started again, as a lease was gone"] += 1
                return
        await asyncio.sleep(self.hears_late_s)

    def _raise_of_lanes(self) -> None:
        for lane in self._lanes:
            if lane.done() and not lane.cancelled():
                lane.result()

    async def _take_over(self, claims: Claims, mine: Sequence[Partition]) -> None:
        self._closing = True
        await self._step()
        if self._lanes:
            await asyncio.wait(self._lanes)
        self._raise_of_lanes()
        began = perf_counter()
        starts = await claims.claim(mine)
        if mine:
            self._tally.claims_s.append(perf_counter() - began)
        self._closing, self._lost = False, set(mine) - starts.keys()
        places = list(starts)
        self._lanes = [
            asyncio.create_task(self._lane({place: starts[place] for place in places[lane::LANES]}))
            for lane in range(LANES)
        ]

    async def _step(self) -> None:
        """Here it may be paused."""
        await self._awake.wait()

    # -- batches

    async def _lane(self, positions: dict[Partition, int]) -> None:
        """Store to the ends, until the lane is to close."""
        while not self._closing:
            positions = {place: at for place, at in positions.items() if at < self._ends[place]}
            if not positions:
                return
            places = self._choose(list(positions))
            nexts = {p: min(positions[p] + self._random.randint(1, self._batch_max), self._ends[p]) for p in places}
            await self._step()
            if len(places) > 1 and await self._together(positions, nexts):
                positions |= nexts
                continue
            for place in places:
                await self._alone(positions, place, nexts[place])

    def _choose(self, places: list[Partition]) -> list[Partition]:
        """One, or some of the positions' topic, as lanes store them together; in any order."""
        first = self._random.choice(places)
        others = [place for place in places if place[0] == POSITIONS.name and place != first]
        if first[0] != POSITIONS.name or self._random.random() < 0.5:
            return [first]
        return [first, *self._random.sample(others, min(len(others), TOGETHER_MAX - 1))]

    async def _together(self, positions: Mapping[Partition, int], nexts: Mapping[Partition, int]) -> bool:
        """Whether all of them were stored in one transaction; if not, each is to be by itself."""
        try:
            return await self._store(positions, nexts) is None
        except RETRIED as error:
            self._count(error)
            return False

    async def _alone(self, positions: dict[Partition, int], place: Partition, next_offset: int) -> None:
        """Store a batch, tried again until it is stored or somebody else's. As `Sink` and `Lanes` decide."""
        while place in positions and positions[place] < next_offset:
            try:
                state = await self._store({place: positions[place]}, {place: next_offset})
            except RETRIED as error:
                self._count(error)
                await asyncio.sleep(RETRY_S)
                if self._closing:
                    return
                continue
            if state is None:
                positions[place] = next_offset
            elif state["lease_epoch"] != self._offsets.epoch(place):
                self._tally.counts["lease lost"] += 1
                self._lost.add(place)
                del positions[place]
            elif state["next_offset"] > positions[place]:
                self._tally.counts["stored already"] += 1
                positions[place] = state["next_offset"]
            else:
                raise AssertionError(f"{self.name}: a gap in {place}: {dict(state)}, not {positions[place]}")

    async def _store(
        self, positions: Mapping[Partition, int], nexts: Mapping[Partition, int]
    ) -> Mapping[str, int] | None:
        """One transaction; None where it was committed, else how the first partition stands, and nothing is written."""
        assert self._pool is not None
        began = perf_counter()
        topic, numbers = next(iter(nexts))[0], [number for _, number in nexts]
        epochs = [self._offsets.epoch(place) for place in nexts]
        firsts = [positions[place] for place in nexts]
        async with self._pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                rows = await connection.fetch(self._move, topic, numbers, firsts, list(nexts.values()), epochs)
                if len(rows) < len(nexts):
                    state = await connection.fetchrow(query("metadata/offset_state"), *next(iter(nexts)))
                    await transaction.rollback()
                    return dict(state)
                owners = [self.name] * len(nexts)
                await connection.execute(NOTE_BATCHES, topic, numbers, owners, epochs, firsts, list(nexts.values()))
                await self._step()
                await self._commit(connection, transaction)
            except BaseException:
                with suppress(asyncpg.InterfaceError):  # it is the pool's again, or closed
                    connection.terminate()
                raise
        self._tally.commits_s.append(perf_counter() - began)
        self._tally.counts["batches"] += len(nexts)
        return None

    async def _commit(self, connection: asyncpg.Connection, transaction: asyncpg.transaction.Transaction) -> None:
        if not self.cut_next_commit:
            return await transaction.commit()
        self.cut_next_commit = False
        self._tally.counts["cut at COMMIT"] += 1
        committing = asyncio.ensure_future(transaction.commit())
        committing.add_done_callback(lambda ended: ended.exception())  # where it is killed now, nobody asks
        try:
            await asyncio.sleep(0)  # it is sent, and nobody will hear the answer
        finally:
            connection.terminate()
            await asyncio.wait({committing})
        committing.result()

    def _count(self, error: BaseException) -> None:
        self._tally.counts[f"tried again: {type(error).__name__}"] += 1


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    """End them; asked again, for a connection that breaks off at the same moment may swallow it."""
    running = set(tasks)
    while running := {task for task in running if not task.done()}:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=0.1)
    for task in tasks:
        _ = task.cancelled() or task.exception()  # what its broken connection says at its end is nobody's concern
