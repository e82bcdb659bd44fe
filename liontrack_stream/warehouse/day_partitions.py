"""Partitions of days and weeks: made before a batch needs them, and statements kept within few of them.

Bronze is partitioned by the day of append time, fixes and 5-minute windows by the week of event time::

         2000-01-01              week of the append day + 1
    ─────────┼─────────┬───────┬───────┬───┼────────────► event time
     one for │     one per week, Monday    │ default: what no honest fix has
      all    │     to Sunday               │ (one stamp of 2190 makes no partition)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from liontrack_stream.contract.events import Activity, Position
from liontrack_stream.contract.topics import ACTIVITIES, POSITIONS
from liontrack_stream.core.geo import DAY_US, Ints
from liontrack_stream.generation import named
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.work import BatchWork

_BY_EVENT_DAY: Mapping[str, tuple[type[Any], tuple[str, ...]]] = {  # topic: event, tables
    POSITIONS.name: (Position, ("silver.positions", "gold.lion_windows")),
    ACTIVITIES.name: (Activity, ("gold.user_windows",)),
}
_FIRST_DAY = 10_957  # 2000-01-01
_DAYS_AHEAD = 7  # made at once while a stream moves on, so that a backlog does not make plans anew every day
_TRY_AGAIN_S = 5.0
_PERIOD_GAP_US = 7 * DAY_US


class DayPartitions:
    """Makes the partitions that batches need; asks once per table and day."""

    def __init__(self) -> None:
        self._made: dict[str, set[int]] = {}
        self._not_before_s: dict[str, float] = {}
        self._making = asyncio.Lock()  # else a lane gives up waiting for the hundred days that another one makes

    def forget(self) -> None:
        """Look again which partitions exist: some were dropped."""
        self._made.clear()

    async def ensure(self, pool: asyncpg.Pool, bronze: str, work: BatchWork) -> None:
        """Make what is missing for a batch, in transactions of their own.

        Where somebody holds on to a default partition, rows go there and are moved by a later call.
        """
        append_days = work.append_us // DAY_US
        await self._ensure(pool, bronze, _unique(append_days), 0)
        if work.topic.name in _BY_EVENT_DAY:
            kind, tables = _BY_EVENT_DAY[work.topic.name]
            _, places = work.events(kind)
            days = work.times(kind) // DAY_US
            honest = _unique(days[(days >= _FIRST_DAY) & (days <= append_days[places] + 1)])
            for table in tables:
                await self._ensure(pool, table, honest, int(append_days.max()))

    async def _ensure(self, pool: asyncpg.Pool, table: str, days: Sequence[int], ahead_until: int) -> None:
        if set(days) - self._made.setdefault(table, set()):
            async with self._making:
                await self._make(pool, table, days, ahead_until)

    async def _make(self, pool: asyncpg.Pool, table: str, days: Sequence[int], ahead_until: int) -> None:
        made = self._made.setdefault(table, set())
        missing = set(days) - made
        if not missing or time.monotonic() < self._not_before_s.get(table, 0.0):
            return
        moves_on = [day for day in missing if day - 1 in made or day - 1 in missing]
        ahead = {later for day in moves_on for later in range(day, day + _DAYS_AHEAD + 1) if later <= ahead_until}
        wanted = sorted((missing | ahead) - made)
        if await pool.fetchval(query("metadata/ensure_days"), named(table), wanted):
            made.update(wanted)
        else:
            self._not_before_s[table] = time.monotonic() + _TRY_AGAIN_S


def _unique(days: Ints) -> list[int]:
    return [int(day) for day in np.unique(days)]


def periods(times_us: Iterable[int]) -> list[NDArray[np.int64]]:
    """Places of times, cut where a week lies between two: a statement per period touches few partitions."""
    times = np.fromiter(times_us, np.int64)
    order = np.argsort(times, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(times[order]) > _PERIOD_GAP_US) + 1) if len(times) else []


async def execute_by_period(work: BatchWork, name: str, times_us: Sequence[int], *columns: Sequence[Any]) -> None:
    """Execute a statement per period with its part of the columns, and its first and last time after them."""
    for arguments in _by_period(times_us, columns):
        await work.connection.execute(query(name), *arguments)


async def fetch_by_period(work: BatchWork, name: str, times_us: Sequence[int], *columns: Sequence[Any]) -> list[Any]:
    """The same for a statement that returns rows."""
    return [
        row
        for arguments in _by_period(times_us, columns)
        for row in await work.connection.fetch(query(name), *arguments)
    ]


def _by_period(times_us: Sequence[int], columns: Sequence[Sequence[Any]]) -> Iterator[list[Any]]:
    for places in periods(times_us):
        chosen = places.tolist()
        parts = [[column[place] for place in chosen] for column in columns]
        yield [*parts, times_us[chosen[0]], times_us[chosen[-1]]]
