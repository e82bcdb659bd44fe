"""Bronze: every record as it came, with the columns that its event fills (contract §2)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Deletion, Rejected

from . import ACTIVITIES, CHALLENGES, POSITIONS, QUALITY, WEIGHTS, Consumed, Tables, may_hold_secret
from .settle import moment

TABLES = {
    POSITIONS: "bronze.lions_raw",
    WEIGHTS: "bronze.weights_raw",
    ACTIVITIES: "bronze.users_raw",
    CHALLENGES: "bronze.challenges_raw",
    QUALITY: "bronze.quality_raw",
}


def bronze_tables(records: Iterable[Consumed]) -> Tables:
    """The five tables, by (topic, partition, offset). ``raw`` is left out where a secret may have been cut out."""
    tables: Tables = {table: {} for table in TABLES.values()}
    for record in records:
        appended = moment(record.timestamp * 1000)
        assert appended is not None
        event = decode(record.topic, record.key, record.value)
        row = {
            "key": record.key,
            "headers": headers(record) or None,
            "source_system": getattr(event, "source", None) or "kafka",
            "append_time": appended,
            "partition_date": appended.date(),
            "metadata": _note(event),
            **_typed(record.topic, event),
        }
        if record.topic != ACTIVITIES or not may_hold_secret(record.value):
            row["raw"] = record.value
        tables[TABLES[record.topic]][record.topic, record.partition, record.offset] = row
    return tables


def _typed(topic: str, event: Any) -> dict[str, Any]:
    """The columns of the topic's own; all null where the record holds no event."""
    sound = not isinstance(event, Rejected | Deletion)

    def fields(*names: str) -> dict[str, Any]:
        return {name: getattr(event, name) if sound else None for name in names}

    time = moment(event.time_us) if sound else None
    if topic == POSITIONS:
        place = {"position_lat": event.lat if sound else None, "position_lng": event.lng if sound else None}
        return {**fields("lion_id", "name"), **place, "last_update": time}
    if topic == WEIGHTS:
        return {**fields("weight_id", "lion_id", "weight", "unit"), "measured_at": time}
    if topic == ACTIVITIES:
        return {**fields("user_id", "username", "email", "activity_type"), "event_time": time}
    if topic == CHALLENGES:
        return {**fields("challenge_id", "user_id", "title", "status"), "updated_at": time}
    return {**fields("table_name", "check_name", "quality_percentage"), "check_timestamp": time}


def _note(event: Any) -> dict[str, str] | None:
    if isinstance(event, Rejected):
        return {"rejected": event.rule}
    return {"deleted": event.entity_id} if isinstance(event, Deletion) else None


def headers(record: Consumed) -> dict[str, Any]:
    """Headers as one object: a text, what is not text in base64, a list where a name repeats."""
    named: dict[str, list[Any]] = {}
    for name, value in record.headers:
        try:
            text: Any = value.decode()
        except UnicodeDecodeError:
            text = {"base64": base64.b64encode(value).decode()}
        named.setdefault(name, []).append(text)
    return {name: values if len(values) > 1 else values[0] for name, values in named.items()}
