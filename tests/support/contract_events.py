"""Events as the contract's §1 describes the field's producers: all five topics, ObjectId ids, ISO times, headers."""

from __future__ import annotations

from typing import Any

LION, OTHER_LION = "64f1c0ffee00000000000001", "64f1c0ffee00000000000002"
USER, CHALLENGE = "64f1c0ffee00000000000011", "64f1c0ffee00000000000021"


def field_events() -> list[dict[str, Any]]:
    """Two lions, one user, one challenge on 1 March 2025; in the form ``produce_with_kafkajs`` takes."""
    positions = [
        _event(
            "lions.position.events",
            LION if number % 2 else OTHER_LION,
            {
                "lion_id": LION if number % 2 else OTHER_LION,
                "name": "Simba" if number % 2 else "Nala",
                "position": {"lat": -21.5 + number / 1000, "lng": 23.5},
                "timestamp": f"2025-03-01T{number // 2:02d}:{30 * (number % 2):02d}:00.000Z",
                "source": "gps-collar",
                "confidence": 0.95,
                "accuracy": 4.5,
            },
            "lion.position.update",
        )
        for number in range(24)
    ]
    weights = [
        _event(
            "lions.weight.events",
            LION,
            {
                "weight_id": f"64f1c0ffee0000000000003{day}",
                "lion_id": LION,
                "weight": 190.5 - day,
                "unit": "kg",
                "measured_at": f"2025-03-0{day}T05:00:00.000Z",
                "timestamp": f"2025-03-0{day}T05:01:00.000Z",
                "source": "scale",
                "user_id": USER,
            },
            "lion.weight.recorded",
        )
        for day in (1, 2, 3)
    ]
    activities = [
        _event(
            "users.activity.events",
            USER,
            {
                "user_id": USER,
                "activity_type": kind,
                "timestamp": f"2025-03-01T08:0{minute}:00.000Z",
                "username": "kuki",
                "email": "kuki@example.org",
                "roles": ["user"],
                "page": "/lions",
            },
            "user.activity",
        )
        for minute, kind in enumerate(("login", "weight_logged", "lion_viewed"))
    ]
    challenges = [
        _event(
            "challenges.status.events",
            CHALLENGE,
            {
                "challenge_id": CHALLENGE,
                "user_id": USER,
                "title": "Spot three lions",
                "status": status,
                "timestamp": f"2025-03-01T{hour}:00:00.000Z",
                "updated_at": f"2025-03-01T{hour}:00:00.000Z",
                "created_at": "2025-03-01T09:00:00.000Z",
                "progress": progress,
            },
            "challenge.status.changed",
        )
        for hour, status, progress in (("09", "pending", 0), ("10", "in_progress", 40), ("18", "completed", 100))
    ]
    quality = [
        _event(
            "data.quality.events",
            "silver.lions",
            {
                "check_timestamp": "2025-03-01T03:00:00.000Z",
                "table_name": "silver.lions",
                "check_name": "completeness",
                "total_records": 200,
                "valid_records": 197,
                "invalid_records": 3,
                "quality_percentage": 98.5,
            },
            "data.quality.checked",
        )
    ]
    return [*positions, *weights, *activities, *challenges, *quality]


def _event(topic: str, key: str, value: dict[str, Any], event_type: str) -> dict[str, Any]:
    time = value.get("timestamp") or value["check_timestamp"]
    return {"topic": topic, "key": key, "value": value, "headers": {"event-type": event_type, "timestamp": time}}
