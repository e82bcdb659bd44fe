"""Lions that move on: their new fixes lie after all that is stored of them, and disturb none of it.

Nearly all fixes of a large herd are such, one or two of each lion in a batch. They are settled for all lions at once,
by what the herd keeps of them; `store_moves` says which lions it has stored, and leaves the others alone::

    stored  ●  far …  ●    ● last │  ○   ○  new        of the day of the last one, and of other 5-minute windows
            └─ > 50 m from the last new one, within 24 h: the lion is not stationary, whatever else is stored
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
    STATIONARY_RADIUS_M,
    WINDOW_US,
    DayFacts,
    changed_windows,
    day_facts,
)
from liontrack_stream.warehouse import lion_windows
from liontrack_stream.warehouse.copying import copy_rows
from liontrack_stream.warehouse.herd import NEVER_US, Heads, Herd
from liontrack_stream.warehouse.lion_states import Known, LionCache
from liontrack_stream.warehouse.lion_writes import position_rows
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.work import BatchWork

Limits = tuple[float, float, float, float]
_NOBODY = np.empty(0, np.int64)


@dataclass(slots=True)
class _Moves:
    """Lions that move on, their last stored fix and their new ones settled, by lion and time.

    ``held``: which of them had fixes before; ``now``: their heads, brought up to the new fixes step by step.
    """

    lion_ids: list[str]
    held: Mask
    now: Heads
    settled: Settled

    @property
    def last(self) -> Ints:
        """Each lion's last fix, as a place among the fixes."""
        return np.searchsorted(self.settled.fixes["lion"], np.arange(len(self.lion_ids)), "right") - 1


async def store_moves(
    work: BatchWork, cache: LionCache, lion_ids: Sequence[str], known: Known, fresh: Fixes, limits_kmh: Limits
) -> Mask:
    """Store the fixes of lions that move on, unless their whole state is at hand; which lions those are.

    ``fresh``: the batch's fixes by lion and time, some of each lion.
    """
    stored = np.zeros(len(lion_ids), bool)
    chosen = _able(work, cache, lion_ids, known)
    if chosen.any():
        held, heads = cache.herd.find(lion_ids, known.revisions)
        new = np.array([lion_id not in known.revisions for lion_id in lion_ids], bool)
        lions = np.flatnonzero(chosen & (held | new) & _in_order(fresh, held, heads))
        if len(lions):
            names = [lion_ids[n] for n in lions.tolist()]
            moves, moved_on = _settled(names, held[lions], heads.take(lions), of_lions(fresh, lions), limits_kmh)
            stored[lions[moved_on]] = True
            if len(moved_on):
                await _write(work, moves, cache.herd)
    return stored


def _able(work: BatchWork, cache: LionCache, lion_ids: Sequence[str], known: Known) -> Mask:
    if not work.gold:
        return np.zeros(len(lion_ids), bool)
    deleted = set(known.deleted)
    return np.array([not (cache.holds(n, known.revisions.get(n, -1)) or n in deleted) for n in lion_ids], bool)


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


def _settled(lion_ids: list[str], held: Mask, heads: Heads, fresh: Fixes, limits_kmh: Limits) -> tuple[_Moves, Ints]:
    """Settle them. The second value: which lions do move on; the moves are theirs alone."""
    before = empty(int(held.sum()))
    before["lion"], before["row"] = np.flatnonzero(held), -1
    for name, column in (("time_us", "last_us"), ("lat", "lat"), ("lng", "lng")):
        before[name] = heads[column][held]
    fixes = np.concatenate((before, fresh))
    fixes = fixes.take(np.argsort(fixes["lion"], kind="stable"))
    settled = settle(fixes, held, np.zeros(len(held), bool), limits_kmh)
    moves = _Moves(lion_ids, held, heads, settled)
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
    """Of which lions it is known whether they are stationary; notes each one's last fix that is far from its last."""
    fixes, stored = moves.settled.fixes, moves.now.copy()
    moves.now["far_us"] = NEVER_US
    before = np.ones(len(fixes), bool)
    before[moves.last] = False
    earlier = fixes.take(np.flatnonzero(before))
    _note_far(moves, *(earlier[name] for name in ("lion", "time_us", "lat", "lng")))
    unclear = np.flatnonzero(moves.held & (moves.now["far_us"] == NEVER_US))
    _note_far(moves, unclear, *(stored[name][unclear] for name in ("far_us", "far_lat", "far_lng")))
    few = stored["accepted"] + np.bincount(fixes["lion"]) - moves.held < STATIONARY_FIXES_MIN
    return ~moves.held | (moves.now["far_us"] != NEVER_US) | few


def _note_far(moves: _Moves, lion: Ints, time_us: Ints, lat: Any, lng: Any) -> None:
    """Note those of some fixes, by time, that lie far from their lion's last one and within 24 h of it."""
    last = moves.settled.fixes.take(moves.last[lion])
    recent = np.flatnonzero(time_us > last["time_us"] - DAY_US)
    last = last.take(recent)
    metres = distance_m(lat[recent], lng[recent], last["lat"], last["lng"])
    far = recent[metres > STATIONARY_RADIUS_M]
    for name, values in (("far_us", time_us), ("far_lat", lat), ("far_lng", lng)):
        moves.now[name][lion[far]] = values[far]  # of several of one lion the last one stays


def _only(moves: _Moves, lions: Ints) -> tuple[_Moves, Ints]:
    """The moves of some lions."""
    if len(lions) == len(moves.held):
        return moves, lions
    settled, chosen = moves.settled, np.isin(moves.settled.fixes["lion"], lions)
    theirs = Settled(
        of_lions(settled.fixes, lions), settled.changed[chosen], settled.was_accepted[chosen], empty(), _NOBODY
    )
    names = [moves.lion_ids[n] for n in lions.tolist()]
    return _Moves(names, moves.held[lions], moves.now.take(lions), theirs), lions


async def _write(work: BatchWork, moves: _Moves, herd: Herd) -> None:
    fixes, windows = moves.settled.fixes, changed_windows(moves.settled)
    new = fixes.take(np.flatnonzero(fixes["row"] >= 0))
    await copy_rows(work.connection, "silver", "positions", position_rows(work, new))
    await lion_windows.write(work, moves.lion_ids, windows)
    last = fixes.take(moves.last)
    facts = _facts(moves, last["time_us"] // DAY_US)
    await _write_days(work, moves, facts)
    await _write_lions(work, moves, new)
    await lion_windows.tell_live(work, moves.lion_ids, windows, last["time_us"].tolist(), [])
    work.count(silver=len(new))
    days = np.unique(facts.day).tolist()
    for layer, table in (("silver", "positions"), ("gold", "lions_positions_history"), ("gold", "lions_metrics")):
        work.touched(layer, table, days)
    work.touched("silver", "lions")
    now = moves.now
    now["revision"] += 1
    now["accepted"] += np.bincount(new["lion"])
    now["last_us"], now["lat"], now["lng"] = last["time_us"], last["lat"], last["lng"]
    now["day_fixes"], now["distance_mm"] = facts.fixes, facts.distance_mm
    now["max_speed_kmh"] = facts.max_speed_kmh
    work.after_commit.append(lambda: herd.put(moves.lion_ids, now))


def _facts(moves: _Moves, day: Ints) -> DayFacts:
    """Each lion's day as it is now: the facts of its new fixes, added to what was stored."""
    facts, before, held = day_facts(moves.settled, np.arange(len(day)), day), moves.now, moves.held
    facts.fixes = facts.fixes + np.where(held, before["day_fixes"] - 1, 0)  # the last stored fix is in both
    moved = (before["distance_mm"] >= 0) | (facts.distance_mm >= 0)
    metres = np.maximum(before["distance_mm"], 0) + np.maximum(facts.distance_mm, 0)
    facts.distance_mm = np.where(moved, metres, -1)
    facts.max_speed_kmh = np.fmax(before["max_speed_kmh"], facts.max_speed_kmh)
    facts.stationary &= ~held  # those of which something is stored are known not to be
    return facts


async def _write_days(work: BatchWork, moves: _Moves, facts: DayFacts) -> None:
    fixes, stationary = facts.fixes.tolist(), facts.stationary.tolist()
    expected = _or_none(moves.now["weight_part"]), _or_none(moves.now["expected_fixes"])
    judged = map(_judged, fixes, stationary, *expected)
    columns = (
        facts.day.tolist(),
        fixes,
        [None if mm < 0 else mm / 1000 for mm in facts.distance_mm.tolist()],
        _or_none(facts.max_speed_kmh),
        facts.last_us.tolist(),
        stationary,
        *map(list, zip(*judged, strict=True)),
    )
    await work.connection.execute(query("gold/lion_days_advance"), moves.lion_ids, *columns)


@lru_cache(maxsize=65_536)
def _judged(fixes: int, stationary: bool, weight_part: float | None, expected: float | None) -> tuple[Any, str]:
    """The score of a day with fixes, and its status: many lions have the same."""
    score = health_score(
        LionDay(fixes=fixes, stationary=stationary), Outlook(0, None, "unknown", weight_part, expected)
    )
    return score, LionDay(health_score=score).status


async def _write_lions(work: BatchWork, moves: _Moves, new: Fixes) -> None:
    firsts = np.searchsorted(new["lion"], np.arange(len(moves.lion_ids)))
    ends = np.append(firsts[1:], len(new))
    names, name_us = _last_names(work.columns(Position)["name"], new, firsts.tolist(), ends.tolist())
    places = (new["lat"][ends - 1], new["lng"][ends - 1], new["time_us"][firsts], new["time_us"][ends - 1])
    columns = [column.tolist() for column in (*places, ends - firsts)]
    await work.connection.execute(query("silver/lions_advance"), moves.lion_ids, names, name_us, *columns)


def _last_names(
    names: Sequence[str | None], new: Fixes, firsts: list[int], ends: list[int]
) -> tuple[list[str | None], list[int | None]]:
    """Of each lion the name of its last new fix that has one, and that fix's time; None where none has."""
    rows, time_us = new["row"].tolist(), new["time_us"].tolist()
    named = [
        next((n for n in range(end - 1, first - 1, -1) if names[rows[n]] is not None), None)
        for first, end in zip(firsts, ends, strict=True)
    ]
    return [n if n is None else names[rows[n]] for n in named], [n if n is None else time_us[n] for n in named]


def _or_none(values: Any) -> list[float | None]:
    """Numbers, None for NaN."""
    numbers = values.astype(object)
    numbers[np.isnan(values)] = None
    return list(numbers)
