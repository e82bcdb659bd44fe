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


class LionDay(msgspec.Struct, frozen=True, gc=False):
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


class Outlook(msgspec.Struct, frozen=True, gc=False):
    """What a lion's other days, and its weights, say of one day: with its own fixes, all that it is judged by.

    It holds until the day's weight, or a fact of an earlier day, changes.
    """

    day: int
    avg_weight: float | None
    weight_trend: str
    weight_part: float | None
    fixes: float | None  # expected: the median of those of the 30 days before that have any


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
    return {day: judged(days[day], outlook(days, day)) for day in affected if days[day].known}


def outlook(days: Mapping[int, LionDay], day: int) -> Outlook:
    """What 31 days say of the last of them; ``days`` as `settle_days` takes them."""
    known = [(at, days[at]) for at in range(day - LOOKBACK_DAYS, day + 1) if at in days]
    weights = [
        (at, other.avg_weight) for at, other in known if other.avg_weight is not None and at > day - LOOKBACK_DAYS
    ]
    fixes_before = [other.fixes for at, other in known if other.fixes > 0 and at < day]
    return Outlook(
        day,
        days[day].avg_weight,
        weight_trend(weights),
        weight_part([kg for _, kg in weights]),
        median(fixes_before) if fixes_before else None,
    )


def judged(facts: LionDay, expected: Outlook) -> LionDay:
    """The day with its trend and score."""
    return replace(facts, weight_trend=expected.weight_trend, health_score=health_score(facts, expected))


def weight_trend(weights: list[tuple[int, float]]) -> str:
    """'gaining', 'stable', 'losing' or 'unknown': the Theil–Sen slope of (day, kg), ±0.2 % of the median a day."""
    if len(weights) < TREND_DAYS_MIN:
        return "unknown"
    slope = median((kg2 - kg1) / (day2 - day1) for (day1, kg1), (day2, kg2) in combinations(weights, 2))
    ratio = slope / median(kg for _, kg in weights)
    if ratio > TREND_RATIO_PER_DAY:
        return "gaining"
    return "losing" if ratio < -TREND_RATIO_PER_DAY else "stable"


def weight_part(weights_kg: list[float]) -> float | None:
    """How near the last of the daily means of 30 days, oldest first, is to their median: 1 to 0; None without any."""
    if not weights_kg:
        return None
    middle = median(weights_kg)
    return 1 - min(1.0, abs(weights_kg[-1] - middle) / (WEIGHT_BAND * middle))


def health_score(facts: LionDay, expected: Outlook) -> float | None:
    """0–100 over the known parts (weight, fixes, movement), None when none is known."""
    shares: list[float] = []
    parts: list[float] = []
    if expected.weight_part is not None:
        shares.append(WEIGHT_PART)
        parts.append(WEIGHT_PART * expected.weight_part)
    if facts.fixes or expected.fixes is not None:
        shares.append(FIXES_PART)
        parts.append(FIXES_PART * min(1.0, facts.fixes / (expected.fixes or EXPECTED_FIXES_DEFAULT)))
    if facts.stationary is not None:
        shares.append(MOVEMENT_PART)
        parts.append(0.0 if facts.stationary else MOVEMENT_PART)
    return round(100 * fsum(parts) / fsum(shares), SCORE_DECIMALS) if shares else None
