"""Fixes: flags, steps, each lion's last fix, and its 5-minute windows (contract §2).

A fix is flagged, never dropped::

    1 zero_zero     exactly 0,0
    2 not_visible   visible=false
    4 future        event time > append time + 10 min
    8 spike         impossibly fast both from the fix before and to the fix after, among fixes without the flags above
    16 deleted

    event time   |--a-----b------c--|      b is a spike when a→b and b→c are both faster than their limits;
                    1 km/h  900   900      a and c are judged by their own two neighbours, b included.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from geographiclib.geodesic import Geodesic

from .settle import HOUR_US, Stored, moment, window_start

ZERO_ZERO, NOT_VISIBLE, FUTURE, SPIKE, DELETED = 1, 2, 4, 8, 16
FUTURE_US = 600_000_000
MAX_STEP_GAP_US = 4 * HOUR_US


@lru_cache(maxsize=1 << 20)
def metres(lat1: float, lng1: float, lat2: float, lng2: float) -> float:
    """Geodesic distance on WGS84."""
    if (lat1, lng1) == (lat2, lng2):
        return 0.0
    return float(Geodesic.WGS84.Inverse(lat1, lng1, lat2, lng2, Geodesic.DISTANCE)["s12"])


def limit_kmh(dt_us: int) -> float:
    """The speed a lion cannot exceed over this time (contract §2: 60 / 20 / 10 / 5 km/h)."""
    if dt_us < HOUR_US // 6:
        return 60.0
    if dt_us < HOUR_US:
        return 20.0
    return 10.0 if dt_us <= 4 * HOUR_US else 5.0


def impossibly_fast(earlier: Any, later: Any) -> bool:
    dt_us = later.time_us - earlier.time_us
    speed_kmh = metres(earlier.lat, earlier.lng, later.lat, later.lng) / dt_us * 1e6 * 3.6
    return speed_kmh > limit_kmh(dt_us)


def own_flags(fix: Stored) -> int:
    """The flags a fix has whatever its neighbours are."""
    flags = 0
    if fix.event.lat == 0 and fix.event.lng == 0:
        flags |= ZERO_ZERO
    if fix.event.visible is False:
        flags |= NOT_VISIBLE
    if fix.event.time_us > fix.append_ms * 1000 + FUTURE_US:
        flags |= FUTURE
    return flags


class Track:
    """One lion's stored fixes in event-time order, with flags and steps."""

    def __init__(self, fixes: Iterable[Stored], deleted: Iterable[Stored] = ()) -> None:
        self.fixes = sorted(fixes, key=lambda fix: fix.event.time_us)
        gone = {id(fix) for fix in deleted}
        self.flags = [own_flags(fix) | (DELETED if id(fix) in gone else 0) for fix in self.fixes]
        candidates = [index for index, flags in enumerate(self.flags) if flags == 0]
        events = [self.fixes[index].event for index in candidates]
        for position in range(1, len(candidates) - 1):
            before, here, after = events[position - 1 : position + 2]
            if impossibly_fast(before, here) and impossibly_fast(here, after):
                self.flags[candidates[position]] |= SPIKE
        self.accepted = [fix for fix, flags in zip(self.fixes, self.flags, strict=True) if flags == 0]
        self.step_mm: dict[int, int] = {}  # by event time, of accepted fixes within 4 h of the one before
        self.speed_kmh: dict[int, float] = {}
        for earlier, later in zip(self.accepted, self.accepted[1:], strict=False):
            a, b = earlier.event, later.event
            dt_us = b.time_us - a.time_us
            if dt_us <= MAX_STEP_GAP_US:
                step_mm = round(metres(a.lat, a.lng, b.lat, b.lng) * 1000)
                self.step_mm[b.time_us] = step_mm
                self.speed_kmh[b.time_us] = step_mm / 1000 / (dt_us / 1e6) * 3.6


def tracks(winners: Iterable[Stored], deleted: Iterable[Stored] = ()) -> dict[str, Track]:
    """Each lion's track, by lion_id."""
    by_lion: dict[str, list[Stored]] = defaultdict(list)
    for fix in winners:
        by_lion[fix.event.lion_id].append(fix)
    gone = list(deleted)
    return {lion_id: Track(fixes, gone) for lion_id, fixes in by_lion.items()}


def position_rows(by_lion: dict[str, Track]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """silver.positions: one row per (lion_id, event_time)."""
    rows = {}
    for track in by_lion.values():
        for fix, flags in zip(track.fixes, track.flags, strict=True):
            event = fix.event
            optional = (
                "name",
                "source",
                "confidence",
                "accuracy",
                "altitude",
                "dop",
                "temperature",
                "visible",
                "event_id",
            )
            rows[(event.lion_id, moment(event.time_us))] = {
                "lat": event.lat,
                "lng": event.lng,
                "flags": flags,
                "step_mm": track.step_mm.get(event.time_us),
                **{column: getattr(event, column) for column in optional},
                "metadata": event.extra or None,
                **fix.provenance(),
            }
    return rows


def history_rows(by_lion: dict[str, Track]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """gold.lions_positions_history: one row per accepted fix."""
    return {
        (fix.event.lion_id, moment(fix.event.time_us)): {
            "lat": fix.event.lat,
            "lng": fix.event.lng,
            "accuracy": fix.event.accuracy,
        }
        for track in by_lion.values()
        for fix in track.accepted
    }


def lion_rows(by_lion: dict[str, Track], lions_elsewhere: Iterable[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """silver.lions: one row per lion known from any topic; inferred until a fix of it is accepted."""
    rows = {}
    for lion_id in {*by_lion, *lions_elsewhere}:
        track = by_lion.get(lion_id) or Track([])
        last = track.accepted[-1].event if track.accepted else None
        named = [fix.event for fix in track.accepted if fix.event.name is not None]
        rows[(lion_id,)] = {
            "name": named[-1].name if named else None,
            "position_lat": last.lat if last else None,
            "position_lng": last.lng if last else None,
            "last_update": moment(last.time_us) if last else None,
            "status": "active" if last else "inferred",
            "data_quality_score": len(track.accepted) / len(track.fixes) if track.fixes else None,
            "fixes": len(track.fixes),
            "accepted_fixes": len(track.accepted),
        }
    return rows


def window_rows(by_lion: dict[str, Track]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """gold.lion_windows: one row per lion and 5 minutes with an accepted fix.

    ::

        00:00        00:05        00:10
        |  *    *    |            |*          a fix exactly on an edge opens the window that starts there
          first last               first=last
    """
    windows: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for lion_id, track in by_lion.items():
        for fix in track.accepted:
            windows[lion_id, window_start(fix.event.time_us)].append(fix.event)
    rows = {}
    for (lion_id, start_us), fixes in windows.items():
        sum_lat = sum(round(fix.lat * 1e9) for fix in fixes)
        sum_lng = sum(round(fix.lng * 1e9) for fix in fixes)
        first, last = fixes[0], fixes[-1]
        rows[(lion_id, moment(start_us))] = {
            "fixes": len(fixes),
            "sum_lat_e9": sum_lat,
            "sum_lng_e9": sum_lng,
            "mean_lat": float(Fraction(sum_lat, len(fixes)) / 10**9),
            "mean_lng": float(Fraction(sum_lng, len(fixes)) / 10**9),
            "first_time": moment(first.time_us),
            "first_lat": first.lat,
            "first_lng": first.lng,
            "last_time": moment(last.time_us),
            "last_lat": last.lat,
            "last_lng": last.lng,
            "min_lat": min(fix.lat for fix in fixes),
            "max_lat": max(fix.lat for fix in fixes),
            "min_lng": min(fix.lng for fix in fixes),
            "max_lng": max(fix.lng for fix in fixes),
        }
    return rows
