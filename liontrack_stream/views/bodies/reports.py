"""Reports on all lions or users: health, leaderboards, trends."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict


class HealthDistribution(TypedDict):
    """Lions by health: over 80, 60 to 80, below 60. Those without a score are in `total_lions` alone."""

    excellent_health: int
    good_health: int
    needs_attention: int
    avg_health_score: float | None
    avg_weight: float | None
    total_lions: int


class HealthReportBody(TypedDict):
    """The health of all lions with data on a UTC day."""

    report_date: date
    health_distribution: HealthDistribution
    timestamp: datetime


class UserRank(TypedDict):
    """A user's place; equals share a rank."""

    rank: int
    user_id: str
    username: str
    total_completed: int
    avg_engagement: float
    active_days: int


class UserLeaderboardBody(TypedDict):
    """Users, best first."""

    leaderboard: list[UserRank]
    timestamp: datetime


class LionRank(TypedDict):
    """A lion's place; equals share a rank. `tracked_days`: with a fix; `max_frequency`: most fixes of a day."""

    rank: int
    lion_id: str
    name: str | None
    avg_health: float | None
    tracked_days: int
    max_frequency: int


class LionLeaderboardBody(TypedDict):
    """Lions, best health first."""

    leaderboard: list[LionRank]
    timestamp: datetime


class WeightDay(TypedDict):
    """The mean of the lions' mean weights of a UTC day, in kg."""

    entity_type: str
    avg_value: float
    metric_date: date


class WeightsBody(TypedDict):
    """Days with a weight, oldest first."""

    trend: str
    data: list[WeightDay]
    timestamp: datetime


class EngagementDay(TypedDict):
    """The active users of a UTC day, and their mean score."""

    activity_date: date
    active_users: int
    avg_engagement: float


class EngagementsBody(TypedDict):
    """Days with an active user, oldest first."""

    trend: str
    data: list[EngagementDay]
    timestamp: datetime
