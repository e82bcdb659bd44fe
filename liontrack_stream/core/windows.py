"""Five-minute windows and day facts of settled fixes.

      12:00      12:05      12:10          a window holds start <= event time < start + 5 min
        ├──●──●────┼──────────┼──●───
           n=2       no row      n=1

Sums are integers of degrees times 1e9, so that windows add up to hours and days without rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liontrack_stream.core.fixes import Fixes
from liontrack_stream.core.geo import DAY_US, MINUTE_US, Ints, Mask, distance_m
from liontrack_stream.core.settle import Indexes, Settled

WINDOW_US = 5 * MINUTE_US
STATIONARY_FIXES_MIN = 5
STATIONARY_RADIUS_M = 50.0
_DEGREE_M_MIN = 110_000.0  # a degree of latitude is never shorter
_NONE = np.empty(0, np.int64)


@dataclass(slots=True)
class LionWindows:
    """Columns, one entry per window: see ``gold.lion_windows``. ``existed`` marks those the warehouse already holds."""

    lion: Ints
    start_us: Ints
    fixes: Ints
    sum_lat_e9: Ints
    sum_lng_e9: Ints
    first: Fixes
    last: Fixes
    min_lat: NDArray[np.float64]
    max_lat: NDArray[np.float64]
    min_lng: NDArray[np.float64]
    max_lng: NDArray[np.float64]
    existed: Mask
    vanished_lion: Ints  # windows that lost their last accepted fix
    vanished_start_us: Ints

    def take(self, places: Ints) -> LionWindows:
        """Some of the windows that hold fixes."""
        chosen = {name: getattr(self, name).take(places) for name in self.__slots__[:-2]}
        return LionWindows(**chosen, vanished_lion=_NONE, vanished_start_us=_NONE)


@dataclass(slots=True)
class DayFacts:
    """Columns, one entry per lion and day that changed. ``fixes`` 0: the day has no accepted fix any more."""

    lion: Ints
    day: Ints  # days since the epoch
    fixes: Ints
    distance_mm: Ints  # -1 where no step ends on the day
    max_speed_kmh: NDArray[np.float64]  # NaN where no step ends on the day
    last_us: Ints
    stationary: Mask


def touched_days(settled: Settled) -> tuple[Ints, Ints]:
    """(lion, day) pairs of all changed fixes, and the day after each where it has fixes: its 24 hours look back."""
    fixes = settled.fixes
    rows = fixes.take(np.flatnonzero(settled.changed))
    day = rows["time_us"] // DAY_US
    last = fixes["time_us"][np.searchsorted(fixes["lion"], rows["lion"], "right") - 1] // DAY_US
    after = np.flatnonzero(day < last)
    return _unique_pairs(np.concatenate((rows["lion"], rows["lion"][after])), np.concatenate((day, day[after] + 1)))


def changed_windows(settled: Settled) -> LionWindows:
    """The windows in which the set of accepted fixes changed, as they are now."""
    fixes, accepted = settled.fixes, settled.accepted
    differs = settled.changed & ((accepted != settled.was_accepted) | ((fixes["row"] >= 0) & accepted))
    lion = fixes["lion"].astype(np.int64)
    start = fixes["time_us"] // WINDOW_US
    new_group = np.ones(len(fixes), bool)
    new_group[1:] = (lion[1:] != lion[:-1]) | (start[1:] != start[:-1])
    group = np.cumsum(new_group) - 1
    touched = np.zeros(len(fixes) and int(group[-1]) + 1, bool)
    touched[group[differs]] = True
    held = np.zeros_like(touched)
    held[group[settled.was_accepted]] = True
    alive = np.zeros_like(touched)
    alive[group[accepted]] = True

    heads = np.flatnonzero(new_group)
    gone = heads[touched & held & ~alive]
    inside = np.flatnonzero(accepted & touched[group])
    members, member_group = fixes.take(inside), group[inside]
    firsts = np.flatnonzero(np.diff(member_group, prepend=-1)) if len(inside) else np.empty(0, np.int64)
    lasts = np.append(firsts[1:], len(inside))[: len(firsts)] - 1
    count = lasts - firsts + 1
    return LionWindows(
        lion=members["lion"][firsts].astype(np.int64),
        start_us=members["time_us"][firsts] // WINDOW_US * WINDOW_US,
        fixes=count,
        sum_lat_e9=_sums(np.rint(members["lat"] * 1e9).astype(np.int64), firsts),
        sum_lng_e9=_sums(np.rint(members["lng"] * 1e9).astype(np.int64), firsts),
        first=members[firsts],
        last=members[lasts],
        min_lat=_reduce(np.minimum, members["lat"], firsts),
        max_lat=_reduce(np.maximum, members["lat"], firsts),
        min_lng=_reduce(np.minimum, members["lng"], firsts),
        max_lng=_reduce(np.maximum, members["lng"], firsts),
        existed=held[member_group[firsts]],
        vanished_lion=fixes["lion"][gone].astype(np.int64),
        vanished_start_us=fixes["time_us"][gone] // WINDOW_US * WINDOW_US,
    )


def day_facts(settled: Settled, lion: Ints, day: Ints) -> DayFacts:
    """Facts of (lion, day) pairs, sorted and unique; the fixes of the day and of 24 h before must be whole."""
    fixes = settled.fixes.take(np.flatnonzero(settled.accepted))
    key = fixes["lion"].astype(np.int64) * (1 << 40) + fixes["time_us"] // DAY_US
    wanted = lion * (1 << 40) + day
    first, end = np.searchsorted(key, wanted), np.searchsorted(key, wanted, "right")
    count = end - first
    facts = DayFacts(
        lion,
        day,
        count,
        np.full(len(lion), -1, np.int64),
        np.full(len(lion), np.nan),
        np.zeros(len(lion), np.int64),
        np.zeros(len(lion), bool),
    )
    alive = np.flatnonzero(count)
    if len(alive) == 0:
        return facts
    first, end = first[alive], end[alive]
    facts.last_us[alive] = fixes["time_us"][end - 1]
    steps = np.maximum(fixes["step_mm"], 0)
    has_step = _slices(np.maximum, (fixes["step_mm"] >= 0).astype(np.int64), first, end) > 0
    facts.distance_mm[alive] = np.where(has_step, _slices(np.add, steps, first, end), -1)
    elapsed_us = np.diff(fixes["time_us"], prepend=fixes["time_us"][:1])
    speed = np.where(
        fixes["step_mm"] >= 0, steps / 1000 / np.where(elapsed_us > 0, elapsed_us / 1e6, np.inf) * 3.6, 0.0
    )
    facts.max_speed_kmh[alive] = np.where(has_step, _slices(np.maximum, speed, first, end), np.nan)
    facts.stationary[alive] = _stationary(fixes, end - 1)
    return facts


def _stationary(fixes: Fixes, last: Indexes) -> Mask:
    """Whether the fixes of the 24 h up to each ``last`` are at least 5 and all within 50 m of it."""
    time_key = fixes["lion"].astype(np.int64) * (1 << 56) + fixes["time_us"]
    start = np.searchsorted(time_key, time_key[last] - DAY_US, "right")
    start = np.maximum(start, np.searchsorted(fixes["lion"], fixes["lion"][last]))
    lat = fixes["lat"].copy()
    low, high = (_slices(ufunc, lat, start, last + 1) for ufunc in (np.minimum, np.maximum))
    maybe = (last - start + 1 >= STATIONARY_FIXES_MIN) & ((high - low) * _DEGREE_M_MIN <= 2 * STATIONARY_RADIUS_M)
    chosen = np.flatnonzero(maybe)
    counts = (last - start)[chosen]
    which = np.repeat(chosen, counts)
    around = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts - start[chosen], counts)
    metres = distance_m(lat[around], fixes["lng"][around], lat[last[which]], fixes["lng"][last[which]])
    maybe[which[~(metres <= STATIONARY_RADIUS_M)]] = False
    return maybe


def _slices(ufunc: Any, values: NDArray[Any], first: Indexes, end: Indexes) -> NDArray[Any]:
    """``ufunc`` reduced over ``values[first:end]`` for each pair; no pair is empty."""
    bounds = np.empty(2 * len(first), np.int64)
    bounds[0::2], bounds[1::2] = first, end
    padded = np.append(values, values[-1:])
    return np.asarray(ufunc.reduceat(padded, bounds)[0::2])


def _sums(values: Ints, firsts: Indexes) -> Ints:
    return _reduce(np.add, values, firsts)


def _reduce(ufunc: Any, values: NDArray[Any], firsts: Indexes) -> NDArray[Any]:
    return np.asarray(ufunc.reduceat(values, firsts)) if len(firsts) else values[:0]


def _unique_pairs(lion: NDArray[Any], day: Ints) -> tuple[Ints, Ints]:
    key = np.unique(lion.astype(np.int64) * (1 << 40) + day)
    return key >> 40, key & ((1 << 40) - 1)
