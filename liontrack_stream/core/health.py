"""A lion's day: weight trend and health score from 31 days of facts.

Definitions: the contract's «Gold's definitions»; where it is silent, decisions/0003-gold-details.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from math import fsum
from statistics import median

import msgspec
from msgspec.structs import replace

LOOKBACK_DAYS = 30
TREND_DAYS_MIN = 3
TREND_RATIO_PER_DAY = 0.002
EXPECTED_FIXES_DEFAULT = 48
WEIGHT_BAND = 0.20
WEIGHT_PART, FIXES_PART, MOVEMENT_PART = 0.5, 0.3, 0.2
SCORE_DECIMALS = 6


class LionDay(msgspec.Struct, frozen=True):
    """One row of ``gold.lions_metrics``: facts first, then what follows from 31 days of facts."""

    fixes: int = 0
    distance_mm: int | None = None
    max_speed_kmh: float | None = None
    last_us: int | None = None
    stationary: bool | None = None
    avg_weight: float | None = None
    min_weight: float | None = None
    max_weight: float | None = None
    weight_count: int = 0
    weight_trend: str = "unknown"
    health_score: float | None = None

    @property
    def known(self) -> bool:
        """Whether the day has an accepted fix or a valid weight, that is, whether the row exists."""
        return self.fixes > 0 or self.weight_count > 0

    @property
    def status(self) -> str:
        """A word for the score: the bands of the health report."""
        if self.health_score is None:
            return "unknown"
        if self.health_score > 80:
            return "excellent"
        return "good" if self.health_score >= 60 else "needs_attention"


def day_weights(kilograms: list[float]) -> dict[str, float | int | None]:
    """Facts of a day's valid weights (kg), order-free: ``fsum`` rounds once."""
    if not kilograms:
        return {"avg_weight": None, "min_weight": None, "max_weight": None, "weight_count": 0}
    return {
        "avg_weight": fsum(kilograms) / len(kilograms),
        "min_weight": min(kilograms),
        "max_weight": max(kilograms),
        "weight_count": len(kilograms),
    }


def settle_days(days: Mapping[int, LionDay], dirty: Iterable[int]) -> dict[int, LionDay]:
    """The known days whose trend or score depends on a dirty day, as they are now.

    Parameters
    ----------
    days
        Day number (since the epoch) to facts, whole from 30 days before the first dirty day to 30 days after the last.
    dirty
        Days whose facts changed.
    """
    last = max(days, default=0)
    reach = (range(start, min(start + LOOKBACK_DAYS, last) + 1) for start in dirty)
    affected = sorted({day for some in reach for day in some if day in days})
    settled = {}
    for day in affected:
        facts = days[day]
        if not facts.known:
            continue
        known = [(at, days[at]) for at in range(day - LOOKBACK_DAYS, day + 1) if at in days]
        weights = [
            (at, other.avg_weight) for at, other in known if other.avg_weight is not None and at > day - LOOKBACK_DAYS
        ]
        fixes_before = [other.fixes for at, other in known if other.fixes > 0 and at < day]
        settled[day] = replace(
            facts,
            weight_trend=weight_trend(weights),
            health_score=health_score(facts, [kg for _, kg in weights], fixes_before),
        )
    return settled


def weight_trend(weights: list[tuple[int, float]]) -> str:
    """'gaining', 'stable', 'losing' or 'unknown': the Theil–Sen slope of (day, kg), ±0.2 % of the median a day."""
    if len(weights) < TREND_DAYS_MIN:
        return "unknown"
    slope = median((kg2 - kg1) / (day2 - day1) for (day1, kg1), (day2, kg2) in combinations(weights, 2))
    ratio = slope / median(kg for _, kg in weights)
    if ratio > TREND_RATIO_PER_DAY:
        return "gaining"
    return "losing" if ratio < -TREND_RATIO_PER_DAY else "stable"


def health_score(facts: LionDay, weights_kg: list[float], fixes_before: list[int]) -> float | None:
    """0–100 over the known parts (weight, fixes, movement), None when none is known.

    ``weights_kg``: daily means of the 30 days up to the day, oldest first; ``fixes_before``: fixes of those of the 30
    days before that have any.
    """
    parts: list[tuple[float, float]] = []
    if weights_kg:
        middle = median(weights_kg)
        parts.append((WEIGHT_PART, 1 - min(1.0, abs(weights_kg[-1] - middle) / (WEIGHT_BAND * middle))))
    if facts.fixes or fixes_before:
        expected = median(fixes_before) if fixes_before else EXPECTED_FIXES_DEFAULT
        parts.append((FIXES_PART, min(1.0, facts.fixes / expected)))
    if facts.stationary is not None:
        parts.append((MOVEMENT_PART, 0.0 if facts.stationary else 1.0))
    if not parts:
        return None
    return round(
        100 * fsum([share * value for share, value in parts]) / fsum([share for share, _ in parts]), SCORE_DECIMALS
    )
