"""Weighings: silver.weight_history, and each lion's valid weights by day (contract §2).

kg: g/1000, lb·0.45359237. More than 500 kg is stored, flagged implausible (1), and kept out of gold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from .health import Weights
from .settle import Stored, day_number, moment

IMPLAUSIBLE, DELETED = 1, 16
HEAVIEST_KG = 500.0


def kilograms(event: Any) -> float:
    weight = float(event.weight)
    return {"kg": weight, "g": weight / 1000, "lb": weight * 0.45359237}[event.unit]


def flags_of(stored: Stored, deleted: set[int]) -> int:
    return (IMPLAUSIBLE if kilograms(stored.event) > HEAVIEST_KG else 0) | (DELETED if id(stored) in deleted else 0)


def weight_rows(winners: Iterable[Stored], deleted: set[int]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """silver.weight_history: one row per weight_id."""
    return {
        (stored.event.weight_id,): {
            "lion_id": stored.event.lion_id,
            "user_id": stored.event.user_id,
            "weight": kilograms(stored.event),
            "unit": "kg",
            "measured_at": moment(stored.event.time_us),
            "original_weight": stored.event.weight,
            "original_unit": stored.event.unit,
            "source": stored.event.source,
            "flags": flags_of(stored, deleted),
            "metadata": stored.event.extra or None,
            "topic": stored.topic,
            **stored.provenance(),
        }
        for stored in winners
    }


def valid_weights(winners: Iterable[Stored], deleted: set[int]) -> dict[str, Weights]:
    """kg of the unflagged weighings, by lion and day number."""
    by_lion: dict[str, Weights] = defaultdict(lambda: defaultdict(list))
    for stored in winners:
        if flags_of(stored, deleted) == 0:
            by_lion[stored.event.lion_id][day_number(stored.event.time_us)].append(kilograms(stored.event))
    return by_lion
