"""JSON documents into events: the fields of each topic, their types and their rules. Every function may raise
``BrokenRule``, ``BadTime`` or ``msgspec.ValidationError``; ``decode`` turns these into rejections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import astuple

from liontrack_stream.contract import topics
from liontrack_stream.contract.batch_times import all_to_microseconds
from liontrack_stream.contract.events import Activity, Challenge, Event, Position, Positions, QualityCheck, Weight
from liontrack_stream.contract.redact import SECRET_FIELDS
from liontrack_stream.contract.times import parse_iso, to_microseconds

ID_MAX_BYTES = 512
CHALLENGE_STATUSES = frozenset({"pending", "in_progress", "completed", "abandoned"})
WEIGHT_MIN_KG = 0.001
KG_PER_UNIT = {"kg": 1.0, "g": 0.001, "lb": 0.45359237}

Time = str | int | float


class BrokenRule(ValueError):
    """A rule of the contract is broken; carries the rule's name."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


class _Point(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    lat: float
    lng: float


class _PositionWire(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    lion_id: str
    position: _Point
    timestamp: datetime | int | float
    name: str | None = None
    source: str | None = None
    confidence: float | None = None
    accuracy: float | None = None
    altitude: float | None = None
    dop: float | None = None
    temperature: float | None = None
    visible: bool | None = None
    event_id: str | int | None = None


class _PositionText(_PositionWire, forbid_unknown_fields=True, gc=False):
    """Its time is left as it came: those of a batch are read together."""

    timestamp: Time  # type: ignore[assignment]


class _WeightWire(msgspec.Struct):
    weight_id: str
    lion_id: str
    weight: float
    unit: str | None = None
    measured_at: Time | None = None
    timestamp: Time | None = None
    source: str | None = None
    user_id: str | None = None


class _ActivityWire(msgspec.Struct):
    user_id: str
    timestamp: Time
    activity_type: str = "profile_changed"
    event_id: str | int | None = None
    username: str | None = None
    email: str | None = None
    roles: list[str] | None = None
    metadata: Any = None


class _ChallengeWire(msgspec.Struct):
    challenge_id: str
    user_id: str
    status: str
    title: str | None = None
    description: str | None = None
    timestamp: Time | None = None
    updated_at: Time | None = None
    created_at: Time | None = None
    due_date: Time | None = None
    progress: float | None = None


class _QualityWire(msgspec.Struct):
    table_name: str
    check_name: str
    check_timestamp: Time
    total_records: int
    valid_records: int
    invalid_records: int
    quality_percentage: float


_decode_position_wire = msgspec.json.Decoder(_PositionWire).decode
_decode_position_text = msgspec.json.Decoder(_PositionText).decode


def _split(document: dict[str, Any], wire: type[msgspec.Struct]) -> tuple[Any, dict[str, Any] | None]:
    """The wire struct and the fields it does not know."""
    known = set(wire.__struct_fields__)
    extra = {field: item for field, item in document.items() if field not in known}
    return msgspec.convert({f: v for f, v in document.items() if f in known}, wire), extra or None


def position_from_json(value: bytes) -> Position | None:
    """The quick way for what nearly all positions are: just the contract's fields, all of them in order.

    None where the careful way, by ``CONVERTERS``, has to look.
    """
    try:
        wire = _decode_position_wire(value)
        time_us = to_microseconds(wire.timestamp)
    except ValueError:  # not JSON, not of this shape, no UTF-8, a bad time
        return None
    lion_id, point = wire.lion_id, wire.position
    lat, lng, event_id = point.lat, point.lng, wire.event_id
    if event_id.__class__ is int or not (-90.0 <= lat <= 90.0 and -180.0 <= lng <= 180.0) or not _is_plain_id(lion_id):
        return None
    return Position(
        lion_id,
        time_us,
        lat,
        lng,
        wire.name,
        wire.source,
        wire.confidence,
        wire.accuracy,
        wire.altitude,
        wire.dop,
        wire.temperature,
        wire.visible,
        event_id,  # type: ignore[arg-type]
    )


def positions_from_json(values: Iterable[bytes]) -> Positions | None:
    """The same for many at once; None where one of them has to be looked at the careful way."""
    try:
        wires = map(astuple, map(_decode_position_text, values))
        lion_ids, points, times, *rest = zip(*wires, strict=True)
        times_us = all_to_microseconds(times)
    except ValueError:
        return None
    lats, lngs = [point.lat for point in points], [point.lng for point in points]
    inside = min(lats) >= -90.0 and max(lats) <= 90.0 and min(lngs) >= -180.0 and max(lngs) <= 180.0
    if not (inside and all(map(_is_plain_id, set(lion_ids)))) or int in set(map(type, rest[-1])):
        return None
    columns = (lion_ids, times_us, lats, lngs, *rest, [None] * len(lion_ids))
    return Positions(dict(zip(Position.__struct_fields__, columns, strict=True)))


def _position_document(document: dict[str, Any]) -> Position:
    point = document.get("position")
    nested = None
    if isinstance(point, dict):
        nested = {field: item for field, item in point.items() if field not in ("lat", "lng")}
        document = {**document, "position": {f: v for f, v in point.items() if f in ("lat", "lng")}}
    if isinstance(document.get("timestamp"), str):
        document = {**document, "timestamp": parse_iso(document["timestamp"])}
    wire, extra = _split(document, _PositionWire)
    if nested:
        extra = {**(extra or {}), "position": nested}
    return _position(wire, extra)


def _position(wire: _PositionWire, extra: dict[str, Any] | None) -> Position:
    lat, lng = wire.position.lat, wire.position.lng
    if not (-90.0 <= lat <= 90.0 and -180.0 <= lng <= 180.0):
        raise BrokenRule("impossible_coordinate", f"lat {lat}, lng {lng} lies outside ±90, ±180")
    event_id = wire.event_id
    return Position(
        checked_id("lion_id", wire.lion_id),
        to_microseconds(wire.timestamp),
        lat,
        lng,
        wire.name,
        wire.source,
        wire.confidence,
        wire.accuracy,
        wire.altitude,
        wire.dop,
        wire.temperature,
        wire.visible,
        str(event_id) if event_id.__class__ is int else event_id,  # type: ignore[arg-type]
        extra,
    )


def _weight(document: dict[str, Any]) -> Weight:
    wire, extra = _split(document, _WeightWire)
    unit = wire.unit or "kg"
    if unit not in KG_PER_UNIT:
        raise BrokenRule("unknown_unit", f"unit {unit[:20]!r} is none of {', '.join(KG_PER_UNIT)}")
    if not wire.weight * KG_PER_UNIT[unit] >= WEIGHT_MIN_KG:
        raise BrokenRule("non_positive_weight", f"weight {wire.weight} {unit} is not above 0")
    return Weight(
        checked_id("weight_id", wire.weight_id),
        checked_id("lion_id", wire.lion_id),
        _first_time("measured_at", wire.measured_at, wire.timestamp),
        wire.weight,
        unit,
        wire.source,
        checked_id("user_id", wire.user_id) if wire.user_id is not None else None,
        extra,
    )


def _activity(document: dict[str, Any]) -> Activity:
    wire, extra = _split(document, _ActivityWire)
    profile = wire.metadata if isinstance(wire.metadata, dict) else {}
    carried = msgspec.convert({f: profile[f] for f in ("username", "email", "roles") if f in profile}, _Profile)
    roles = wire.roles if wire.roles is not None else carried.roles
    if wire.metadata is not None:
        extra = {**(extra or {}), "metadata": wire.metadata}
    return Activity(
        checked_id("user_id", wire.user_id),
        checked_id("activity_type", wire.activity_type),
        to_microseconds(wire.timestamp),
        "" if wire.event_id in (None, "") else checked_id("event_id", str(wire.event_id)),
        wire.username if wire.username is not None else carried.username,
        wire.email if wire.email is not None else carried.email,
        None if roles is None else tuple(roles),
        without_secrets(extra) or None,
    )


class _Profile(msgspec.Struct):
    username: str | None = None
    email: str | None = None
    roles: list[str] | None = None


def _challenge(document: dict[str, Any]) -> Challenge:
    wire, extra = _split(document, _ChallengeWire)
    if wire.status not in CHALLENGE_STATUSES:
        raise BrokenRule(
            "unknown_status", f"status {wire.status[:20]!r} is none of {', '.join(sorted(CHALLENGE_STATUSES))}"
        )
    return Challenge(
        checked_id("challenge_id", wire.challenge_id),
        checked_id("user_id", wire.user_id),
        wire.status,
        _first_time("updated_at", wire.updated_at, wire.timestamp),
        wire.title,
        wire.description,
        None if wire.created_at is None else _time(wire.created_at),
        None if wire.due_date is None else _time(wire.due_date),
        wire.progress,
        extra,
    )


def _quality(document: dict[str, Any]) -> QualityCheck:
    wire, extra = _split(document, _QualityWire)
    if not 0 <= wire.quality_percentage <= 100:
        raise BrokenRule("impossible_percentage", f"quality_percentage {wire.quality_percentage} lies outside 0–100")
    if min(wire.total_records, wire.valid_records, wire.invalid_records) < 0:
        raise BrokenRule("negative_count", "a count of records is below 0")
    if max(wire.total_records, wire.valid_records, wire.invalid_records) >= 1 << 63:
        raise BrokenRule("oversized", "a count of records exceeds 63 bits")
    return QualityCheck(
        checked_id("table_name", wire.table_name),
        checked_id("check_name", wire.check_name),
        _time(wire.check_timestamp),
        wire.total_records,
        wire.valid_records,
        wire.invalid_records,
        wire.quality_percentage,
        extra,
    )


CONVERTERS: dict[str, tuple[Callable[[dict[str, Any]], Event], str]] = {
    topics.POSITIONS.name: (_position_document, "lion_id"),
    topics.WEIGHTS.name: (_weight, "weight_id"),
    topics.ACTIVITIES.name: (_activity, "user_id"),
    topics.CHALLENGES.name: (_challenge, "challenge_id"),
    topics.QUALITY.name: (_quality, "table_name"),
}


def without_secrets(value: Any) -> Any:
    """``value`` without the fields that hold passwords or tokens, at any depth."""
    if isinstance(value, dict):
        return {f: without_secrets(v) for f, v in value.items() if f.lower() not in SECRET_FIELDS}
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return value


def _is_plain_id(text: str) -> bool:
    """Whether an id is what nearly all are: not empty, not blank at its start, and surely short enough."""
    return 0 < len(text) <= ID_MAX_BYTES // 4 and text[0] > " "


def checked_id(field: str, text: str) -> str:
    """``text``, which must name something and fit an index."""
    if _is_plain_id(text):
        return text
    if not text or text.isspace():
        raise BrokenRule("missing_id", f"{field} is empty")
    if len(text) > ID_MAX_BYTES // 4 and len(text.encode()) > ID_MAX_BYTES:
        raise BrokenRule("oversized", f"{field} has more than {ID_MAX_BYTES} bytes")
    return text


def _first_time(field: str, *times: Time | None) -> int:
    for value in times:
        if value is not None:
            return _time(value)
    raise BrokenRule("missing_field", f"{field} is missing")


def _time(value: Time) -> int:
    return to_microseconds(value)
