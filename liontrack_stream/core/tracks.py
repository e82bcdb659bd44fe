"""A track from fixes: walks without gaps that stay on one side of the antimeridian, and boxes around them.

fixes    ●──●──●      ●──●──┊──●          ┊ the antimeridian, ±180°
                 >4 h       ┊
walks    ════════      ═════│════
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
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
    """At least two positions ``[lng, lat]``, each with its time."""

    positions: list[list[float]]
    times: list[datetime]


def walks_of(fixes: Iterable[Fix], stays: bool) -> list[Walk]:
    """The walks of at least two positions, from fixes by time."""
    found = []
    for _, group in groupby(positions_of(fixes, stays), itemgetter(0)):
        walk = [position for _, position in group]
        if len(walk) > 1:
            found.append(Walk([[fix.lng, fix.lat] for fix in walk], [fix.time for fix in walk]))
    return found


def positions_of(fixes: Iterable[Fix], stays: bool) -> Iterator[tuple[int, Fix]]:
    """The positions of fixes by time, each with the number of its walk; two are held, however many there are.

    With ``stays`` a position comes as often as the lion was seen at one, else once.
    """
    last: tuple[int, Fix] | None = None
    for number, fix in _cut(fixes):
        if last is not None and last[0] == number:
            before = last[1]
            if (before.lng, before.lat) == (fix.lng, fix.lat) and (not stays or before.time == fix.time):
                continue
        last = number, fix
        yield last


def _cut(fixes: Iterable[Fix]) -> Iterator[tuple[int, Fix]]:
    """Fixes, and both sides of each crossing of the antimeridian, with the number of their walk."""
    number = 0
    before: Fix | None = None
    for fix in fixes:
        if before is not None and fix.time - before.time > GAP_MAX:
            number += 1
        elif before is not None and abs(fix.lng - before.lng) > 180.0:
            time, lat, edge = _crossing(before, fix)
            yield number, Fix(time, lat, edge)
            number += 1
            yield number, Fix(time, lat, -edge)
        yield number, fix
        before = fix


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
