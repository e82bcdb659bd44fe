"""Users: their engagement, activity and challenges."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict


class UserDay(TypedDict):
    """One UTC day of a user with an activity, a weight entry or a challenge's event."""

    user_id: str
    activity_date: date
    challenges_completed: int
    challenges_in_progress: int
    weight_entries: int
    engagement_score: float


class EngagementBody(TypedDict):
    """A user's latest 30 days with data, newest first; `current_score` is the first one's, null without any."""

    user_id: str
    current_score: float | None
    history: list[UserDay]


class ActivitySummary(TypedDict):
    """Sums over the period; `total_in_progress`: challenges in progress at its end. Mean of the active days."""

    total_completed: int
    total_in_progress: int
    total_weight_entries: int
    avg_engagement: float | None
    active_days: int


class ActivitySummaryBody(TypedDict):
    """A user in 30 days."""

    user_id: str
    period: str
    summary: ActivitySummary
    timestamp: datetime


class ChallengeStats(TypedDict):
    """All challenges of the user, whatever the page; pending ones are in the total alone."""

    total: int
    completed: int
    in_progress: int
    abandoned: int


class Challenge(TypedDict):
    """A challenge by its latest event; `age_days`: whole days since it was created."""

    challenge_id: str
    title: str | None
    status: str
    age_days: int
    created_at: datetime
    updated_at: datetime


class ChallengesBody(TypedDict):
    """A user's challenges, the latest changed first."""

    user_id: str
    stats: ChallengeStats
    challenges: list[Challenge]
