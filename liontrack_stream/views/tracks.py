"""A track from fixes: walks without gaps that stay on one side of the antimeridian, and boxes around them.

fixes    ●──●──●      ●──●──┊──●          ┊ the antimeridian, ±180°
                 >4 h       ┊
walks    ════════      ═════│════
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from liontrack_stream.core.settle import STEP_GAP_MAX_US

GAP_MAX = timedelta(microseconds=STEP_GAP_MAX_US)


class Fix(NamedTuple):
    """A position at a time, in degrees."""

    time: datetime
    lat: float
    lng: float


@dataclass(slots=True)
class Walk:
    """Positions ``[lng, lat]``, each with its time; with ``stays`` as often as the lion was seen at one, else once."""

    stays: bool
    positions: list[list[float]] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)

    def add(self, time: datetime, lat: float, lng: float) -> None:
        """Go on to a position."""
        if self.times and self.positions[-1] == [lng, lat] and (not self.stays or self.times[-1] == time):
            return
        self.positions.append([lng, lat])
        self.times.append(time)


def walks_of(fixes: Sequence[Fix], stays: bool) -> list[Walk]:
    """The walks of at least two positions, from fixes by time."""
    walks = [Walk(stays)]
    before: Fix | None = None
    for fix in fixes:
        if before is not None and fix.time - before.time > GAP_MAX:
            walks.append(Walk(stays))
        elif before is not None and abs(fix.lng - before.lng) > 180.0:
            time, lat, edge = _crossing(before, fix)
            walks[-1].add(time, lat, edge)
            walks.append(Walk(stays))
            walks[-1].add(time, lat, -edge)
        walks[-1].add(*fix)
        before = fix
    return [walk for walk in walks if len(walk.times) > 1]


def _crossing(before: Fix, after: Fix) -> tuple[datetime, float, float]:
    """When and at which latitude a step crosses the antimeridian, and on which side (180 or -180) it comes from."""
    edge = 180.0 if before.lng > 0 else -180.0
    width = after.lng + 2 * edge - before.lng
    share = (edge - before.lng) / width if width else 0.0
    return before.time + share * (after.time - before.time), before.lat + share * (after.lat - before.lat), edge


def distance_m(steps_mm: Sequence[int | None]) -> float | None:
    """Metres from the first to the last of some fixes, by the step that leads to each; null where none is known."""
    known = [step for step in steps_mm[1:] if step is not None]
    return sum(known) / 1000 if known else None


def bounding_box(positions: Sequence[Sequence[float]]) -> list[float]:
    """West, south, east, north of at least one position ``[lng, lat]``; west is greater where the box crosses the
    antimeridian, which it does where that makes it narrower (RFC 7946, 5.2)."""
    lats = [lat for _, lat in positions]
    lngs = sorted({lng for lng, _ in positions})
    west, east = lngs[0], lngs[-1]
    gap, after, before = max(((b - a, b, a) for a, b in pairwise(lngs)), default=(0.0, 0.0, 0.0))
    if gap > 360.0 - (east - west):
        west, east = after, before
    return [west, min(lats), east, max(lats)]
