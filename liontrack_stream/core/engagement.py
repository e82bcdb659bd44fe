"""A user's day: challenges and weight entries into an engagement score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from liontrack_stream.core.geo import DAY_US

WEIGHT_ACTIVITIES = frozenset({"weight_logged", "weight_added", "weight_entry"})
SCORE_MAX = 100.0
SCORE_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class UserDay:
    """One row of ``gold.users_activity``."""

    challenges_completed: int
    challenges_in_progress: int
    challenges_total: int
    weight_entries: int
    engagement_score: float


def engagement_score(completed: int, total: int, weight_entries: int) -> float:
    """0–100: ``min(100, 50·completed/(total+1) + weight_entries/2)``."""
    return round(min(SCORE_MAX, 50 * completed / (total + 1) + weight_entries / 2), SCORE_DECIMALS)


def user_days(
    active_days: Iterable[int],
    weight_entries: Mapping[int, int],
    challenges: Iterable[Sequence[tuple[int, str]]],
) -> dict[int, UserDay]:
    """All days of one user.

    Parameters
    ----------
    active_days
        Days (since the epoch) with an activity or a weight entry.
    weight_entries
        Entries by day.
    challenges
        For each of the user's challenges its (time_us, status) events, by time, ties already in order.
    """
    histories = [list(events) for events in challenges]
    days = sorted({*active_days, *(time_us // DAY_US for events in histories for time_us, _ in events)})
    rows = {}
    for day in days:
        end_us = (day + 1) * DAY_US
        known = [[event for event in events if event[0] < end_us] for events in histories]
        known = [events for events in known if events]
        completed = sum(_completed_on(events, day) for events in known)
        in_progress = sum(events[-1][1] == "in_progress" for events in known)
        entries = weight_entries.get(day, 0)
        rows[day] = UserDay(
            completed, in_progress, len(known), entries, engagement_score(completed, len(known), entries)
        )
    return rows


def _completed_on(events: Sequence[tuple[int, str]], day: int) -> bool:
    before = ""
    for time_us, status in events:
        if status == "completed" and before != "completed" and time_us // DAY_US == day:
            return True
        before = status
    return False
