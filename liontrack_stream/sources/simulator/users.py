"""``users.activity.events``: simulated rangers and visitors, some of whom register late or log weights."""

from __future__ import annotations

from typing import Any

from liontrack_stream.contract.topics import ACTIVITIES
from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.sources.simulator.plan import (
    DAY_MS,
    MINUTE_MS,
    SOURCE,
    Plan,
    Stream,
    iso,
    lion_ids,
    object_id,
    rng_for,
)
from liontrack_stream.sources.simulator.positions import Arriving
from liontrack_stream.sources.simulator.record import event_record

_TYPES = (
    ("login", 0.22),
    ("map_viewed", 0.22),
    ("lion_viewed", 0.22),
    ("weight_logged", 0.08),
    ("weight_added", 0.05),
    ("weight_entry", 0.05),
    ("comment_posted", 0.12),
    ("logout", 0.04),
)
_PER_DAY_MAX = 8
_REGISTERS_WITHIN_DAYS = 5
_PROFILE_CHANGED = 0.01  # per day
_LATE, _LATE_MAX_MS, _DUPLICATE = 0.03, 3 * DAY_MS, 0.01
_FORMS = ("iso", "iso", "iso", "milliseconds", "seconds")  # of a user's device


def activities_of_day(plan: Plan, day: int) -> list[Arriving]:
    """What all users did on one day; each is active from the day it registers."""
    rng = rng_for(plan, Stream.USERS, day)
    lions = lion_ids(plan)
    records: list[Arriving] = []
    for user in range(plan.users):
        joined = user % _REGISTERS_WITHIN_DAYS
        u = rng.random((_PER_DAY_MAX + 1, 5)).tolist()
        midnight = plan.start_ms + day * DAY_MS
        if day == joined:
            late_ms = 2 * DAY_MS if user % 7 == 3 else MINUTE_MS
            time_ms = midnight + user * MINUTE_MS
            records.append((time_ms + late_ms, _activity(plan, user, "user_registered", time_ms, _profile(user))))
        if day > joined and u[-1][0] < _PROFILE_CHANGED:
            time_ms = midnight + int(u[-1][1] * DAY_MS)
            change = {"email": f"sim.user{user + 1:02d}.d{day}@example.org"}
            records.append((time_ms + MINUTE_MS, _activity(plan, user, "profile_updated", time_ms, change)))
        if day < joined:
            continue
        busy = 0.1 + 0.8 * (user * 7 % 20) / 20
        for chance, at, kind, delay, about in u[:-1]:
            if chance >= busy:
                continue
            time_ms = midnight + int((0.25 + 0.7 * at) * DAY_MS)
            name = _pick(kind)
            about_lion = name.startswith("weight") or name == "lion_viewed"
            details = {"lion_id": lions[int(about * len(lions))]} if about_lion and lions else {}
            record = _activity(plan, user, name, time_ms, details)
            arrival = time_ms + 2000 + (int(delay / _LATE * _LATE_MAX_MS) if delay < _LATE else 0)
            records.append((arrival, record))
            if delay > 1 - _DUPLICATE:
                records.append((arrival + 5000, record))
    return records


def _activity(plan: Plan, user: int, activity_type: str, time_ms: int, details: dict[str, Any]) -> Outgoing:
    form = _FORMS[user % len(_FORMS)]
    if form == "seconds":
        time_ms -= time_ms % 1000
    stamp = {"iso": iso(time_ms), "milliseconds": time_ms, "seconds": time_ms // 1000}[form]
    event: dict[str, Any] = {
        "user_id": object_id(plan, "user", user),
        "activity_type": activity_type,
        "timestamp": stamp,
        "source": SOURCE,
        **details,
    }
    if form != "seconds":  # the oldest app sends no event id
        event["event_id"] = object_id(plan, f"activity:{user}:{activity_type}", time_ms)
    return event_record(ACTIVITIES, event, str(stamp))


def _profile(user: int) -> dict[str, Any]:
    roles = ["admin", "ranger"] if user == 0 else ["ranger"] if user < 5 else ["user"]
    return {"username": f"sim_user_{user + 1:02d}", "email": f"sim.user{user + 1:02d}@example.org", "roles": roles}


def _pick(u: float) -> str:
    for name, share in _TYPES:
        u -= share
        if u < 0:
            return name
    return _TYPES[0][0]
