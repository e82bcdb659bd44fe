"""Users: their activity events, their profile, their 5-minute windows, and their days (contract §2)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from .challenges import Story
from .settle import Stored, as_date, day_number, moment, window_start

WEIGHT_ACTIVITIES = {"weight_logged", "weight_added", "weight_entry"}
PROFILE = ("username", "email", "roles")


def activity_rows(winners: Iterable[Stored]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """silver.user_activities: one row per (user_id, event_time, activity_type, event_id)."""
    return {
        (stored.event.user_id, moment(stored.event.time_us), stored.event.activity_type, stored.event.event_id): {
            "username": stored.event.username,
            "email": stored.event.email,
            "roles": None if stored.event.roles is None else list(stored.event.roles),
            "metadata": stored.event.extra or None,
            "topic": stored.topic,
            **stored.provenance(),
        }
        for stored in winners
    }


def user_rows(winners: Iterable[Stored], users_elsewhere: Iterable[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """silver.users: one row per user known from any topic; each profile field from the latest event that carries it.

    Of two events of the same instant the one with the lowest (append time, partition, offset) is the later.
    """
    by_user: dict[str, list[Stored]] = defaultdict(list)
    for stored in winners:
        by_user[stored.event.user_id].append(stored)
    rows = {}
    for user_id in {*by_user, *users_elsewhere}:
        events = by_user.get(user_id, [])
        newest_first = sorted(sorted(events, key=lambda s: s.order), key=lambda s: -s.event.time_us)
        profile = {
            field: next((getattr(s.event, field) for s in newest_first if getattr(s.event, field) is not None), None)
            for field in PROFILE
        }
        times = [s.event.time_us for s in events]
        rows[(user_id,)] = {
            "username": user_id if profile["username"] is None else profile["username"],
            "email": profile["email"],
            "roles": list(profile["roles"] or ()),
            "created_at": moment(min(times, default=None)),
            "updated_at": moment(max(times, default=None)),
            "inferred": profile["username"] is None,
        }
    return rows


def window_rows(winners: Iterable[Stored]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """gold.user_windows: one row per user and 5 minutes with an activity; counts by activity_type."""
    counts: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for stored in winners:
        counts[stored.event.user_id, window_start(stored.event.time_us)][stored.event.activity_type] += 1
    return {
        (user_id, moment(start_us)): {"events": sum(types.values()), "activities": dict(types)}
        for (user_id, start_us), types in counts.items()
    }


def day_rows(
    activities: Iterable[Stored], weighings: Iterable[Stored], by_challenge: dict[str, Story]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """gold.users_activity: one row per user and UTC day with an activity, a weight entry or a challenge event.

    ``weighings`` are the unflagged weight events that carry a user_id.
    """
    entries: Counter[tuple[str, int]] = Counter()
    days: set[tuple[str, int]] = set()
    for stored in activities:
        day = (stored.event.user_id, day_number(stored.event.time_us))
        days.add(day)
        entries[day] += stored.event.activity_type in WEIGHT_ACTIVITIES
    for stored in weighings:
        day = (stored.event.user_id, day_number(stored.event.time_us))
        days.add(day)
        entries[day] += 1
    owned: dict[str, list[Story]] = defaultdict(list)
    for story in by_challenge.values():
        owned[story.user_id].append(story)
        days.update((story.user_id, day) for day in story.days)
    rows = {}
    for user_id, day in days:
        known = [story for story in owned[user_id] if story.first_day <= day]
        completed = sum(story.completed_on(day) for story in known)
        weight_entries = entries[user_id, day]
        rows[(user_id, as_date(day))] = {
            "challenges_completed": completed,
            "challenges_in_progress": sum(story.status_at_end_of(day) == "in_progress" for story in known),
            "challenges_total": len(known),
            "weight_entries": weight_entries,
            "total_weight_entries": weight_entries,
            "engagement_score": round(min(100.0, 50 * completed / (len(known) + 1) + weight_entries / 2), 6),
        }
    return rows
