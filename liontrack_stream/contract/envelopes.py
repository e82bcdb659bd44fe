"""Documents inside envelopes: Debezium's MongoDB envelope, a raw change-stream document, MongoDB extended JSON.

The documents are the web app's, in mongoose's names: ``user`` refers to a user, ``lion`` to a lion, ``updatedAt`` is
when it was written, a weighing's ``date`` when the scales were read. On the users' topic it is a ``weight_entry``.
"""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any
from uuid import UUID

import msgspec

from liontrack_stream.contract.events import Deletion
from liontrack_stream.contract.times import BadTime, iso, to_microseconds

_ALIASES = {
    "lionId": "lion_id",
    "weightId": "weight_id",
    "userId": "user_id",
    "challengeId": "challenge_id",
    "measuredAt": "measured_at",
    "updatedAt": "updated_at",
    "createdAt": "created_at",
    "startDate": "start_date",
    "dueDate": "due_date",
    "activityType": "activity_type",
    "eventId": "event_id",
}
_REFERENCES = {  # fields whose meaning hangs on the collection, by the topic's id
    "weight_id": {"lion": "lion_id", "user": "user_id", "date": "measured_at"},
    "user_id": {"user": "user_id"},
    "challenge_id": {"user": "user_id"},
}
_IDS = ("lion_id", "weight_id", "user_id", "challenge_id")
_NUMBERS = {"$numberInt": int, "$numberLong": int, "$numberDouble": float, "$numberDecimal": float}
_CHANGE_UPSERTS = {"insert", "update", "replace"}


class BadEnvelope(ValueError):
    """An envelope without the document it should carry."""


def plain(value: Any) -> Any:
    """Extended JSON, canonical or relaxed, as plain JSON: ids and UUIDs are text, times ISO-8601, numbers numbers."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, inner),) = value.items()
        if tag == "$oid":
            return inner
        if tag == "$date":
            return _date(plain(inner))
        if tag in _NUMBERS:
            return _number(tag, inner)
        if tag in ("$uuid", "$binary"):
            return _uuid(inner)
        if tag == "$timestamp" and isinstance(inner, dict):
            return inner.get("t")  # seconds
    return {key: plain(item) for key, item in value.items()}


def _date(value: Any) -> Any:
    """Milliseconds since 1970 as text, which nobody takes for seconds; text as it is."""
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    try:
        return iso(to_microseconds(value / 1000) if abs(value) < 1e14 else value)
    except (BadTime, OverflowError):
        return str(value)  # outside 1970–2999: no time that the contract accepts


def _number(tag: str, text: Any) -> int | float:
    try:
        number: int | float = _NUMBERS[tag](text)
    except (TypeError, ValueError, OverflowError):
        raise BadEnvelope(f"{tag} without a number") from None
    if not math.isfinite(number):
        raise BadEnvelope(f"{tag} is no finite number")
    return number


def _uuid(inner: Any) -> Any:
    """The text of a UUID; of other bytes their base64."""
    if isinstance(inner, dict) and inner.get("subType") in ("03", "04", "3", "4"):
        try:
            return str(UUID(bytes=base64.b64decode(inner.get("base64", ""), validate=True)))
        except (TypeError, ValueError, binascii.Error):
            raise BadEnvelope("$binary without a UUID") from None
    return inner.get("base64") if isinstance(inner, dict) else inner


def unwrap(document: dict[str, Any], id_field: str, key: bytes | None) -> dict[str, Any] | Deletion:
    """The document of an envelope, with the contract's field names; anything else unchanged.

    Parameters
    ----------
    document
        The record's JSON object.
    id_field
        The field that the collection's ``_id`` stands for where it is missing.
    key
        The record's key, which names the entity where a deletion carries no document.

    Raises
    ------
    BadEnvelope
        When the envelope holds no usable document.
    """
    if isinstance(document.get("payload"), dict) and "schema" in document:
        document = document["payload"]
    if "op" in document and ("after" in document or "before" in document):
        return _debezium(document, id_field, key)
    if "operationType" in document and ("documentKey" in document or "fullDocument" in document):
        return _change_stream(document, id_field, key)
    return document


def _debezium(envelope: dict[str, Any], id_field: str, key: bytes | None) -> dict[str, Any] | Deletion:
    if envelope["op"] == "d":
        before = _document(envelope["before"]) if envelope.get("before") else {}
        return _deletion(before, id_field, key)
    after = envelope.get("after")
    if not after:
        raise BadEnvelope(
            f"op {str(envelope['op'])[:20]!r} without 'after': the document was deleted since, or Debezium's "
            "capture.mode is not change_streams_update_full"
        )
    source = envelope["source"] if isinstance(envelope.get("source"), dict) else {}
    changed_at = source.get("wallTime") or source.get("ts_ms") or envelope.get("ts_ms")  # the last is Debezium's clock
    return _contract_names(_document(after), id_field, changed_at)


def _change_stream(change: dict[str, Any], id_field: str, key: bytes | None) -> dict[str, Any] | Deletion:
    kind = change["operationType"]
    if kind == "delete":
        before = {**_object(change.get("fullDocumentBeforeChange") or {}), **_object(change.get("documentKey") or {})}
        return _deletion(before, id_field, key)
    if kind not in _CHANGE_UPSERTS or not isinstance(change.get("fullDocument"), dict):
        raise BadEnvelope(
            f"change {str(kind)[:20]!r} without 'fullDocument': the document was deleted since, or the stream was "
            "opened without fullDocument: 'updateLookup'"
        )
    changed_at = plain(change.get("wallTime")) or plain(change.get("clusterTime"))
    return _contract_names(_object(change["fullDocument"]), id_field, changed_at)


def _document(text_or_object: Any) -> dict[str, Any]:
    return _object(msgspec.json.decode(text_or_object) if isinstance(text_or_object, str) else text_or_object)


def _object(value: Any) -> dict[str, Any]:
    """A document's fields; what is none, or stands for a plain value (``{"$oid": …}``), is no document."""
    document = plain(value)
    if not isinstance(document, dict):
        raise BadEnvelope("the enveloped document is no JSON object")
    return document


def _contract_names(document: dict[str, Any], id_field: str, changed_at: Any) -> dict[str, Any]:
    named = _named(document, id_field)
    document_id = named.pop("_id", None)
    if id_field == "user_id" and "weight" in named and "activity_type" not in named:
        named["activity_type"] = "weight_entry"
        named["timestamp"] = named.pop("date", None) or named.get("created_at") or changed_at
    if id_field not in named:
        named[id_field] = document_id
    elif document_id is not None and document_id != named[id_field]:
        named.setdefault("event_id", document_id)
    if "timestamp" not in named:
        named["timestamp"] = named.get("updated_at") or changed_at
    return named


def _named(document: dict[str, Any], id_field: str) -> dict[str, Any]:
    """A document under the contract's names; ids are text, and of a populated reference its ``_id``."""
    aliases = _ALIASES | _REFERENCES.get(id_field, {})
    named: dict[str, Any] = {}
    for field, value in document.items():
        name = aliases.get(field, field)
        if field != "__v" and (name == field or name not in document):
            named[name] = _id(value) if name in ("_id", *_IDS) else value
    return named


def _id(value: Any) -> Any:
    value = value.get("_id", value) if isinstance(value, dict) else value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _deletion(document: dict[str, Any], id_field: str, key: bytes | None) -> Deletion:
    """The document's entity; where the document has an id of its own beside it, that one event, as inserts name it."""
    named = _named(document, id_field)
    entity = named.get(id_field) or named.get("_id") or key_text(key)
    if not isinstance(entity, str) or not entity:
        raise BadEnvelope("a deletion that names no entity")
    event = None if id_field == "weight_id" else named.get("event_id") or named.get("_id")  # a weighing is one event
    return Deletion(entity, str(event) if event and event != entity else None)


def key_text(key: bytes | None) -> str | None:
    """The entity id in a record key: plain text, a JSON string, or Debezium's ``{"id": …}``."""
    if not key:
        return None
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return None
    if text[0] not in '{"':
        return text
    try:
        value = plain(msgspec.json.decode(text))
        if isinstance(value, dict):
            value = value.get("id") or value.get("payload", {}).get("id")
        if isinstance(value, str) and value.startswith(("{", '"')):
            value = plain(msgspec.json.decode(value))
        value = _id(value)
    except (msgspec.DecodeError, ValueError, AttributeError):
        return text
    return value if isinstance(value, str) else None
