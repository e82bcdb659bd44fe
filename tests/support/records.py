"""Short ways to write records by hand in tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

from .oracle import ACTIVITIES, CHALLENGES, POSITIONS, QUALITY, WEIGHTS, Consumed

APPENDED_MS = 1_750_000_000_000  # 2025-06-15T15:06:40Z, later than every event of the tests
_offsets = count()


def at(text: str) -> datetime:
    """``"2025-03-01 12:00"`` as an aware UTC time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def record(topic: str, key: str, document: Any, **where: Any) -> Consumed:
    """A record of partition 0 with the next offset, appended one millisecond after the one before."""
    offset = where.get("offset", next(_offsets))
    return Consumed(
        topic,
        where.get("partition", 0),
        offset,
        where.get("timestamp", APPENDED_MS + offset),
        key.encode(),
        document if isinstance(document, bytes) else json.dumps(document).encode(),
    )


def fix(
    lion: str, time: str, lat: float = -21.5, lng: float = 23.5, where: dict[str, Any] | None = None, **more: Any
) -> Consumed:
    """A position event; ``where`` overrides its place in Kafka."""
    position = {"lat": lat, "lng": lng}
    return record(
        POSITIONS, lion, {"lion_id": lion, "position": position, "timestamp": time + "Z", **more}, **(where or {})
    )


def weight(
    weight_id: str, lion: str, day: str, value: float, where: dict[str, Any] | None = None, **more: Any
) -> Consumed:
    document = {"weight_id": weight_id, "lion_id": lion, "weight": value, "measured_at": day + "T12:00:00Z", **more}
    return record(WEIGHTS, lion, document, **(where or {}))


def activity(user: str, time: str, kind: str = "login", where: dict[str, Any] | None = None, **more: Any) -> Consumed:
    document = {"user_id": user, "activity_type": kind, "timestamp": time + "Z", **more}
    return record(ACTIVITIES, user, document, **(where or {}))


def challenge(
    challenge_id: str, user: str, time: str, status: str, where: dict[str, Any] | None = None, **more: Any
) -> Consumed:
    document = {"challenge_id": challenge_id, "user_id": user, "title": "Track a pride", "status": status, **more}
    return record(
        CHALLENGES, challenge_id, {**document, "updated_at": time + "Z", "timestamp": time + "Z"}, **(where or {})
    )


def check(table: str, time: str, percentage: float, name: str = "not_null") -> Consumed:
    counts = {"total_records": 100, "valid_records": 90, "invalid_records": 10}
    document = {
        "table_name": table,
        "check_name": name,
        "check_timestamp": time + "Z",
        "quality_percentage": percentage,
    }
    return record(QUALITY, table, {**document, **counts})
