"""A user's day: challenges and weight entries into an engagement score."""

from __future__ import annotations

from bisect import bisect_left
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
    days: Iterable[int], weight_entries: Mapping[int, int], challenges: Iterable[Sequence[tuple[int, str]]]
) -> dict[int, UserDay]:
    """Some days of one user.

    Parameters
    ----------
    days
        The days (since the epoch) to compute.
    weight_entries
        Entries by day, for those days.
    challenges
        For each of the user's challenges all its (time_us, status) events, by time, ties already in order.
    """
    histories = [([time_us for time_us, _ in events], events, _completed_days(events)) for events in challenges]
    rows = {}
    for day in days:
        known = completed = in_progress = 0
        for times, events, completed_days in histories:
            count = bisect_left(times, (day + 1) * DAY_US)
            if count:
                known += 1
                in_progress += events[count - 1][1] == "in_progress"
                completed += day in completed_days
        entries = weight_entries.get(day, 0)
        rows[day] = UserDay(completed, in_progress, known, entries, engagement_score(completed, known, entries))
    return rows


def challenge_days(events: Iterable[tuple[int, str]]) -> set[int]:
    """The days on which a challenge has an event."""
    return {time_us // DAY_US for time_us, _ in events}


def _completed_days(events: Iterable[tuple[int, str]]) -> set[int]:
    """Days with a transition into 'completed'."""
    days, before = set(), ""
    for time_us, status in events:
        if status == "completed" and before != "completed":
            days.add(time_us // DAY_US)
        before = status
    return days
