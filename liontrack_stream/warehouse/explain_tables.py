"""What `explain` can explain: each table's key, what its rows are made of, and how its columns follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from liontrack_stream.contract.times import BadTime, to_microseconds
from liontrack_stream.contract.topics import ACTIVITIES, CHALLENGES, POSITIONS, WEIGHTS
from liontrack_stream.core.health import LOOKBACK_DAYS
from liontrack_stream.core.settle import STEP_GAP_MAX_US
from liontrack_stream.core.windows import WINDOW_US

Kind = Literal["text", "time", "day", "window"]
Subject = Literal["lion", "user", "challenge", "checks"]
Key = Mapping[str, Any]
Row = Mapping[str, Any]

_PERIODS = ("window", "day")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WINDOW = timedelta(microseconds=WINDOW_US)
_DAY = timedelta(days=1)
_STEP_GAP = timedelta(microseconds=STEP_GAP_MAX_US)


class ExplainError(Exception):
    """The question cannot be understood; the message is a sentence that says what would be."""


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that a row is made of. ``arguments`` of the query, the limit left out; None: there is nothing to ask."""

    title: str
    table: str
    query: str
    arguments: Callable[[Key, Row | None], tuple[Any, ...] | None]


@dataclass(frozen=True, slots=True)
class Explained:
    """One table. ``entities``: the topics whose deletions may name the key's first value."""

    name: str
    subject: Subject
    key: Mapping[str, Kind]
    sources: tuple[Source, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    entities: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)

    def period_start(self, key: Key) -> datetime | None:
        """The start of the gold row's window or day, by which its revisions are kept."""
        starts = [
            key[name] if kind == "window" else _midnight(key[name])
            for name, kind in self.key.items()
            if kind in _PERIODS
        ]
        return starts[0] if starts else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _of_day(entity: str, day: str) -> Callable[[Key, Row | None], tuple[Any, ...]]:
    return lambda key, _: (key[entity], _midnight(key[day]), _midnight(key[day]) + _DAY)


def _of_window(entity: str) -> Callable[[Key, Row | None], tuple[Any, ...]]:
    return lambda key, _: (key[entity], key["window_start"], key["window_start"] + _WINDOW)


def _of(*names: str) -> Callable[[Key, Row | None], tuple[Any, ...]]:
    return lambda key, _: tuple(key[name] for name in names)


def _looked_back_on(key: Key, row: Row | None) -> tuple[Any, ...] | None:
    """Fixes before the day: the 24 h up to its last fix, and what its first step may start from."""
    if row is None or row["last_fix_time"] is None:
        return None
    midnight = _midnight(key["metric_date"])
    return key["lion_id"], min(row["last_fix_time"] - _DAY, midnight - _STEP_GAP), midnight


def _days_before(key: Key, _: Row | None) -> tuple[Any, ...]:
    day = key["metric_date"]
    return key["lion_id"], max(date.min, day - timedelta(days=LOOKBACK_DAYS)), day - _DAY


def _one_fix(name: str) -> Callable[[Key, Row | None], tuple[Any, ...]]:
    return lambda key, _: (key["lion_id"], key[name], key[name] + timedelta(microseconds=1))


_FIX, _WEIGHT, _ACTIVITY, _CHALLENGE = (
    f"silver.{t}" for t in ("positions", "weight_history", "user_activities", "challenge_events")
)
_LION_TOPICS, _USER_TOPICS = (POSITIONS.name, WEIGHTS.name), (ACTIVITIES.name,)

_TABLES = (
    Explained(
        "gold.lions_metrics",
        "lion",
        {"lion_id": "text", "metric_date": "day"},
        (
            Source("fixes of the day", _FIX, "fixes", _of_day("lion_id", "metric_date")),
            Source("fixes before it, for the first step and `stationary`", _FIX, "fixes", _looked_back_on),
            Source("weighings of the day", _WEIGHT, "weights_of_lion", _of_day("lion_id", "metric_date")),
            Source("the days looked back on", "gold.lions_metrics", "lion_days", _days_before),
        ),
        {
            "tracking_frequency": "accepted fixes of the day",
            "distance_m": "sum of step_mm of the day's accepted fixes",
            "max_speed_kmh": "the fastest of these steps",
            "stationary": "at least 5 accepted fixes in the 24 h up to the last one, all within 50 m of it",
            "avg_weight": "mean of the day's weighings without a flag",
            "weight_trend": "Theil–Sen slope of avg_weight over the day and the 29 before it",
            "health_score": "weight against the median of 30 days, fixes against the 30 days before, movement",
            "status": "the band of health_score",
        },
        _LION_TOPICS,
    ),
    Explained(
        "gold.lion_windows",
        "lion",
        {"lion_id": "text", "window_start": "window"},
        (Source("fixes of the 5 minutes", _FIX, "fixes", _of_window("lion_id")),),
        {
            "fixes": "accepted fixes of the window",
            "mean_lat, mean_lng": "sum_lat_e9 and sum_lng_e9 over fixes",
            "first_*, last_*": "the first and the last accepted fix by event time",
            "min_*, max_*": "the box around the accepted fixes",
        },
        (POSITIONS.name,),
    ),
    Explained(
        "gold.users_activity",
        "user",
        {"user_id": "text", "activity_date": "day"},
        (
            Source("activities of the day", _ACTIVITY, "activities", _of_day("user_id", "activity_date")),
            Source("weighings by the user", _WEIGHT, "weights_of_user", _of_day("user_id", "activity_date")),
            Source(
                "events of the user's challenges up to the day",
                _CHALLENGE,
                "challenges_of_user",
                lambda key, _: (key["user_id"], _midnight(key["activity_date"]) + _DAY),
            ),
        ),
        {
            "activity_events": "activities of the day",
            "weight_entries": "activities that log a weight, and weighings without a flag that carry the user",
            "challenges_completed": "challenges with a transition into completed on the day",
            "challenges_in_progress": "challenges in progress at the day's end",
            "challenges_total": "challenges known by the day's end",
            "engagement_score": "min(100, 50·completed/(total+1) + weight_entries/2)",
        },
        _USER_TOPICS,
    ),
    Explained(
        "gold.user_windows",
        "user",
        {"user_id": "text", "window_start": "window"},
        (Source("activities of the 5 minutes", _ACTIVITY, "activities", _of_window("user_id")),),
        {"events": "activities of the window", "activities": "the same by activity_type"},
        _USER_TOPICS,
    ),
    Explained(
        "gold.lions_positions_history",
        "lion",
        {"lion_id": "text", "position_date": "time"},
        (Source("the fix", _FIX, "fixes", _one_fix("position_date")),),
        {"lat, lng, accuracy": "the fix's, as long as it has no flag"},
        (POSITIONS.name,),
    ),
    Explained(
        "gold.quality_daily",
        "checks",
        {"table_name": "text", "check_date": "day"},
        (Source("checks of the day", "metadata.data_quality_checks", "checks", _of_day("table_name", "check_date")),),
        {
            "checks_count": "checks of the day",
            "avg_quality, min_quality": "mean and least of their quality_percentage",
            "last_check": "the latest of them",
        },
    ),
    Explained(
        _FIX,
        "lion",
        {"lion_id": "text", "event_time": "time"},
        (
            Source("the record", _FIX, "fixes", _one_fix("event_time")),
            Source("the fixes it was compared with", _FIX, "fix_neighbours", _of("lion_id", "event_time")),
        ),
        {
            "flags": "zero_zero, not_visible and future by itself; spike: too fast from and to its neighbours",
            "step_mm": "from the accepted fix before it, at most 4 h earlier",
        },
        (POSITIONS.name,),
    ),
    Explained(
        _WEIGHT,
        "lion",
        {"weight_id": "text"},
        (Source("the record", _WEIGHT, "weighing", _of("weight_id")),),
        {"weight": "original_weight in kg", "flags": "implausible: more than any lion weighs"},
        (WEIGHTS.name,),
    ),
    Explained(
        _ACTIVITY,
        "user",
        {"user_id": "text", "event_time": "time", "activity_type": "text", "event_id": "text"},
        (Source("the record", _ACTIVITY, "activity", _of("user_id", "event_time", "activity_type", "event_id")),),
        entities=_USER_TOPICS,
        defaults={"event_id": ""},
    ),
    Explained(
        _CHALLENGE,
        "challenge",
        {"challenge_id": "text", "updated_at": "time", "status": "text"},
        (Source("the record", _CHALLENGE, "challenge_event", _of("challenge_id", "updated_at", "status")),),
        entities=(CHALLENGES.name,),
    ),
    Explained(
        "silver.lions",
        "lion",
        {"lion_id": "text"},
        (
            Source("its fixes, newest first", _FIX, "fixes_newest", _of("lion_id")),
            Source("its weighings, newest first", _WEIGHT, "weights_of_lion_newest", _of("lion_id")),
        ),
        {
            "position_lat, position_lng, last_update": "the newest accepted fix",
            "name": "the newest accepted fix that carries one",
            "data_quality_score": "accepted fixes / fixes",
            "status": "active with an accepted fix, else inferred",
        },
        _LION_TOPICS,
    ),
    Explained(
        "silver.users",
        "user",
        {"user_id": "text"},
        (
            Source("the user's activities, newest first", _ACTIVITY, "activities_newest", _of("user_id")),
            Source("challenge events that name the user", _CHALLENGE, "challenges_naming_user", _of("user_id")),
            Source("weighings that name the user", _WEIGHT, "weights_of_user_newest", _of("user_id")),
        ),
        {
            "username, email, roles": "each from the newest activity that carries it; without one user_id, inferred",
            "created_at, updated_at": "the first and the last activity",
        },
        _USER_TOPICS,
    ),
    Explained(
        "silver.challenges",
        "challenge",
        {"challenge_id": "text"},
        (Source("its status events, the one that holds first", _CHALLENGE, "challenge", _of("challenge_id")),),
        {"user_id, title, status, …": "the latest event's", "created_at": "the earliest that an event tells"},
        (CHALLENGES.name,),
    ),
)
TABLES: dict[str, Explained] = {table.name: table for table in _TABLES}
KEY_NAMES: tuple[str, ...] = tuple(dict.fromkeys(name for table in _TABLES for name in table.key))


def table_of(name: str) -> Explained:
    """A table by its name.

    Raises
    ------
    ExplainError
        Where there is none to explain; names those that there are.
    """
    if name not in TABLES:
        raise ExplainError(f"No table {_shown(name)} can be explained; these can: {', '.join(TABLES)}.")
    return TABLES[name]


def key_of(table: Explained, values: Mapping[str, str]) -> dict[str, Any]:
    """The typed key of a table's row.

    Raises
    ------
    ExplainError
        For a part that is missing, unknown, or no such time or day.
    """
    given = {**table.defaults, **values}
    needed = ", ".join(f"{name}=…" for name in table.key if name not in table.defaults)
    unknown = [name for name in values if name not in table.key]
    if unknown:
        raise ExplainError(f"{table.name} has no key {_shown(unknown[0])}; it takes {needed}.")
    missing = [name for name in table.key if name not in given]
    if missing:
        raise ExplainError(f"{', '.join(missing)} is missing: {table.name} takes {needed}.")
    return {name: _value(name, kind, given[name]) for name, kind in table.key.items()}


def _value(name: str, kind: Kind, text: str) -> Any:
    if kind == "text":
        if "\x00" in text or len(text) > 10_000 or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ExplainError(f"{name} is no text that could be stored.")
        return text
    if kind == "day":
        try:
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            raise ExplainError(f"{name} must be a day such as 2026-01-31, not {_shown(text)}.") from None
    try:
        moment_us = to_microseconds(text)
    except (BadTime, ValueError, OverflowError):
        raise ExplainError(f"{name} must be a UTC time such as 2026-01-31T12:05:00Z, not {_shown(text)}.") from None
    if kind == "window" and moment_us % WINDOW_US:
        raise ExplainError(f"{name} must be a multiple of 5 minutes, such as 2026-01-31T12:05:00Z.")
    return _EPOCH + timedelta(microseconds=moment_us)


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 40 else f"{text[:40]}…")
