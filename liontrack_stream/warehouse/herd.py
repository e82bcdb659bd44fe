"""What is kept of lions beyond the few whose whole state is: as much as the next fixes in order need, 0.1 KB each.

A head holds no fact that the warehouse does not, and is trusted only at the revision it was made at. There is none of a
lion whose last fix does not count, or whose last day is not the last fix's: the whole state is read of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from liontrack_stream.core.fixes import empty, joined
from liontrack_stream.core.geo import DAY_US, Floats, Ints, Mask, distance_m
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
        ("south", np.float64),  # a box around the accepted fixes of 24 h up to the last one, and perhaps earlier ones
        ("north", np.float64),
        ("west", np.float64),
        ("east", np.float64),
        ("weight_part", np.float64),  # of the day's outlook, as the next; NaN where there is none
        ("expected_fixes", np.float64),
    ]
)
Heads: TypeAlias = NDArray[Any]  # of dtype HEAD
Points: TypeAlias = tuple[Ints, Floats, Floats]  # times in µs, latitudes, longitudes
_NAN, _INFINITE = float("nan"), float("inf")
_WIDE_DEG, _POLAR_DEG = 0.01, 80.0  # a wider box may lie around the world; near the poles one is no rectangle
_ROUND_M = 1.0  # more than the sides of such a box are bent
_NOTHING = (_INFINITE, -_INFINITE, _INFINITE, -_INFINITE)  # a box
_ANYWHERE = (-_INFINITE, _INFINITE, -_INFINITE, _INFINITE)
_UNKNOWN = np.array([(0, NEVER_US, _NAN, _NAN, 0, 0, -1, _NAN, NEVER_US, 0.0, 0.0, *_NOTHING, _NAN, _NAN)], HEAD)


class Found(NamedTuple):
    """The heads of some lions; places are -1 of lions that have none, and hold while the herd is what it was."""

    herd: Heads
    places: Ints

    @property
    def held(self) -> Mask:
        return np.asarray(self.places >= 0)

    @property
    def heads(self) -> Heads:
        """Copies; of lions without one what a lion begins with."""
        heads = self.herd.take(self.places, mode="clip")
        heads[self.places < 0] = _UNKNOWN
        return heads


class Herd:
    """Heads by lion. A herd that outgrows its room is begun anew."""

    def __init__(self, lions_max: int = 131_072) -> None:
        self._lions_max = lions_max
        self._begin()

    def _begin(self) -> None:
        self._places: dict[str, int] = {}
        self._heads: Heads = np.zeros(self._lions_max, HEAD)  # takes memory as it is filled

    def find(self, lion_ids: Iterable[str]) -> Found:
        """The heads of lions, whatever their revision."""
        places = map(self._places.get, lion_ids, repeat(-1))
        return Found(self._heads, np.fromiter(places, np.int64))

    def put(self, lion_ids: Sequence[str], heads: Heads, found: Found | None = None) -> None:
        """Keep heads that were committed. ``found``: what `find` has said of these lions."""
        if found is None or found.herd is not self._heads:
            found = self.find(lion_ids)
        new = np.flatnonzero(found.places < 0).tolist()
        if len(self._places) + len(new) > self._lions_max:
            self._begin()
            new = list(range(min(len(lion_ids), self._lions_max)))
            found = Found(self._heads, np.full(len(lion_ids), -1))
        places = found.places.copy()
        for n in new:
            places[n] = self._places.setdefault(lion_ids[n], len(self._places))
        kept = np.flatnonzero(places >= 0)
        self._heads[places[kept]] = heads[kept]

    def put_states(self, states: Iterable[LionState]) -> None:
        """Keep the heads of whole states that are given up."""
        made = [(state, head) for state in states if (head := _head_of(state)) is not None]
        if made:
            heads = np.array([head for _, head in made], HEAD)
            tails = [empty() if state.tail is None else state.tail.fixes for state, _ in made]
            fixes, lion = joined(tails), np.repeat(np.arange(len(made)), [len(tail) for tail in tails])
            accepted = np.flatnonzero(fixes["flags"] == 0)
            points = points_of(fixes.take(accepted))
            note_far(heads, points_of(heads, "last_us"), lion[accepted], points)
            enclose(heads, lion[accepted], points)
            self.put([state.lion_id for state, _ in made], heads)


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
        NEVER_US,
        0.0,
        0.0,
        *(_NOTHING if _has_whole_day(state, last_us) else _ANYWHERE),
        _nan(expected.weight_part),
        _nan(expected.fixes),
    )


def _has_whole_day(state: LionState, last_us: int) -> bool:
    """Whether the fixes of 24 h up to the last one are in the tail."""
    return state.tail is not None and not state.later and state.tail.from_us <= max(0, last_us - DAY_US)


def _outlook(state: LionState, day: int) -> Outlook | None:
    if state.outlook is not None and state.outlook.day == day:
        return state.outlook
    return outlook(state.days, day) if day in state.days and state.days_from <= day - LOOKBACK_DAYS else None


def note_far(heads: Heads, last: Points, lion: Ints, points: Points) -> None:
    """Note each lion's last point that lies too far from its ``last`` one, and within 24 h, for a stationary lion.

    ``last``: one for each head; ``points``, those of a lion by time, are of the heads that ``lion`` says.
    """
    recent = np.flatnonzero(points[0] > last[0][lion] - DAY_US)
    (_, lat, lng), (_, last_lat, last_lng), theirs = points, last, lion[recent]
    metres = distance_m(lat[recent], lng[recent], last_lat[theirs], last_lng[theirs])
    far = recent[metres > STATIONARY_RADIUS_M]
    for name, values in zip(("far_us", "far_lat", "far_lng"), points, strict=True):
        heads[name][lion[far]] = values[far]  # of several of one lion the last one stays


def enclose(heads: Heads, lion: Ints, points: Points) -> None:
    """Widen the boxes of the heads that ``lion`` says, so that these points lie in them."""
    time_us, lat, lng = points
    recent = np.flatnonzero(time_us > heads["last_us"][lion] - DAY_US)
    for low, high, degrees in (("south", "north", lat), ("west", "east", lng)):
        np.minimum.at(heads[low], lion[recent], degrees[recent])
        np.maximum.at(heads[high], lion[recent], degrees[recent])


def rest(heads: Heads, last: Points) -> Mask:
    """Which lions have certainly stayed within 50 m of their ``last`` points for 24 h: their boxes' corners lie there.

    Not all that have: boxes hold older points, too, and who rests far enough north or south is not looked at.
    """
    (_, lat, lng), rests = last, np.zeros(len(heads), bool)
    small = (heads["east"] - heads["west"] < _WIDE_DEG) & (heads["north"] - heads["south"] < _WIDE_DEG)
    near = np.flatnonzero(small & (np.abs(lat) < _POLAR_DEG))
    box, lat, lng = heads.take(near), lat[near], lng[near]
    corner_lat = np.where(lat - box["south"] > box["north"] - lat, box["south"], box["north"])
    corner_lng = np.where(lng - box["west"] > box["east"] - lng, box["west"], box["east"])
    rests[near] = distance_m(lat, lng, corner_lat, corner_lng) <= STATIONARY_RADIUS_M - _ROUND_M
    return rests


def points_of(rows: NDArray[Any], time: str = "time_us", prefix: str = "") -> Points:
    """The columns of fixes, or of heads, that make points."""
    return rows[time], rows[f"{prefix}lat"], rows[f"{prefix}lng"]


def _nan(value: float | None) -> float:
    return _NAN if value is None else value
