"""gold.lions_metrics: a lion's day in weights, fixes, distance and health (contract §2, gold's definitions).

::

    days       D-30  D-29 ......................  D-1   D
    F expects  |<---- median fixes of these days --->|
    W, trend         |<-------- daily avg_weight --------->|
    M                                   (last fix - 24 h, last fix of D]
"""

from __future__ import annotations

from collections import defaultdict
from math import fsum
from statistics import median
from typing import Any

from .positions import Track, metres
from .settle import DAY_US, as_date, day_number, moment

EXPECTED_FIXES = 48
STILL_M = 50.0
STILL_FIXES = 5
TREND_RATIO = 0.002

Weights = dict[int, list[float]]  # a lion's valid weights in kg, by day number


def average(weights_kg: list[float]) -> float:
    return fsum(weights_kg) / len(weights_kg)


def month_of_weights(weights: Weights, day: int) -> list[tuple[int, float]]:
    """(day, avg_weight) of the days in [D-29, D] that have one, oldest first."""
    return [(d, average(weights[d])) for d in range(day - 29, day + 1) if weights.get(d)]


def weight_trend(month: list[tuple[int, float]]) -> str:
    """Theil–Sen: the median slope of all pairs of days, as a share of the median weight, per day."""
    if len(month) < 3:
        return "unknown"
    slopes = [(kg2 - kg1) / (d2 - d1) for i, (d1, kg1) in enumerate(month) for d2, kg2 in month[i + 1 :]]
    ratio = median(slopes) / median(kg for _, kg in month)
    if ratio > TREND_RATIO:
        return "gaining"
    return "losing" if ratio < -TREND_RATIO else "stable"


def weight_part(month: list[tuple[int, float]]) -> float | None:
    """W: 1 at the month's median weight, 0 at 20 % away from it."""
    if not month:
        return None
    usual = median(kg for _, kg in month)
    return 1 - min(1.0, abs(month[-1][1] - usual) / (0.20 * usual))


def frequency_part(fixes_by_day: dict[int, int], day: int) -> float | None:
    """F: the day's fixes as a share of the usual number of the 30 days before."""
    before = [fixes_by_day[d] for d in range(day - 30, day) if fixes_by_day.get(d)]
    today = fixes_by_day.get(day, 0)
    if not today and not before:
        return None
    return min(1.0, today / (median(before) if before else EXPECTED_FIXES))


def is_stationary(fixes: list[Any], last: Any) -> bool:
    """At least 5 of the accepted fixes lie in the 24 h up to ``last``, and all of those within 50 m of it."""
    recent = [f for f in fixes if last.time_us - DAY_US < f.time_us <= last.time_us]
    return len(recent) >= STILL_FIXES and all(metres(f.lat, f.lng, last.lat, last.lng) <= STILL_M for f in recent)


def health_score(w: float | None, f: float | None, m: float | None) -> float | None:
    """100·(0.5·W + 0.3·F + 0.2·M) over the known parts, weights renormalised; 6 decimals."""
    known = [(share, part) for share, part in ((0.5, w), (0.3, f), (0.2, m)) if part is not None]
    if not known:
        return None
    return round(100 * fsum(s * p for s, p in known) / fsum(s for s, _ in known), 6)


def health_status(score: float | None) -> str:
    if score is None:
        return "unknown"
    if score > 80:
        return "excellent"
    return "good" if score >= 60 else "needs_attention"


def metrics_rows(
    by_lion: dict[str, Track], weights_by_lion: dict[str, Weights]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """One row per lion and UTC day that has an accepted fix or a valid weight."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for lion_id in {*by_lion, *weights_by_lion}:
        track = by_lion.get(lion_id) or Track([])
        weights = weights_by_lion.get(lion_id, {})
        fixes: dict[int, list[Any]] = defaultdict(list)
        for fix in track.accepted:
            fixes[day_number(fix.event.time_us)].append(fix.event)
        fixes_by_day = {day: len(events) for day, events in fixes.items()}
        for day in {*fixes, *weights}:
            month = month_of_weights(weights, day)
            events = fixes.get(day, [])
            last = events[-1] if events else None
            # 24 h back from the day's last fix touch the day before and no other.
            still = is_stationary(fixes.get(day - 1, []) + events, last) if last else None
            score = health_score(
                weight_part(month), frequency_part(fixes_by_day, day), None if still is None else float(not still)
            )
            steps = [track.step_mm[e.time_us] for e in events if e.time_us in track.step_mm]
            speeds = [track.speed_kmh[e.time_us] for e in events if e.time_us in track.speed_kmh]
            today = weights.get(day, [])
            rows[(lion_id, as_date(day))] = {
                "avg_weight": average(today) if today else None,
                "min_weight": min(today, default=None),
                "max_weight": max(today, default=None),
                "weight_count": len(today),
                "weight_trend": weight_trend(month),
                "health_score": score,
                "tracking_frequency": len(events),
                "distance_m": sum(steps) / 1000 if steps else None,
                "max_speed_kmh": max(speeds, default=None),
                "last_fix_time": moment(last.time_us) if last else None,
                "stationary": still,
                "status": health_status(score),
            }
    return rows
