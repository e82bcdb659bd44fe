"""A document's state into the event that tells of it. Pure.

| collection | topic | the event's time | each version is |
|---|---|---|---|
| lions | lions.position.events | the fix's own time, else updatedAt | an event |
| users | users.activity.events, ``profile_changed`` | updatedAt | an event |
| challenges | challenges.status.events | updatedAt | an event |
| weights of a lion | lions.weight.events | date | the same weighing, corrected: the version before is deleted |
| weights of a user | users.activity.events, ``weight_entry`` | date | the same |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from liontrack_stream.contract.times import BadTime, to_microseconds
from liontrack_stream.contract.topics import ACTIVITIES, CHALLENGES, POSITIONS, WEIGHTS
from liontrack_stream.sources.mongo.mapping import NounMapping
from liontrack_stream.sources.mongo.values import first, id_text, plain

SOURCE = "mongodb"
PROFILE = "profile_changed"  # as a user's document in an envelope is called by the contract
WEIGHED = "weight_entry"
TOPIC_OF = {"lions": POSITIONS.name, "users": ACTIVITIES.name, "challenges": CHALLENGES.name, "weights": WEIGHTS.name}


class Entry(NamedTuple):
    """What a document says. ``fields`` lack the event's time and id.

    ``own_us`` is the event's own time where it has one apart from ``written_us``, when the document was written.
    ``replaces``: versions correct each other.
    """

    topic: str
    key: str
    fields: dict[str, Any]
    own_us: int | None
    written_us: int | None
    replaces: bool


def entry_of(mapping: NounMapping, document: Mapping[str, Any]) -> Entry | None:
    """The entry of a document; None for a lion that is nowhere."""
    carried = {name: first(document, paths) for name, paths in mapping.fields.items()}
    for name, table in mapping.values.items():
        if isinstance(carried[name], str | int | float | bool):
            carried[name] = table.get(str(carried[name]), carried[name])
    for name in ("user_id", "lion_id"):
        if name in carried:
            carried[name] = _reference(document, mapping.fields[name])
    written = _time(carried.get("updated_at")) or _time(carried.get("created_at"))
    extra = {name: plain(document[name]) for name in mapping.extra if document.get(name) is not None}
    fields = {name: value for name, value in carried.items() if value not in (None, "")} | extra
    return _ENTRIES[mapping.noun](id_text(document.get("_id")), fields, written)


def _lion(document_id: str, fields: dict[str, Any], written: int | None) -> Entry | None:
    lat, lng = fields.pop("lat", None), fields.pop("lng", None)
    if lat is None or lng is None:
        return None
    own = _time(fields.pop("timestamp", None))
    carried = {name: value for name, value in fields.items() if name not in ("created_at", "updated_at")}
    event = {"lion_id": document_id, "position": {"lat": lat, "lng": lng}, **carried}
    return Entry(POSITIONS.name, document_id, event, own, written, False)


def _user(document_id: str, fields: dict[str, Any], written: int | None) -> Entry:
    event = {"user_id": document_id, "activity_type": PROFILE, **fields}
    return Entry(ACTIVITIES.name, document_id, event, None, written, False)


def _challenge(document_id: str, fields: dict[str, Any], written: int | None) -> Entry:
    return Entry(CHALLENGES.name, document_id, {"challenge_id": document_id, **fields}, None, written, False)


def _weight(document_id: str, fields: dict[str, Any], written: int | None) -> Entry:
    own = _time(fields.pop("measured_at", None)) or _time(fields.get("created_at"))
    if "user_id" in fields and "lion_id" not in fields:
        return Entry(ACTIVITIES.name, fields["user_id"], {"activity_type": WEIGHED, **fields}, own, written, True)
    return Entry(WEIGHTS.name, fields.get("lion_id", document_id), fields, own, written, True)


_ENTRIES = {"lions": _lion, "users": _user, "challenges": _challenge, "weights": _weight}


def _reference(document: Mapping[str, Any], paths: tuple[str, ...]) -> str | None:
    for path in paths:
        value: Any = document
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            return id_text(value)
    return None


def _time(value: Any) -> int | None:
    try:
        return None if value is None or isinstance(value, bool) else to_microseconds(value)
    except (BadTime, TypeError):
        return None
