"""Bringing what is known of lions up to a round's settled fixes: counts, heads, tails. All lions at once: no I/O.

::

    settled fixes of one lion     ○ ○ ● ○ ● ● │ ● ● ● ● ● ● ● ●       ○ no candidate
    kept as its tail                    ●   ● ● │ ● ● ● ● ● ● ● ●
                                  three candidates │ two days
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liontrack_stream.core.fixes import SPIKE, Fixes, pieces
from liontrack_stream.core.geo import DAY_US, Ints, Mask
from liontrack_stream.core.settle import Settled
from liontrack_stream.warehouse.lion_states import TAIL_DAYS, LionState, Span
from liontrack_stream.warehouse.stored_fixes import MARGIN_CANDIDATES

_NEVER_US = -1


@dataclass(slots=True)
class Moves:
    """Per lion of a round: the times of the last fix that ceased to be what it was, and of the last that changed.

    Microseconds, -1 where there is none.
    """

    moved_us: list[int]
    changed_us: list[int]


def count_fixes(states: Sequence[LionState], settled: Settled) -> Moves:
    """Count the round's fixes into the states; ``settled`` numbers the lions as ``states`` do, each has some."""
    fixes, accepted, lions = settled.fixes, settled.accepted, len(states)
    lion, time_us, new = fixes["lion"], fixes["time_us"], fixes["row"] >= 0
    replaced = np.zeros(len(fixes), bool)
    replaced[settled.loser_winner[settled.losers["row"] < 0]] = True
    added = _per_lion(lion[new], lions) - _per_lion(lion[replaced], lions)
    more, less = (accepted & ~settled.was_accepted), (settled.was_accepted & ~accepted)
    accepted_more = _per_lion(lion[more], lions) - _per_lion(lion[less], lions)
    ends = np.searchsorted(lion, np.arange(lions + 1))
    firsts, lasts = time_us[ends[:-1]].tolist(), time_us[ends[1:] - 1].tolist()
    for state, *numbers in zip(states, added.tolist(), accepted_more.tolist(), firsts, lasts, strict=True):
        state.fixes += numbers[0]
        state.accepted += numbers[1]
        state.reach(numbers[2], numbers[3])
    moved = replaced | (~new & (accepted != settled.was_accepted))
    return Moves(_last_times(lion, time_us, moved, lions), _last_times(lion, time_us, settled.changed, lions))


def advance_heads(states: Sequence[LionState], names: Sequence[str | None], settled: Settled) -> None:
    """Take the position of each lion's latest new accepted fix, and the name of the latest that has one.

    ``names``: by the fixes' rows.
    """
    new = settled.fixes.take(np.flatnonzero(settled.accepted & (settled.fixes["row"] >= 0)))
    bounds = np.searchsorted(new["lion"], np.arange(len(states) + 1)).tolist()
    times, lats, lngs, rows = (new[name].tolist() for name in ("time_us", "lat", "lng", "row"))
    for state, start, end in zip(states, bounds[:-1], bounds[1:], strict=True):
        if start == end:
            continue
        if state.last_us is None or times[end - 1] >= state.last_us:
            state.last_us, state.lat, state.lng = times[end - 1], lats[end - 1], lngs[end - 1]
        for i in range(end - 1, start - 1, -1):
            if state.name_us is not None and times[i] < state.name_us:
                break
            name = names[rows[i]]
            if name is not None:
                state.name, state.name_us = name, times[i]
                break


def trimmed_tails(fixes: Fixes, spans: Sequence[Span], last_us: Sequence[int | None]) -> list[Span]:
    """The last two days of each lion's settled fixes, and three candidates before, as the next batch's context.

    ``fixes`` by lion and time, numbered as the spans they were settled in; ``last_us`` the last accepted ones.
    """
    from_us = [
        span.from_us if last is None else max(span.from_us, (last // DAY_US - TAIL_DAYS) * DAY_US)
        for span, last in zip(spans, last_us, strict=True)
    ]
    lion, lions = fixes["lion"], len(spans)
    before = np.flatnonzero(fixes["time_us"] < np.array(from_us, np.int64)[lion])
    candidate = (fixes["flags"][before] & ~np.uint8(SPIKE)) == 0
    candidates = _per_lion(lion[before[candidate]], lions)
    later = np.cumsum(candidates)[lion[before]] - np.cumsum(candidate)  # candidates of the lion after this one
    dropped = before[~candidate | (later >= MARGIN_CANDIDATES)]
    kept = np.ones(len(fixes), bool)
    kept[dropped] = False
    tails = fixes.take(np.flatnonzero(kept))
    tails["row"], tails["lion"] = -1, 0
    fewer = _per_lion(lion[dropped], lions)
    own = pieces(tails, [0, *np.cumsum(_per_lion(lion, lions) - fewer).tolist()])
    parts = zip(own, spans, from_us, fewer.tolist(), candidates.tolist(), strict=True)
    return [
        Span(
            mine,
            start_us if less else span.from_us,
            span.to_us,
            span.open_start or more > MARGIN_CANDIDATES,
            span.open_end,
        )
        for mine, span, start_us, less, more in parts
    ]


def _per_lion(lion: NDArray[np.int32], lions: int) -> Ints:
    return np.bincount(lion, minlength=lions)


def _last_times(lion: NDArray[np.int32], time_us: Ints, chosen: Mask, lions: int) -> list[int]:
    last = np.full(lions, _NEVER_US, np.int64)
    places = np.flatnonzero(chosen)
    ends = np.flatnonzero(np.diff(lion[places], append=-1))
    last[lion[places[ends]]] = time_us[places[ends]]
    return last.tolist()
