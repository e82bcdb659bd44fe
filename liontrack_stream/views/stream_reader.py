"""Reads what was stored between two points of the stream: from Postgres, so it is what all workers stored.

::

    offsets   …──[since.heads)════════[to.heads)──►        records stored in between: their accepted fixes
    time      …──(since.until]════════(to.until]──►        stored before that, and old enough for delayed viewers now

A fix is told once to whoever sees exact positions, when its record is stored; and once to delayed viewers, when it is
stored or when it has come of age, whichever is later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.settings import Settings
from liontrack_stream.views.database import Database
from liontrack_stream.views.stream_items import RESET, Item, position, revision
from liontrack_stream.views.stream_point import Partition, Point, moved

EACH_MAX = 2_000  # records between two points that are told one by one
DAYS_MAX = 7  # of event time among them: each is a query
RESUME_RECORDS_MAX = 100_000
REVISIONS_MAX = 2_000
REVISIONS_UNDER_WAY = 20_000  # ids that transactions may still hold when a later one has committed
DAY = timedelta(days=1)

Row = Mapping[str, Any]
Ranges = Mapping[Partition, tuple[int, int]]


class StreamReader:
    """Points and what lies between them."""

    def __init__(self, database: Database, settings: Settings, now: Callable[[], datetime]) -> None:
        self._database = database
        self._grid_deg = settings.position_grid_deg
        self._delay = timedelta(hours=settings.position_delay_h)
        self._now = now
        self._days: dict[int, date] = {}  # partition -> append day of the newest record that was read

    async def present(self) -> Point:
        """Where the stream is."""
        now = self._now()
        rows = await self._database.rows("stream_heads")
        heads = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        return Point(heads, now - self._delay, (rows[0]["revision_id"] or 0) if rows else 0)

    def too_far(self, since: Point, to: Point) -> bool:
        """Whether a client had better read anew than be told what it missed."""
        records = sum(upto - first for first, upto in moved(since, to).values())
        behind = any(head > to.heads.get(partition, 0) for partition, head in since.heads.items())
        return behind or records > RESUME_RECORDS_MAX

    async def between(self, since: Point, to: Point) -> list[Item]:
        """What to tell of ``(since, to]``.

        Raises
        ------
        OSError, asyncpg.PostgresError
            When Postgres is away; ask again.
        """
        ranges = moved(since, to)
        positions = {place: offsets for place, offsets in ranges.items() if place[0] == POSITIONS.name}
        items = await self._stored(positions, since) if positions else []
        if to.until > since.until:
            items += await self._aged(since, to)
        if ranges and to.revision_id:
            items += await self._revised(ranges, since, to)
        return items

    async def _stored(self, ranges: Ranges, since: Point) -> list[Item]:
        """Fixes of newly stored records; of delayed viewers' those that were of age at ``since``."""
        if sum(upto - first for first, upto in ranges.values()) > EACH_MAX:
            return await self._conflated(ranges, since)
        by_day: dict[date, set[tuple[str, datetime]]] = defaultdict(set)
        for (_, partition), offsets in ranges.items():
            for row in await self._records("stream_records", partition, offsets):
                if row["lion_id"] is not None and row["position_date"] is not None:
                    by_day[row["position_date"].astimezone(UTC).date()].add((row["lion_id"], row["position_date"]))
        if len(by_day) > DAYS_MAX:
            return await self._conflated(ranges, since)
        items = []
        for day, pairs in sorted(by_day.items()):
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            lions, times = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            rows = await self._database.rows("stream_fixes", lions, times, midnight, midnight + DAY)
            new = [row for row in rows if _within(row, ranges)]
            items += [position(row, since.until, self._grid_deg) for row in sorted(new, key=_time)]
        return items

    async def _conflated(self, ranges: Ranges, since: Point) -> list[Item]:
        """Each lion's last fix, for whoever sees exact positions; delayed viewers are sent to the lists."""
        items = [Item(None, RESET, for_all=True)]
        for (_, partition), offsets in ranges.items():
            for row in await self._records("stream_moved", partition, offsets):
                if row["position_date"] is not None:
                    told = position(row, since.until, self._grid_deg)
                    items.append(Item(told.exact, None, told.lion_id))
        return items

    async def _records(self, name: str, partition: int, offsets: tuple[int, int]) -> list[Row]:
        """Rows of a query on bronze: near the day of the records before them, and in all days where some lack there."""
        first, upto = offsets
        near = self._days.get(partition) or datetime.now(UTC).date()
        rows: list[Row] = await self._database.rows(name, partition, first, upto, near - DAY, near + DAY)
        if sum(row["fixes"] for row in rows) < upto - first:
            rows = await self._database.rows(name, partition, first, upto, date.min, date.max)
        if rows:
            self._days[partition] = max(row["partition_date"] for row in rows)
        return rows

    async def _aged(self, since: Point, to: Point) -> list[Item]:
        """Fixes that were stored by ``since`` and have come of age since then, or are stored now and are of age."""
        rows = await self._database.rows("stream_aged", since.until, to.until, EACH_MAX + 1)
        if len(rows) > EACH_MAX:
            return [Item(None, RESET, for_all=True)]
        known = [row for row in rows if row["offset"] < to.heads.get((POSITIONS.name, row["partition"]), 0)]
        return [position(row, to.until, self._grid_deg, exact=False) for row in known]

    async def _revised(self, ranges: Ranges, since: Point, to: Point) -> list[Item]:
        after = max(0, since.revision_id - REVISIONS_UNDER_WAY)
        places, offsets = list(ranges), list(ranges.values())
        rows = await self._database.rows(
            "stream_revisions",
            after,
            [topic for topic, _ in places],
            [partition for _, partition in places],
            [first for first, _ in offsets],
            [upto for _, upto in offsets],
            REVISIONS_MAX + 1,
        )
        if len(rows) > REVISIONS_MAX:
            return [Item(RESET, RESET, for_all=True)]
        found = [revision(row, to.until) for row in rows]
        return [item for item in found if item is not None]


def _within(row: Row, ranges: Ranges) -> bool:
    """Whether silver's fix is the one that a newly stored record brought."""
    first, upto = ranges.get((POSITIONS.name, row["partition"]), (0, 0))
    return bool(first <= row["offset"] < upto)


def _time(row: Row) -> tuple[datetime, str]:
    return row["position_date"], row["lion_id"]
