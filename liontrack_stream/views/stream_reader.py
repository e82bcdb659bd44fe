"""What happened between two cursors, read from the warehouse: whoever asks, whenever, at whichever worker."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, auto
from typing import Any

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.views.database import Database
from liontrack_stream.views.positions import PositionAccess, exact_access
from liontrack_stream.views.stream_cursor import TOPICS, Cursor, Place
from liontrack_stream.views.stream_items import (
    AGED,
    FRESH,
    REVISED,
    Event,
    position_event,
    reset_text,
    revision_event,
)

CONFLATED_FROM = 2_000  # more fixes than these at a time: the latest of each lion
REVISIONS_MAX = 2_000
DAYS_MAX = 62  # days of event time at a time; an import of years is not live

Range = tuple[Place, int, int]


class Audience(Enum):
    """Viewers who see the same positions."""

    EXACT = auto()
    DELAYED = auto()


class StreamReader:
    """Reads steps. It remembers on which day each partition was last read, so that other days are left alone."""

    def __init__(self, database: Database, grid_deg: float) -> None:
        self._database, self._grid_deg = database, grid_deg
        self._append_days: dict[int, tuple[int, date]] = {}  # partition -> an offset, the append day before it
        self.conflated_from, self.revisions_max = CONFLATED_FROM, REVISIONS_MAX

    async def offsets(self) -> dict[Place, int]:
        """Up to where the warehouse is."""
        rows = await self._database.rows("stream_offsets", list(TOPICS))
        return {(TOPICS.index(row["topic"]), row["partition"]): row["next_offset"] for row in rows}

    async def step(self, begin: Cursor, end: Cursor, audiences: Collection[Audience]) -> dict[Audience, list[Event]]:
        """The events between two cursors for each audience, in the order of their keys.

        Raises
        ------
        OSError, TimeoutError, asyncpg.PostgresError
            When Postgres is away or slow.
        """
        moved = end.moved(begin)
        positions = [range_ for range_ in moved if TOPICS[range_[0][0]] == POSITIONS.name]
        append_day, days = await self._days(positions)
        revisions = await self._revisions(moved)
        found: dict[Audience, list[Event]] = {}
        for audience in audiences:
            access, until = self._access(audience, begin), None if audience is Audience.EXACT else begin.until
            if len(days) > DAYS_MAX:
                events = [Event((FRESH, 0, 0, 0), reset_text("Fixes of many days came at once, as from an import."))]
            else:
                rows = await self._fresh(positions, append_day, days, until)
                events = [position_event(FRESH, row, access) for row in rows]
            if until is not None:
                events += [position_event(AGED, row, access) for row in await self._aged(begin, end)]
            events += self._revision_events(revisions, access, None if until is None else end.until)
            found[audience] = sorted(events, key=lambda event: event.key)
        return found

    def _access(self, audience: Audience, begin: Cursor) -> PositionAccess:
        if audience is Audience.EXACT:
            return exact_access(begin.until)
        return PositionAccess(begin.until, self._grid_deg, note="")

    async def _days(self, positions: Sequence[Range]) -> tuple[date, list[date]]:
        """The append day from which on the records lie, and their days of event time."""
        if not positions:
            return date.max, []
        since = min(await self._append_days_of(positions))
        rows = await self._database.rows("stream_days", *_columns(positions), since)
        ends = {place[1]: next_offset for place, _, next_offset in positions}
        for partition in {row["partition"] for row in rows}:
            last = max(row["append_day"] for row in rows if row["partition"] == partition)
            known = self._append_days.get(partition)
            if known is None or known[0] < ends[partition]:
                self._append_days[partition] = ends[partition], last
        return since, sorted({row["day"] for row in rows if row["day"] is not None})

    async def _append_days_of(self, positions: Sequence[Range]) -> list[date]:
        """For each range a day before which none was appended; a broker's clock may go back a little."""
        known = {
            place[1]: self._append_days[place[1]][1]
            for place, first, _ in positions
            if place[1] in self._append_days and self._append_days[place[1]][0] <= first
        }
        asked = [range_ for range_ in positions if range_[0][1] not in known]
        if asked:
            rows = await self._database.rows("stream_append_day", *_columns(asked)[:2])
            known |= {row["partition"]: row["append_day"] for row in rows}
        return [known.get(place[1], date.max) - timedelta(days=1) for place, _, _ in positions]

    async def _fresh(
        self, positions: Sequence[Range], append_day: date, days: Sequence[date], until: datetime | None
    ) -> list[Any]:
        """Rows of accepted fixes that the records brought, up to ``until``."""
        found: list[Any] = []
        for first, end in _runs(days):
            last = end if until is None else min(end, until)
            if first <= last:
                period = append_day, first, last, self.conflated_from
                found += await self._database.rows("stream_fixes", *_columns(positions), *period)
        return found

    async def _aged(self, begin: Cursor, end: Cursor) -> list[Any]:
        """Rows of accepted fixes that came of age; those among fresh records, too."""
        known = [(place[1], offset) for place, offset in end.offsets.items() if TOPICS[place[0]] == POSITIONS.name]
        if begin.until >= end.until or not known:
            return []
        places = [partition for partition, _ in known], [offset for _, offset in known]
        return await self._database.rows("stream_aged", begin.until, end.until, *places, self.conflated_from)

    async def _revisions(self, moved: Sequence[Range]) -> list[Any]:
        if not moved:
            return []
        topics = [TOPICS[place[0]] for place, _, _ in moved]
        return await self._database.rows("stream_revisions", topics, *_columns(moved), self.revisions_max + 1)

    def _revision_events(self, rows: Sequence[Any], access: PositionAccess, until: datetime | None) -> Iterator[Event]:
        if len(rows) > self.revisions_max:
            yield Event((REVISED, 0, 0, 0), reset_text("Very many rows were revised at once."))
            return
        for row in rows:
            event = revision_event(row, access, until)
            if event is not None:
                yield event


def _columns(ranges: Sequence[Range]) -> tuple[list[int], list[int], list[int]]:
    """Partitions, first offsets, next offsets."""
    return [place[1] for place, _, _ in ranges], [first for _, first, _ in ranges], [next_ for _, _, next_ in ranges]


def _runs(days: Sequence[date]) -> Iterator[tuple[datetime, datetime]]:
    """The first and the last moment of each run of neighbouring days."""
    for n, day in enumerate(days):
        if n == 0 or day - days[n - 1] > timedelta(days=1):
            first = day
        if n == len(days) - 1 or days[n + 1] - day > timedelta(days=1):
            yield datetime.combine(first, time.min, UTC), datetime.combine(day, time.max, UTC)
