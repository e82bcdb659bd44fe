"""Lions, where they were, what they weighed."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict


class Lion(TypedDict):
    """A lion's latest state; `updated_at` is the event time of its position."""

    lion_id: str
    name: str | None
    status: str
    data_quality_score: float | None
    current_weight: float | None
    health_score: float | None
    tracking_frequency: int | None
    position_lat: float | None
    position_lng: float | None
    updated_at: datetime | None


class LionsBody(TypedDict):
    """Lions by lion_id."""

    count: int
    lions: list[Lion]
    timestamp: datetime


class LionNow(TypedDict):
    """A lion and its latest day with data."""

    lion_id: str
    name: str | None
    status: str
    position_lat: float | None
    position_lng: float | None
    avg_weight: float | None
    weight_trend: str | None
    health_score: float | None
    tracking_frequency: int | None
    metric_date: date | None


class LionDay(TypedDict):
    """One UTC day of a lion."""

    lion_id: str
    metric_date: date
    avg_weight: float | None
    weight_trend: str
    health_score: float | None
    tracking_frequency: int
    status: str


class LionBody(TypedDict):
    """A lion and its latest 30 days with data, newest first."""

    lion: LionNow
    history: list[LionDay]


class Fix(TypedDict):
    """An accepted fix; accuracy in metres, null on a grid."""

    lion_id: str
    position_date: datetime
    lat: float
    lng: float
    accuracy: float | None


class PositionHistoryBody(TypedDict):
    """Fixes of a lion, newest first."""

    lion_id: str
    period_hours: int
    positions: list[Fix]
    count: int


class WeighedDay(TypedDict):
    """One UTC day with a valid weight, in kg."""

    lion_id: str
    date: date
    avg_weight: float
    min_weight: float
    max_weight: float
    measurements_count: int


class WeightTrendBody(TypedDict):
    """Days with a weight, oldest first."""

    lion_id: str
    period_days: int
    data: list[WeighedDay]
    count: int


class TimedFix(TypedDict):
    """A fix of a live window."""

    time: datetime
    lat: float
    lng: float


class LiveWindow(TypedDict):
    """Five minutes of a lion."""

    window_start: datetime
    fixes: int
    mean_lat: float
    mean_lng: float
    first: TimedFix
    last: TimedFix
    min_lat: float
    max_lat: float
    min_lng: float
    max_lng: float


class LiveBody(TypedDict):
    """The newest window of a lion."""

    lion_id: str
    window: LiveWindow
