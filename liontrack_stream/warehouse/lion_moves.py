"""Lions that move on: their new fixes lie after all that is stored of them, and disturb none of it.

Nearly all fixes of a large herd are such, one or two of each lion in a batch. They are settled for all lions at once,
by what the herd keeps of them; `store_moves` says which lions it has stored, and leaves the others alone::

    stored  ●  far …  ●    ● last │  ○   ○  new        of the day of the last one, and of other 5-minute windows
            └─ > 50 m from the last new one, within 24 h: the lion is not stationary, whatever else is stored;
               or the box around all of 24 h lies within 50 m of the last new one: it is
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from liontrack_stream.contract.events import Position
from liontrack_stream.core.fixes import Fixes, empty, of_lions
from liontrack_stream.core.geo import DAY_US, Ints, Mask, distance_m, impossibly_fast
from liontrack_stream.core.health import LionDay, Outlook, health_score
from liontrack_stream.core.settle import Settled, settle
from liontrack_stream.core.windows import (
    STATIONARY_FIXES_MIN,
    WINDOW_US,
    DayFacts,
    changed_windows,
    day_facts,
)
from liontrack_stream.warehouse import lion_windows
from liontrack_stream.warehouse.batch_connection import TEMPORARY
from liontrack_stream.warehouse.copying import Rows, copy_rows
from liontrack_stream.warehouse.herd import NEVER_US, Found, Heads, enclose, note_far, points_of, rest
from liontrack_stream.warehouse.lion_states import LionCache, load_revisions
from liontrack_stream.warehouse.lion_writes import position_rows
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.work import BatchWork

Limits = tuple[float, float, float, float]
_NOBODY = np.empty(0, np.int64)


@dataclass(slots=True)
class _Moves:
    """Lions that move on, their last stored fix and their new ones settled, by lion and time.

    ``found``: the heads of those that have some; ``now``: all their heads, brought up to the new fixes step by step;
    ``rests``: those of them that are known to be stationary by their heads.
    """

    lion_ids: list[str]
    found: Found
    now: Heads
    settled: Settled
    rests: Mask

    @property
    def held(self) -> Mask:
        return self.found.held

    @property
    def last(self) -> Ints:
        """Each lion's last fix, as a place among the fixes."""
        return np.searchsorted(self.settled.fixes["lion"], np.arange(len(self.lion_ids)), "right") - 1


async def store_moves(
    work: BatchWork, cache: LionCache, lion_ids: Sequence[str], deleted: set[str], fresh: Fixes, limits_kmh: Limits
) -> tuple[Ints, dict[str, int]]:
    """Store the fixes of lions that move on.

    Parameters
    ----------
    deleted
        Lions that a deletion names.
    fresh
        The batch's fixes by lion and time, some of each lion.

    Returns
    -------
    tuple
        The other lions; the revisions of those of them that the warehouse knows.
    """
    cache.make_heads([lion_ids[n] for n in _of_one_day(fresh, len(lion_ids)).tolist()])
    found = cache.herd.find(lion_ids)
    kept = np.fromiter(map(cache.revision, lion_ids), np.int64)
    whole = (kept >= 0) & (kept != found.heads["revision"])  # the state has no head
    whole |= np.array([lion_id in deleted or not work.gold for lion_id in lion_ids], bool)
    found.places[whole] = -1
    unheld = np.flatnonzero(~found.held)
    revisions = await load_revisions(work, [lion_ids[n] for n in unheld.tolist()])
    new = ~whole & ~found.held
    new[unheld] &= np.array([lion_ids[n] not in revisions for n in unheld.tolist()], bool)
    others = np.ones(len(lion_ids), bool)
    lions = np.flatnonzero((new | found.held) & _in_order(fresh, found.held, found.heads))
    if len(lions):
        names, theirs = [lion_ids[n] for n in lions.tolist()], Found(found.herd, found.places[lions])
        moves, moved_on = _settled(names, theirs, of_lions(fresh, lions), limits_kmh)
        moved_on = moved_on[await _store(work, moves, cache)]
        others[lions[moved_on]] = False
    unasked = np.flatnonzero(others & found.held)
    revisions |= await load_revisions(work, [lion_ids[n] for n in unasked.tolist()])
    return np.flatnonzero(others), revisions


def _of_one_day(fresh: Fixes, lions: int) -> Ints:
    """Lions whose fixes are all of one day: in a backlog of few lions there is none, nor a use for heads."""
    starts = np.searchsorted(fresh["lion"], np.arange(lions))
    day = fresh["time_us"] // DAY_US
    return np.flatnonzero(day[starts] == day[np.append(starts[1:], len(fresh)) - 1])


def _in_order(fresh: Fixes, held: Mask, heads: Heads) -> Mask:
    """Lions whose fixes came by time, without a flag, of the last stored one's day but of later windows."""
    lion, time_us = fresh["lion"], fresh["time_us"]
    starts = np.searchsorted(lion, np.arange(len(held)))
    first_us, last_us = time_us[starts], time_us[np.append(starts[1:], len(fresh)) - 1]
    earlier = (np.diff(time_us, prepend=-1) == 0) | (np.diff(fresh["row"], prepend=-1) < 0)
    odd = np.logical_or.reduceat((fresh["flags"] != 0) | (earlier & (np.diff(lion, prepend=-1) == 0)), starts)
    day = last_us // DAY_US
    before_us = np.where(held, heads["last_us"], first_us - WINDOW_US)
    after = (first_us // WINDOW_US > before_us // WINDOW_US) & (~held | (before_us // DAY_US == day))
    return ~odd & after & (first_us // DAY_US == day)


def _settled(lion_ids: list[str], found: Found, fresh: Fixes, limits_kmh: Limits) -> tuple[_Moves, Ints]:
    """Settle them. The second value: which lions do move on; the moves are theirs alone."""
    held, heads = found.held, found.heads
    before = empty(int(held.sum()))
    before["lion"], before["row"] = np.flatnonzero(held), -1
    for name, column in (("time_us", "last_us"), ("lat", "lat"), ("lng", "lng")):
        before[name] = heads[column][held]
    fixes = np.concatenate((before, fresh))
    fixes = fixes.take(np.argsort(fixes["lion"], kind="stable"))
    settled = settle(fixes, held, np.zeros(len(held), bool), limits_kmh)
    moves = _Moves(lion_ids, found, heads, settled, np.zeros(len(held), bool))
    places = np.flatnonzero(settled.fixes["row"] < 0)  # the stored ones
    disturbs = _is_fast(settled.fixes, places, limits_kmh)
    easy = np.bincount(settled.fixes["lion"], (settled.fixes["flags"] != 0) | disturbs, len(held)) == 0
    return _only(moves, np.flatnonzero(easy & _stationary_known(moves)))


def _is_fast(fixes: Fixes, stored: Ints, limits_kmh: Limits) -> Mask:
    """Stored fixes that the lion leaves too fast: they may have been spikes."""
    fast = np.zeros(len(fixes), bool)
    here, there = fixes.take(stored), fixes.take(stored + 1)
    metres = distance_m(here["lat"], here["lng"], there["lat"], there["lng"])
    fast[stored] = impossibly_fast(metres, there["time_us"] - here["time_us"], limits_kmh)
    return fast


def _stationary_known(moves: _Moves) -> Mask:
    """Of which lions it is known whether they are stationary; notes it, each one's last fix that is far from its last,
    and where its fixes of 24 h lie."""
    fixes, stored, now = moves.settled.fixes, moves.now.copy(), moves.now
    earlier = np.ones(len(fixes), bool)
    earlier[moves.last] = False
    before, last = fixes.take(np.flatnonzero(earlier)), points_of(fixes.take(moves.last))
    now["far_us"] = NEVER_US
    note_far(now, last, before["lion"], points_of(before))
    unclear = np.flatnonzero(moves.held & (now["far_us"] == NEVER_US))
    note_far(now, last, unclear, points_of(stored.take(unclear), "far_us", "far_"))
    enclose(now, fixes["lion"], points_of(fixes))
    new = np.bincount(fixes["lion"]) - moves.held
    few = stored["accepted"] + new < STATIONARY_FIXES_MIN
    many = stored["day_fixes"] + new >= STATIONARY_FIXES_MIN
    unclear = np.flatnonzero(moves.held & (now["far_us"] == NEVER_US) & many)
    moves.rests[unclear] = rest(now.take(unclear), points_of(fixes.take(moves.last[unclear])))
    return ~moves.held | (now["far_us"] != NEVER_US) | few | moves.rests


def _only(moves: _Moves, lions: Ints) -> tuple[_Moves, Ints]:
    """The moves of some lions."""
    if len(lions) == len(moves.held):
        return moves, lions
    settled, chosen = moves.settled, np.isin(moves.settled.fixes["lion"], lions)
    theirs = Settled(
        of_lions(settled.fixes, lions), settled.changed[chosen], settled.was_accepted[chosen], empty(), _NOBODY
    )
    names = [moves.lion_ids[n] for n in lions.tolist()]
    found = Found(moves.found.herd, moves.found.places[lions])
    return _Moves(names, found, moves.now.take(lions), theirs, moves.rests[lions]), lions


async def _store(work: BatchWork, moves: _Moves, cache: LionCache) -> Ints:
    """Store them, all but those that somebody else has written since their heads were made; which ones."""
    stored = np.empty(0, np.int64)
    if moves.lion_ids:
        moves, stored, written = await _advance(work, moves)
    if moves.lion_ids:
        await _write(work, moves, written, cache)
    return stored


async def _advance(work: BatchWork, moves: _Moves) -> tuple[_Moves, Ints, dict[str, list[Any]]]:
    """Write the lions' own rows and their days, and bring their heads up to that.

    The second value: which ones nobody else has written since; the moves, and what was written, are theirs alone.
    """
    columns = _columns(work, moves)
    held, unknown = np.flatnonzero(moves.held), np.flatnonzero(~moves.held)
    if len(unknown):
        lions, days = _new_rows(columns, moves.now, unknown)
        await copy_rows(work.connection, "silver", "lions", lions)
        await copy_rows(work.connection, "gold", "lions_metrics", days)
    stale: list[int] = []
    if len(held):
        await work.connection.execute(query("silver/lions_moved"))
        await copy_rows(work.connection, TEMPORARY, "lions_moved", _moved_rows(columns, moves.now, held))
        stale = await work.connection.fetchval(query("silver/lions_advance"))
        for table in ("silver.lions", "gold.lions_metrics"):
            work.connection.wrote(table, len(held) - len(stale))
    moves.now["revision"] += 1
    moves, stored = _only(moves, np.setdiff1d(np.arange(len(moves.now)), held[stale]))
    return moves, stored, _chosen(columns, stored)


def _columns(work: BatchWork, moves: _Moves) -> dict[str, list[Any]]:
    """What is written of the lions and their days beside their heads, which are brought up to it."""
    new = moves.settled.fixes.take(np.flatnonzero(moves.settled.fixes["row"] >= 0))
    firsts = np.searchsorted(new["lion"], np.arange(len(moves.lion_ids)))
    ends = np.append(firsts[1:], len(new))
    names, name_us = _last_names(work.columns(Position)["name"], new, firsts.tolist(), ends.tolist())
    now, last = moves.now, new.take(ends - 1)
    facts = _facts(moves, last["time_us"] // DAY_US)
    for name in ("lat", "lng"):
        now[name] = last[name]
    now["last_us"], now["accepted"] = last["time_us"], now["accepted"] + ends - firsts
    now["day_fixes"], now["distance_mm"] = facts.fixes, facts.distance_mm
    now["max_speed_kmh"] = facts.max_speed_kmh
    numbers = [_or_none(now[name]) for name in ("weight_part", "expected_fixes")]
    stationary = facts.stationary.tolist()
    score, status = map(list, zip(*map(_judged, now["day_fixes"].tolist(), stationary, *numbers), strict=True))
    return {
        "lion_id": moves.lion_ids,
        "name": names,
        "name_us": name_us,
        "first_us": new["time_us"][firsts].tolist(),
        "new_fixes": (ends - firsts).tolist(),
        "stationary": stationary,
        "score": score,
        "status": status,
    }


def _new_rows(columns: dict[str, list[Any]], now: Heads, lions: Ints) -> tuple[Rows, Rows]:
    """The rows of lions that the warehouse did not know, as nobody can have made them under their locks; of their days.

    All their fixes are accepted.
    """
    heads, some, count = now.take(lions), _chosen(columns, lions), len(lions)
    rows = Rows(count).float8("position_lat", heads["lat"]).float8("position_lng", heads["lng"])
    for name in ("last_update", "updated_at", "last_fix_time"):
        rows.timestamp(name, heads["last_us"])
    for name in ("fixes", "accepted_fixes"):
        rows.int8(name, heads["accepted"])
    rows.float8("data_quality_score", np.ones(count)).int8("revision", np.ones(count))
    rows.timestamp("first_fix_time", some["first_us"])
    _name(rows, some).constant("status", "active").text("lion_id", some["lion_id"])
    days = _facts_of(Rows(count), heads, some, "tracking_frequency").boolean("stationary", some["stationary"])
    days.int4("weight_count", np.zeros(count)).constant("weight_trend", "unknown")
    return rows, days.text("status", some["status"]).text("lion_id", some["lion_id"])


def _moved_rows(columns: dict[str, list[Any]], now: Heads, lions: Ints) -> Rows:
    """Of lions that the warehouse knows what it does not yet; ``place``: which of them it is."""
    heads, some, count = now.take(lions), _chosen(columns, lions), len(lions)
    rows = Rows(count).int4("place", np.arange(count)).int8("revision", heads["revision"])
    rows.float8("lat", heads["lat"]).float8("lng", heads["lng"]).int8("fixes", some["new_fixes"])
    _name(_facts_of(rows, heads, some, "day_fixes"), some)
    rows.boolean("stationary", some["stationary"])
    return rows.text("day_status", some["status"]).text("lion_id", some["lion_id"])


def _facts_of(rows: Rows, heads: Heads, some: dict[str, list[Any]], fixes: str) -> Rows:
    """Add the facts of the last fix's day; ``fixes``: the name of the column of their number."""
    rows.int4(fixes, heads["day_fixes"]).timestamp("last_fix_time", heads["last_us"])
    rows.float8("distance_m", np.where(heads["distance_mm"] < 0, np.nan, heads["distance_mm"] / 1000))
    rows.float8("max_speed_kmh", heads["max_speed_kmh"]).float8("health_score", some["score"])
    return rows.date("metric_date", heads["last_us"] // DAY_US)


def _name(rows: Rows, some: dict[str, list[Any]]) -> Rows:
    """Add the last name among the new fixes, and its time."""
    unnamed = np.array([us is None for us in some["name_us"]], bool)
    return rows.timestamp("name_time", [us or 0 for us in some["name_us"]], unnamed).text("name", some["name"])


def _chosen(columns: dict[str, list[Any]], lions: Ints) -> dict[str, list[Any]]:
    """The columns of some lions."""
    places = lions.tolist()
    if len(places) == len(columns["lion_id"]):
        return columns
    return {name: [column[n] for n in places] for name, column in columns.items()}


async def _write(work: BatchWork, moves: _Moves, written: dict[str, list[Any]], cache: LionCache) -> None:
    """Write the fixes and windows, and tell of them; ``written``: what was beside their heads."""
    windows, new = changed_windows(moves.settled), moves.settled.fixes
    new = new.take(np.flatnonzero(new["row"] >= 0))
    await copy_rows(work.connection, "silver", "positions", position_rows(work, new))
    await lion_windows.write(work, moves.lion_ids, windows)
    await lion_windows.tell_live(work, moves.lion_ids, windows, moves.now["last_us"].tolist(), [])
    work.count(silver=len(new))
    days = np.unique(new["time_us"] // DAY_US).tolist()
    for layer, table in (("silver", "positions"), ("gold", "lions_positions_history"), ("gold", "lions_metrics")):
        work.touched(layer, table, days)
    work.touched("silver", "lions")

    def keep() -> None:
        cache.herd.put(moves.lion_ids, moves.now, moves.found)
        cache.move_on(moves.lion_ids, moves.now, written, new)

    work.after_commit.append(keep)


def _facts(moves: _Moves, day: Ints) -> DayFacts:
    """Each lion's day as it is now: the facts of its new fixes, added to what was stored."""
    facts, before, held = day_facts(moves.settled, np.arange(len(day)), day), moves.now, moves.held
    facts.fixes = facts.fixes + np.where(held, before["day_fixes"] - 1, 0)  # the last stored fix is in both
    moved = (before["distance_mm"] >= 0) | (facts.distance_mm >= 0)
    metres = np.maximum(before["distance_mm"], 0) + np.maximum(facts.distance_mm, 0)
    facts.distance_mm = np.where(moved, metres, -1)
    facts.max_speed_kmh = np.fmax(before["max_speed_kmh"], facts.max_speed_kmh)
    facts.stationary = np.where(held, moves.rests, facts.stationary)  # of those that have heads more is stored
    return facts


@lru_cache(maxsize=65_536)
def _judged(fixes: int, stationary: bool, weight_part: float | None, expected: float | None) -> tuple[Any, str]:
    """The score of a day with fixes, and its status: many lions have the same."""
    score = health_score(
        LionDay(fixes=fixes, stationary=stationary), Outlook(0, None, "unknown", weight_part, expected)
    )
    return score, LionDay(health_score=score).status


def _last_names(
    names: Sequence[str | None], new: Fixes, firsts: list[int], ends: list[int]
) -> tuple[list[str | None], list[int | None]]:
    """Of each lion the name of its last new fix that has one, and that fix's time; None where none has."""
    named, times = [names[row] for row in new["row"].tolist()], new["time_us"].tolist()
    places: list[int | None] = [end - 1 for end in ends]
    for n in [n for n, end in enumerate(ends) if named[end - 1] is None]:
        places[n] = next((i for i in range(ends[n] - 1, firsts[n] - 1, -1) if named[i] is not None), None)
    return [i if i is None else named[i] for i in places], [i if i is None else times[i] for i in places]


def _or_none(values: Any) -> list[float | None]:
    """Numbers, None for NaN."""
    numbers = values.astype(object)
    numbers[np.isnan(values)] = None
    return list(numbers)
