"""``challenges.status.events``: the lives of challenges.

pending ──► in_progress ──► in_progress (progress) … ──► completed
   └─────────────┴────────────────────────────────────► abandoned      or still open at the end
"""

from __future__ import annotations

from typing import Any

from liontrack_stream.contract.topics import CHALLENGES
from liontrack_stream.sources.simulator.plan import (
    DAY_MS,
    HOUR_MS,
    SOURCE,
    Plan,
    Stream,
    iso,
    object_id,
    rng_for,
    user_ids,
)
from liontrack_stream.sources.simulator.positions import Arriving
from liontrack_stream.sources.simulator.record import event_record

_CREATED_CHANCE = 0.12  # per user and day
_TITLES = (
    "Spot three lions",
    "Log a weight every week",
    "Watch a pride for a night",
    "Map a waterhole",
    "Read a track",
)
_COMPLETED, _ABANDONED = 0.62, 0.82  # cumulative; the rest stays open
_LATE, _LATE_MAX_MS, _DUPLICATE = 0.04, 2 * DAY_MS, 0.01


def challenges_of_day(plan: Plan, day: int) -> list[Arriving]:
    """The whole lives of the challenges created on one day, up to the plan's end."""
    rng = rng_for(plan, Stream.CHALLENGES, day)
    records: list[Arriving] = []
    for user, user_id in enumerate(user_ids(plan)):
        u = rng.random(16).tolist()
        if u[0] >= _CREATED_CHANCE:
            continue
        created = plan.start_ms + day * DAY_MS + int(u[1] * DAY_MS)
        challenge = {
            "challenge_id": object_id(plan, f"challenge:{user}", day),
            "user_id": user_id,
            "title": f"{_TITLES[int(u[2] * len(_TITLES))]} (simulated)",
            "description": "A simulated challenge.",
            "created_at": iso(created),
            "due_date": iso(created + 14 * DAY_MS),
        }
        for number, (time_ms, status, progress) in enumerate(_life(created, u)):
            if time_ms >= plan.end_ms:
                break
            delay = u[10 + number % 6]
            arrival = time_ms + 3000 + (int(delay / _LATE * _LATE_MAX_MS) if delay < _LATE else 0)
            record = event_record(CHALLENGES, _event(challenge, time_ms, status, progress), iso(time_ms))
            records.append((arrival, record))
            if delay > 1 - _DUPLICATE:
                records.append((arrival + 4000, record))
    return records


def _life(created_ms: int, u: list[float]) -> list[tuple[int, str, int]]:
    """Time, status and progress in percent of each event of one challenge."""
    started = created_ms + int((2 + 60 * u[3]) * HOUR_MS)
    life = [(created_ms, "pending", 0)]
    if u[4] < _ABANDONED and u[4] > _COMPLETED and u[5] < 0.3:
        return [*life, (started, "abandoned", 0)]
    life.append((started, "in_progress", 0))
    steps = 1 + int(u[6] * 3)
    pace_ms = int((10 + 60 * u[7]) * HOUR_MS)
    life += [(started + step * pace_ms, "in_progress", 100 * step // (steps + 1)) for step in range(1, steps + 1)]
    end = started + (steps + 1) * pace_ms
    if u[4] < _COMPLETED:
        life.append((end, "completed", 100))
    elif u[4] < _ABANDONED:
        life.append((end, "abandoned", life[-1][2]))
    return life


def _event(challenge: dict[str, str], time_ms: int, status: str, progress: int) -> dict[str, Any]:
    return {
        **challenge,
        "status": status,
        "progress": progress,
        "timestamp": iso(time_ms),
        "updated_at": iso(time_ms),
        "source": SOURCE,
    }
