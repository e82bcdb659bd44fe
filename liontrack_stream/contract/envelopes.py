"""Documents inside envelopes: Debezium's MongoDB envelope, a raw change-stream document, MongoDB extended JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from liontrack_stream.contract.events import Deletion

_ALIASES = {
    "lionId": "lion_id",
    "weightId": "weight_id",
    "userId": "user_id",
    "challengeId": "challenge_id",
    "measuredAt": "measured_at",
    "updatedAt": "updated_at",
    "createdAt": "created_at",
    "dueDate": "due_date",
    "activityType": "activity_type",
    "eventId": "event_id",
}
_NUMBERS = {"$numberInt": int, "$numberLong": int, "$numberDouble": float, "$numberDecimal": float}
_CHANGE_UPSERTS = {"insert", "update", "replace"}


class BadEnvelope(ValueError):
    """An envelope without the document it should carry."""


def plain(value: Any) -> Any:
    """Extended JSON as plain JSON: ``{"$oid": x}`` and ``{"$date": x}`` are x, ``{"$numberInt": x}`` a number."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, inner),) = value.items()
        if tag == "$oid":
            return inner
        if tag == "$date":
            return plain(inner)
        if tag in _NUMBERS:
            try:
                return _NUMBERS[tag](inner)
            except (TypeError, ValueError, OverflowError):
                raise BadEnvelope(f"{tag} without a number") from None
    return {key: plain(item) for key, item in value.items()}


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
        raise BadEnvelope(f"op {str(envelope['op'])[:20]!r} without 'after'")
    return _contract_names(_document(after), id_field, envelope.get("ts_ms"))


def _change_stream(change: dict[str, Any], id_field: str, key: bytes | None) -> dict[str, Any] | Deletion:
    kind = change["operationType"]
    if kind == "delete":
        return _deletion(plain(change.get("documentKey") or {}), id_field, key)
    if kind not in _CHANGE_UPSERTS or not isinstance(change.get("fullDocument"), dict):
        raise BadEnvelope(f"change {str(kind)[:20]!r} without 'fullDocument'")
    return _contract_names(plain(change["fullDocument"]), id_field, plain(change.get("wallTime")))


def _document(text_or_object: Any) -> dict[str, Any]:
    document = msgspec.json.decode(text_or_object) if isinstance(text_or_object, str) else text_or_object
    if not isinstance(document, dict):
        raise BadEnvelope("the enveloped document is no JSON object")
    return dict(plain(document))


def _contract_names(document: dict[str, Any], id_field: str, changed_at: Any) -> dict[str, Any]:
    named = {_ALIASES.get(field, field): value for field, value in document.items() if field != "__v"}
    document_id = named.pop("_id", None)
    if id_field not in named:
        named[id_field] = document_id
    elif document_id is not None and document_id != named[id_field]:
        named.setdefault("event_id", document_id)
    if "timestamp" not in named:
        named["timestamp"] = named.get("updated_at") or changed_at
    return named


def _deletion(document: dict[str, Any], id_field: str, key: bytes | None) -> Deletion:
    """The document's entity; where the document has an id of its own beside it, that one event, as inserts name it."""
    named = {_ALIASES.get(field, field): value for field, value in document.items()}
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
    except (msgspec.DecodeError, ValueError, AttributeError):
        return text
    return value if isinstance(value, str) else None
