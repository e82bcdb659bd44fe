"""What is kept of lions beyond the few whose whole state is: as much as the next fixes in order need, 0.1 KB each.

A head holds no fact that the warehouse does not, and is trusted only at the revision it was made at. There is none of a
lion whose last fix does not count, or whose last day is not the last fix's: the whole state is read of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from liontrack_stream.core.geo import DAY_US, Mask, distance_m
from liontrack_stream.core.health import LOOKBACK_DAYS, Outlook, outlook
from liontrack_stream.core.windows import STATIONARY_RADIUS_M

if TYPE_CHECKING:
    from liontrack_stream.warehouse.lion_states import LionState

NEVER_US = -(1 << 62)
HEAD = np.dtype(
    [
        ("revision", np.int64),
        ("last_us", np.int64),  # the last stored fix, an accepted one
        ("lat", np.float64),
        ("lng", np.float64),
        ("accepted", np.int64),
        ("day_fixes", np.int64),  # of the last fix's day, as the next three
        ("distance_mm", np.int64),  # -1 where no step ends on it
        ("max_speed_kmh", np.float64),  # NaN where no step ends on it
        ("far_us", np.int64),  # the last fix of 24 h that is too far from the last one for a stationary lion; or never
        ("far_lat", np.float64),
        ("far_lng", np.float64),
        ("weight_part", np.float64),  # of the day's outlook, as the next; NaN where there is none
        ("expected_fixes", np.float64),
    ]
)
Heads: TypeAlias = NDArray[Any]  # of dtype HEAD
_NAN = float("nan")
_UNKNOWN = np.array([(0, NEVER_US, _NAN, _NAN, 0, 0, -1, _NAN, NEVER_US, 0.0, 0.0, _NAN, _NAN)], HEAD)


class Herd:
    """Heads by lion. A herd that outgrows it is begun anew."""

    def __init__(self, lions_max: int = 131_072) -> None:
        self._places: dict[str, int] = {}
        self._heads: Heads = np.zeros(1024, HEAD)
        self._lions_max = lions_max

    def find(self, lion_ids: Sequence[str], revisions: Mapping[str, int]) -> tuple[Mask, Heads]:
        """Of which of the lions there is a head of this revision; the heads, that of an unknown lion for the others."""
        places = np.array([self._places.get(lion_id, -1) for lion_id in lion_ids], np.int64)
        heads = self._heads.take(places, mode="clip")
        now = np.array([revisions.get(lion_id, -1) for lion_id in lion_ids], np.int64)
        held = (places >= 0) & (heads["revision"] == now)
        heads[~held] = _UNKNOWN
        return held, heads

    def put(self, lion_ids: Sequence[str], heads: Heads) -> None:
        """Keep heads that were committed."""
        if len(self._places) + len(lion_ids) > self._lions_max:
            self._places.clear()
        places = [self._places.setdefault(lion_id, len(self._places)) for lion_id in lion_ids]
        if len(self._places) > len(self._heads):
            self._heads = np.concatenate((self._heads, np.zeros(max(len(lion_ids), len(self._heads)), HEAD)))
        self._heads[places] = heads

    def put_states(self, states: Iterable[LionState]) -> None:
        """Keep the heads of whole states that are given up."""
        heads = [(state.lion_id, head) for state in states if (head := _head_of(state)) is not None]
        if heads:
            lion_ids, rows = zip(*heads, strict=True)
            self.put(lion_ids, np.array(list(rows), HEAD))


def _head_of(state: LionState) -> tuple[Any, ...] | None:
    last_us = state.last_us
    if last_us is None or last_us != state.last_fix_us:
        return None
    day = last_us // DAY_US
    row, expected = state.days.get(day), _outlook(state, day)
    if row is None or expected is None or day != max(state.days):
        return None
    return (
        state.revision,
        last_us,
        state.lat,
        state.lng,
        state.accepted,
        row.fixes,
        -1 if row.distance_mm is None else row.distance_mm,
        _nan(row.max_speed_kmh),
        *_far(state, last_us),
        _nan(expected.weight_part),
        _nan(expected.fixes),
    )


def _outlook(state: LionState, day: int) -> Outlook | None:
    if state.outlook is not None and state.outlook.day == day:
        return state.outlook
    return outlook(state.days, day) if day in state.days and state.days_from <= day - LOOKBACK_DAYS else None


def _far(state: LionState, last_us: int) -> tuple[int, float, float]:
    """The last fix within 24 h that lies too far from the last one for a stationary lion; or never."""
    if state.tail is None:
        return NEVER_US, 0.0, 0.0
    fixes = state.tail.fixes
    fixes = fixes.take(np.flatnonzero((fixes["flags"] == 0) & (fixes["time_us"] > last_us - DAY_US)))
    here = np.full(len(fixes), state.lat), np.full(len(fixes), state.lng)
    far = np.flatnonzero(distance_m(fixes["lat"], fixes["lng"], *here) > STATIONARY_RADIUS_M)
    if len(far) == 0:
        return NEVER_US, 0.0, 0.0
    fix = fixes[far[-1]]
    return int(fix["time_us"]), float(fix["lat"]), float(fix["lng"])


def _nan(value: float | None) -> float:
    return _NAN if value is None else value
