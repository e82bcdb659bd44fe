"""Settling: which fixes win their identity, which are spikes, how far each step was.

``settle`` sees the fixes of some lions around what is new, and answers what changed. Its answer depends on the set of
fixes alone, never on which of them were already in the warehouse:

      context (stored)          new            context (stored)
    ──●────●─────●──────────●────○────○─────────●─────●───► event time
                            ▲    ▲    ▲         ▲
                            └────┴────┴─────────┴── flags may change: the new fixes and their next neighbours
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from liontrack_stream.core.fixes import DELETED, NO_STEP, SPIKE, Fixes
from liontrack_stream.core.geo import HOUR_US, Floats, Mask, distance_m, impossibly_fast
from liontrack_stream.core.limits import SPEED_LIMITS_KMH

STEP_GAP_MAX_US = 4 * HOUR_US

Indexes = NDArray[np.int64]


@dataclass(slots=True)
class Settled:
    """The fixes as they are now, sorted by lion and time, one per identity.

    ``fixes`` carries the new flags and steps. ``changed`` marks all new rows, and those whose flags or step differ from
    the stored ones; ``was_accepted`` says what the warehouse held before at that identity.
    """

    fixes: Fixes
    changed: Mask
    was_accepted: Mask
    losers: Fixes  # fixes of an identity that another fix holds
    loser_winner: Indexes  # for each loser the index of its winner in ``fixes``
    accepted: Mask = field(init=False)

    def __post_init__(self) -> None:
        self.accepted = np.asarray(self.fixes["flags"] == 0)


def settle(
    fixes: Fixes,
    open_start: Mask,
    open_end: Mask,
    limits_kmh: tuple[float, float, float, float] = SPEED_LIMITS_KMH,
) -> Settled:
    """Settle stored and new fixes of some lions.

    Parameters
    ----------
    fixes
        Stored (``row`` -1) and new ones, lion by lion, those of a lion in any order. Stored ones carry their settled
        flags and steps, new ones the flags they have by themselves. The lions' fixes must be whole from 4 h and two
        candidates before the first new one to 4 h and two candidates after the last.
    open_start, open_end
        Per lion: whether more fixes exist before the first, after the last one given.
    """
    kept, losers, loser_winner, was_accepted = _identities(fixes)
    new, flags, step_mm = kept["row"] >= 0, kept["flags"].copy(), kept["step_mm"].copy()

    candidates = np.flatnonzero((kept["flags"] & ~np.uint8(SPIKE)) == 0)
    pair_m = _flag_spikes(kept, candidates, open_start, open_end, limits_kmh)
    accepted_changed = (kept["flags"] == 0) != was_accepted
    disturbed = np.flatnonzero(new | accepted_changed)
    _measure_steps(kept, candidates, pair_m, disturbed)

    changed = new | (kept["flags"] != flags) | (kept["step_mm"] != step_mm)
    return Settled(kept, np.asarray(changed), was_accepted, losers, loser_winner)


def withdraw(fixes: Fixes, gone: Mask, limits_kmh: tuple[float, float, float, float] = SPEED_LIMITS_KMH) -> Settled:
    """Settle the whole of one lion's stored fixes when its source takes some back.

    Parameters
    ----------
    fixes
        All stored fixes of one lion, by time.
    gone
        Which of them are taken back now.
    """
    accepted = np.asarray(fixes["flags"] == 0)
    fixes = fixes.copy()
    fixes["flags"][gone] = (fixes["flags"][gone] & ~np.uint8(SPIKE)) | np.uint8(DELETED)
    fixes["row"][gone] = 0  # as if new: their neighbours are judged again
    whole = np.zeros(1, bool)
    return replace(settle(fixes, whole, whole, limits_kmh), was_accepted=accepted)


def _identities(fixes: Fixes) -> tuple[Fixes, Fixes, Indexes, Mask]:
    """Sorted winners; losers and their winners' indexes; whether the warehouse held an accepted fix there."""
    order = _order(fixes)
    lion, time_us = fixes["lion"][order], fixes["time_us"][order]
    again = np.zeros(len(fixes), bool)
    again[1:] = (lion[1:] == lion[:-1]) & (time_us[1:] == time_us[:-1])
    winner_of = np.cumsum(~again) - 1
    was_accepted = np.zeros(len(fixes) - int(again.sum()), bool)
    was_accepted[winner_of[((fixes["row"] < 0) & (fixes["flags"] == 0))[order]]] = True
    return fixes.take(order[~again]), fixes.take(order[again]), winner_of[again], was_accepted


def _order(fixes: Fixes) -> Indexes:
    """Places by lion and time, those of one identity by append time, partition, offset.

    Nearly all lions are in order as they come: only the others are sorted.
    """
    lion, time_us = fixes["lion"], fixes["time_us"]
    order = np.arange(len(fixes))
    astray = np.zeros(int(lion.max(initial=0)) + 1, bool)  # by lion
    astray[lion[1:][(lion[1:] == lion[:-1]) & (time_us[1:] <= time_us[:-1])]] = True
    some = np.flatnonzero(astray[lion])
    chosen = fixes.take(some)
    keys = ("offset", "partition", "append_us", "time_us", "lion")
    order[some] = some[np.lexsort(tuple(chosen[key] for key in keys))]
    return order


def _flag_spikes(
    kept: Fixes, candidates: Indexes, open_start: Mask, open_end: Mask, limits_kmh: tuple[float, float, float, float]
) -> Floats:
    """Set or clear SPIKE around the new fixes; the metres from each candidate's predecessor, NaN where not measured."""
    count = len(candidates)
    pair_m = np.full(count, np.nan)
    if count == 0:
        return pair_m
    lion, time_us = kept["lion"][candidates], kept["time_us"][candidates]
    judged = _around(candidates, np.flatnonzero(kept["row"] >= 0), count)
    follows = np.zeros(count + 1, bool)
    follows[1:-1] = lion[1:] == lion[:-1]

    beside = np.zeros(count + 1, bool)
    beside[judged] = beside[judged + 1] = True
    measured = np.flatnonzero(beside & follows)
    before, after = candidates[measured - 1], candidates[measured]
    pair_m[measured] = distance_m(kept["lat"][before], kept["lng"][before], kept["lat"][after], kept["lng"][after])
    fast = np.zeros(count + 1, bool)
    fast[measured] = impossibly_fast(pair_m[measured], time_us[measured] - time_us[measured - 1], limits_kmh)

    unknown = (~follows[judged] & open_start[lion[judged]]) | (~follows[judged + 1] & open_end[lion[judged]])
    judged = judged[~unknown]
    spikes = fast[judged] & fast[judged + 1]
    kept["flags"][candidates[judged]] = np.where(spikes, np.uint8(SPIKE), np.uint8(0))
    return pair_m


def _around(candidates: Indexes, fresh: Indexes, count: int) -> Indexes:
    """Positions in ``candidates`` of the new fixes and of the candidates next to them."""
    left = np.searchsorted(candidates, fresh)
    near = np.zeros(count + 3, bool)  # from the place before the first one on
    near[left] = near[left + 1] = near[left + 2] = True
    return np.flatnonzero(near[1 : count + 1])


def _measure_steps(kept: Fixes, candidates: Indexes, pair_m: Floats, disturbed: Indexes) -> None:
    """Steps of the accepted fixes whose predecessor may have changed; no step for a fix that is not accepted."""
    kept["step_mm"][disturbed[kept["flags"][disturbed] != 0]] = NO_STEP
    accepted = np.flatnonzero(kept["flags"] == 0)
    ends = _next_accepted(kept, accepted, disturbed)
    lion = kept["lion"]
    follows = (ends > 0) & (lion[accepted[ends]] == lion[accepted[ends - 1]])
    kept["step_mm"][accepted[ends[~follows]]] = NO_STEP
    ends = ends[follows]
    here, there = accepted[ends - 1], accepted[ends]

    position = np.searchsorted(candidates, there)
    metres = np.where(candidates[position - 1] == here, pair_m[position], np.nan)
    missing = np.isnan(metres)
    metres[missing] = distance_m(
        kept["lat"][here[missing]], kept["lng"][here[missing]], kept["lat"][there[missing]], kept["lng"][there[missing]]
    )
    near = kept["time_us"][there] - kept["time_us"][here] <= STEP_GAP_MAX_US
    kept["step_mm"][there] = np.where(near, np.rint(metres * 1000).astype(np.int64), NO_STEP)


def _next_accepted(kept: Fixes, accepted: Indexes, disturbed: Indexes) -> Indexes:
    """Positions in ``accepted`` of each disturbed fix, where it is accepted, and of the lion's next accepted one."""
    found = np.zeros(len(accepted), bool)
    for side in ("left", "right"):
        position = np.searchsorted(accepted, disturbed, side)
        inside = position < len(accepted)
        position, origin = position[inside], disturbed[inside]
        found[position[kept["lion"][accepted[position]] == kept["lion"][origin]]] = True
    return np.flatnonzero(found)
