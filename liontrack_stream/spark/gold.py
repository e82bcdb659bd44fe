"""Executors' part of silver-to-gold: gold of each lion, user and table anew from silver.

What a row says is decided by ``core/`` and written by the warehouse's own writers, as for a batch of the worker: here
the batch is the whole history of some lions or users. Writing a row again changes nothing, so a task may run again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from liontrack_stream import generation
from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.core.fixes import NO_STEP, Fixes, empty
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.core.health import LionDay, day_weights
from liontrack_stream.core.settle import Settled
from liontrack_stream.core.windows import WINDOW_US, changed_windows, day_facts, touched_days
from liontrack_stream.kafka.infrastructure_errors import RETRIED, backoff_s
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse import lion_windows
from liontrack_stream.warehouse.activities import write_windows
from liontrack_stream.warehouse.batch_connection import BatchConnection
from liontrack_stream.warehouse.lion_days import DaysOf, write_days
from liontrack_stream.warehouse.lion_writes import lion_days
from liontrack_stream.warehouse.pool import create_sink_pool
from liontrack_stream.warehouse.quality import write_quality_days
from liontrack_stream.warehouse.revisions import Causes
from liontrack_stream.warehouse.rules import register_rules
from liontrack_stream.warehouse.user_days import write_user_days
from liontrack_stream.warehouse.work import NO_DAY, BatchWork

FIXED = "lion_id string, time timestamp, lat double, lng double, step_mm long, weight double"
"""Of a lion: accepted fixes, and valid weighings with ``weight`` alone."""
ACTED = "user_id string, time timestamp, kind string"
"""Of a user: ``kind`` is `ACTIVITY`, `WEIGHT` or `CHALLENGE`; of a challenge, the time is not looked at."""
CHECKED = "table_name string, time timestamp"
WRITTEN = "entities long"
ACTIVITY, WEIGHT, CHALLENGE = "activity", "weight", "challenge"
_CHUNK_ROWS = 20_000
_ATTEMPTS = 20

Write = Callable[[BatchWork, pa.Table], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class WriteGold:
    """Writes the gold of what a task gets, rows by their first column; pickled, with its settings, into every task."""

    settings: Settings
    number: int
    write: Write

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write; one row of `WRITTEN`."""
        with generation.using(self.number):
            count = asyncio.run(self._write(batches))
        yield pa.RecordBatch.from_pydict({"entities": pa.array([count], pa.int64())})

    async def _write(self, batches: Iterable[pa.RecordBatch]) -> int:
        count = 0
        async with self._pool() as pool:
            for chunk in _chunks(batches):
                await self._write_chunk(pool, chunk)
                count += pc.count_distinct(chunk[0]).as_py()
        return count

    async def _write_chunk(self, pool: asyncpg.Pool, chunk: pa.Table) -> None:
        """Write; tries again while the infrastructure is away."""
        for attempt in range(1, _ATTEMPTS):
            try:
                return await self._write_once(pool, chunk)
            except RETRIED:
                await asyncio.sleep(backoff_s(attempt))
        await self._write_once(pool, chunk)

    async def _write_once(self, pool: asyncpg.Pool, chunk: pa.Table) -> None:
        """In one transaction."""
        nothing = np.empty(0, np.int64)
        work = BatchWork(POSITIONS, [], nothing, nothing, nothing)
        async with pool.acquire() as connection, connection.transaction():
            work.connection = BatchConnection(connection)
            async with work.connection.writing():
                await self.write(work, chunk)
                await work.mark_dirty()

    @asynccontextmanager
    async def _pool(self) -> AsyncIterator[asyncpg.Pool]:
        own = self.settings.in_generation(self.number)
        pool = await create_sink_pool(own, await register_rules(own), size=1)
        try:
            yield pool
        finally:
            await pool.close()


def _chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of some thousand rows, sorted as they come, each with all rows of its entities."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(one.num_rows for one in waiting) >= _CHUNK_ROWS:
            rows = pa.Table.from_batches(waiting).combine_chunks()
            entities = rows[0]
            last = int(pc.index(entities, entities[-1]).as_py())  # the last entity may go on
            if last:
                yield rows.slice(0, last)
            waiting = rows.slice(last).to_batches()
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


async def write_lions(work: BatchWork, rows: pa.Table) -> None:
    """Windows and days of some lions; ``rows`` as `FIXED`, by lion and time."""
    names = rows["lion_id"].combine_chunks().dictionary_encode()
    lion_ids: list[str] = names.dictionary.to_pylist()
    lion = names.indices.to_numpy()
    time_us = rows["time"].cast(pa.int64()).to_numpy()
    weighed = rows["weight"].is_valid().to_numpy()

    fixes = _fixes(rows.filter(pa.array(~weighed)), lion[~weighed], time_us[~weighed])
    settled = _as_new(fixes)
    windows = changed_windows(settled)
    windows.existed[:] = True  # perhaps: this task may run again
    await lion_windows.write(work, lion_ids, windows)

    facts = day_facts(settled, *touched_days(settled))
    bounds = np.searchsorted(facts.lion, np.arange(len(lion_ids) + 1)).tolist()
    days = lion_days(facts, bounds, [{} for _ in lion_ids])
    kilograms: dict[tuple[int, int], list[float]] = {}
    weights = rows["weight"].to_numpy()[weighed].tolist()
    for n, day, weight in zip(lion[weighed].tolist(), (time_us[weighed] // DAY_US).tolist(), weights, strict=True):
        kilograms.setdefault((n, day), []).append(weight)
    for (n, day), of_day in kilograms.items():
        days[n][day] = replace(days[n].get(day, LionDay()), **day_weights(of_day))
    await write_days(work, [DaysOf(lion_id, {}) for lion_id in lion_ids], days)


def _fixes(rows: pa.Table, lion: Any, time_us: Any) -> Fixes:
    fixes = empty(rows.num_rows)
    fixes["lion"], fixes["time_us"] = lion, time_us
    fixes["lat"], fixes["lng"] = rows["lat"].to_numpy(), rows["lng"].to_numpy()
    fixes["step_mm"] = rows["step_mm"].fill_null(NO_STEP).to_numpy()
    return fixes


def _as_new(fixes: Fixes) -> Settled:
    """Accepted fixes that silver settled, as if all of them had just come."""
    changed, was_accepted = np.ones(len(fixes), bool), np.zeros(len(fixes), bool)
    return Settled(fixes, changed, was_accepted, fixes[:0], np.empty(0, np.int64))


async def write_users(work: BatchWork, rows: pa.Table) -> None:
    """Windows and days of some users; ``rows`` as `ACTED`. What they count is read from silver, by the same SQL."""
    users, kinds = rows["user_id"].to_pylist(), rows["kind"].to_pylist()
    times_us = rows["time"].cast(pa.int64()).to_pylist()
    events = list(zip(users, kinds, times_us, strict=True))
    windows = {(user, us // WINDOW_US * WINDOW_US) for user, kind, us in events if kind == ACTIVITY}
    await write_windows(work, sorted(windows), Causes())
    days = {(user, us // DAY_US) for user, kind, us in events if kind != CHALLENGE}
    challenged = {user: NO_DAY for user, kind, _ in events if kind == CHALLENGE}
    await write_user_days(work, days, challenged, Causes())


async def write_tables(work: BatchWork, rows: pa.Table) -> None:
    """The daily summaries of tables' quality checks; ``rows`` as `CHECKED`."""
    times_us = rows["time"].cast(pa.int64()).to_pylist()
    days = {(table, us // DAY_US) for table, us in zip(rows["table_name"].to_pylist(), times_us, strict=True)}
    await write_quality_days(work, sorted(days))
