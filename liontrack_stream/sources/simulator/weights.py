"""``lions.weight.events``: lions cross a scale at the waterhole every few nights; rangers log some by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from liontrack_stream.contract.topics import WEIGHTS
from liontrack_stream.sources.simulator.plan import (
    DAY_MS,
    SOURCE,
    Plan,
    Stream,
    iso,
    lion_ids,
    object_id,
    rng_for,
    user_ids,
)
from liontrack_stream.sources.simulator.positions import Arriving
from liontrack_stream.sources.simulator.record import event_record

_WEIGHED_CHANCE = 0.3
_NOISE = 0.007
_SWING = 0.05  # of the body weight, over a period of 40 to 100 days: gains and losses beyond 0.2 % a day
_UNITS = (("kg", 1.0, 0.80), ("g", 1000.0, 0.90), ("lb", 1 / 0.45359237, 1.0))  # name, per kg, cumulative share
_UNIT_LEFT_OUT = 0.3  # of the kilograms
_BY_HAND = 0.5
_SLIPPED_POINT = 0.003  # grams sent as kilograms
_LATE, _DUPLICATE = 0.06, 0.01
_LATE_MAX_MS = 6 * DAY_MS


def weights_of_day(plan: Plan, day: int) -> list[Arriving]:
    """The weighings of one day."""
    rng = rng_for(plan, Stream.WEIGHTS, day)
    body = _true_weights_kg(plan, day)
    ids, users = lion_ids(plan), user_ids(plan)
    draws = rng.random((plan.lions, 10)).tolist()
    records: list[Arriving] = []
    for lion, u in enumerate(draws):
        if u[0] >= _WEIGHED_CHANCE:
            continue
        measured = plan.start_ms + day * DAY_MS + int(u[1] * DAY_MS)
        kg = body[lion] * (1 + _NOISE * 2 * (u[2] + u[3] - 1))
        if u[4] < _SLIPPED_POINT:
            kg *= 1000
        unit, per_kg, _ = next(entry for entry in _UNITS if u[5] < entry[2])
        arrival = measured + 60_000 + (int(u[6] / _LATE * _LATE_MAX_MS) if u[6] < _LATE else 0)
        event: dict[str, Any] = {
            "weight_id": object_id(plan, "weight", day * 1_000_000 + lion),
            "lion_id": ids[lion],
            "weight": round(kg * per_kg, 2),
            "unit": unit,
            "measured_at": iso(measured),
            "timestamp": iso(arrival),
            "source": SOURCE,
        }
        if unit == "kg" and u[7] < _UNIT_LEFT_OUT:
            del event["unit"]
        if users and u[8] < _BY_HAND:
            event["user_id"] = users[int(u[8] / _BY_HAND * len(users))]
        record = event_record(WEIGHTS, event, event["measured_at"])
        records.append((arrival, record))
        if u[9] < _DUPLICATE:
            records.append((arrival + int(u[9] / _DUPLICATE * DAY_MS), record))
    return records


def _true_weights_kg(plan: Plan, day: int) -> list[float]:
    """Each lion's weight on a day: females 120–160 kg, males 170–230 kg, swinging slowly."""
    u = rng_for(plan, Stream.WEIGHTS, 1 << 31).random((4, plan.lions))
    base = np.where(u[0] < 0.6, 120 + 40 * u[1], 170 + 60 * u[1])
    period_days = 40 + 60 * u[2]
    result: list[float] = (base * (1 + _SWING * np.sin(2 * np.pi * (day / period_days + u[3])))).tolist()
    return result
