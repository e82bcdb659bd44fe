"""``gold.lions_metrics``: loading, settling and writing lion-days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from liontrack_stream.contract.times import iso
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.core.health import LOOKBACK_DAYS, LionDay, Outlook, judged, outlook, settle_days
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.revisions import Cause
from liontrack_stream.warehouse.work import BatchWork

END_DAY = 1_000_000  # the year 4707: later than any accepted event
Days = dict[int, LionDay]
CauseOf = Callable[[str, int], Cause | None]  # of a lion's day
_COLUMNS = (
    "tracking_frequency",
    "distance_m",
    "max_speed_kmh",
    "last_fix_time",
    "stationary",
    "avg_weight",
    "min_weight",
    "max_weight",
    "weight_count",
    "weight_trend",
    "health_score",
    "status",
)


async def load_days(work: BatchWork, ranges: Sequence[tuple[str, int, int]]) -> list[Days]:
    """For each (lion_id, from_day, to_day), inclusive, the stored days."""
    found: list[Days] = [{} for _ in ranges]
    if not ranges:
        return found
    for row in await work.connection.fetch(query("gold/lion_days"), *map(list, zip(*ranges, strict=True))):
        distance_m = row["distance_m"]
        found[row["n"]][row["metric_date"]] = LionDay(
            row["tracking_frequency"],
            None if distance_m is None else round(distance_m * 1000),
            row["max_speed_kmh"],
            row["last_fix_time"],
            row["stationary"],
            row["avg_weight"],
            row["min_weight"],
            row["max_weight"],
            row["weight_count"],
            row["weight_trend"],
            row["health_score"],
        )
    return found


class DaysOf(msgspec.Struct, frozen=True):
    """A lion's days. ``outlook``: of the last of them, where it is known."""

    lion_id: str
    days: Days
    outlook: Outlook | None = None


async def write_days(
    work: BatchWork, stored: Iterable[DaysOf], changed: Iterable[Days], cause_of: CauseOf | None = None
) -> list[DaysOf]:
    """Settle and write lion-days.

    Parameters
    ----------
    stored
        For each lion its stored days, whole for 30 days around the changed ones.
    changed
        For each the days whose facts changed, with their new facts.
    cause_of
        Why a day's row that had been told changes; None where none was told.

    Returns
    -------
    list
        For each lion its days as they are now, within what was given.
    """
    results: list[DaysOf] = []
    upserts: list[tuple[Any, ...]] = []
    gone: list[tuple[str, int]] = []
    for before, facts in zip(stored, changed, strict=True):
        lion_id, now = before.lion_id, before.days | facts
        settled, last = _settled(before, now, facts)
        for day, row in settled.items():
            if before.days.get(day) != row:
                upserts.append(_row(lion_id, day, row))
        now |= settled
        vanished = [day for day in facts if not now[day].known]
        if cause_of is not None:
            _note(work, lion_id, before.days, settled | dict.fromkeys(vanished), cause_of)
        for day in vanished:
            if day in before.days:
                gone.append((lion_id, day))
            del now[day]
        results.append(DaysOf(lion_id, now, last))
    if upserts:
        await work.connection.execute(query("gold/lion_days_upsert"), *map(list, zip(*upserts, strict=True)))
    if gone:
        await work.connection.execute(query("gold/lion_days_delete"), *map(list, zip(*gone, strict=True)))
    work.touched("gold", "lions_metrics", {row[1] for row in upserts} | {day for _, day in gone})
    return results


def _settled(before: DaysOf, now: Days, facts: Days) -> tuple[Days, Outlook | None]:
    """The days to write, and the outlook of the last one: nearly always one more fix of that day, no other changes."""
    if len(facts) == 1:
        [(day, row)] = facts.items()
        last = before.outlook
        if last is not None and last.day == day and last.avg_weight == row.avg_weight and row.known:
            return {day: judged(row, last)}, last
        if row.known and day == max(now):
            last = outlook(now, day)
            return {day: judged(row, last)}, last
    return settle_days(now, facts), None


def _note(
    work: BatchWork, lion_id: str, stored: Mapping[int, LionDay], now: Mapping[int, LionDay | None], cause_of: CauseOf
) -> None:
    """Note the revisions among a lion's days."""
    for day, row in now.items():
        before = stored.get(day)
        if before != row:
            cause = cause_of(lion_id, day)
            work.revisions.note("gold.lions_metrics", lion_id, day * DAY_US, _told(before), _told(row), cause)


def _told(row: LionDay | None) -> dict[str, Any] | None:
    """A row as a revision shows it."""
    if row is None:
        return None
    told = dict(zip(_COLUMNS, _row("", 0, row)[2:], strict=True))
    return told if row.last_us is None else told | {"last_fix_time": iso(row.last_us, "microseconds")}


def days_around(dirty: Iterable[int]) -> tuple[int, int]:
    """The inclusive range of days that settling ``dirty`` days reads or changes."""
    days = list(dirty)
    return min(days) - LOOKBACK_DAYS, max(days) + LOOKBACK_DAYS


def _row(lion_id: str, day: int, row: LionDay) -> tuple[Any, ...]:
    return (
        lion_id,
        day,
        row.fixes,
        None if row.distance_mm is None else row.distance_mm / 1000,
        row.max_speed_kmh,
        row.last_us,
        row.stationary,
        row.avg_weight,
        row.min_weight,
        row.max_weight,
        row.weight_count,
        row.weight_trend,
        row.health_score,
        row.status,
    )
