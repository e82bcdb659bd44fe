"""Items pushed over HTTP into records: the stream's own rules, and some that can only be kept at the door. Pure.

What the stream would make a dead letter is refused with the same rule, so that its sender learns of it. Refused as
well are times without a zone (the stream reads them as UTC, but a device whose clock shows local time means another
instant), and envelopes of a database and deletions: a producer adds, it does not take back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from liontrack_stream.contract.convert import CONVERTERS, BrokenRule
from liontrack_stream.contract.decode import decode, rejection
from liontrack_stream.contract.envelopes import unwrap
from liontrack_stream.contract.events import Deletion, Event, Rejected
from liontrack_stream.contract.redact import redact
from liontrack_stream.contract.times import BadTime, has_zone, iso
from liontrack_stream.contract.topics import BY_NAME
from liontrack_stream.kafka.producer import Outgoing, headers_for

SOURCE = b"http"  # in the header of an event that names no source
TIME_FIELDS = ("timestamp", "measured_at", "updated_at", "created_at", "due_date")
NO_ZONE = "timestamp_without_zone"
NO_EVENT = "not_an_event"

Adapter = Callable[[Any], dict[str, Any]]
_encode = msgspec.json.Encoder().encode


class Refused(NamedTuple):
    """An item that becomes no record: the rule that it breaks, a sentence, and its ``event_id`` where it has one."""

    rule: str
    reason: str
    event_id: str | None = None


def record_of(
    topic: str, item: bytes, pushed_by: str, value_max_bytes: int, adapt: Adapter | None = None
) -> Outgoing | Refused:
    """The record of one pushed item, a JSON text; never raises.

    Parameters
    ----------
    topic
        The contract's topic name.
    pushed_by
        Who pushes; goes into the header ``pushed-by``.
    adapt
        Makes the contract's document of what another system sends; without it the item's bytes go as they came.
    """
    try:
        if adapt is not None:
            item = _encode(adapt(msgspec.json.decode(item)))
        return _record(topic, item, pushed_by, value_max_bytes)
    except Exception as error:  # whatever an item holds, its neighbours are taken
        rejected = rejection(error, item)
        return Refused(rejected.rule, rejected.reason, _event_id(item))


def zoned(field: str, text: str) -> str:
    """A time as text, which must say its zone.

    Raises
    ------
    BrokenRule
        When it says none.
    BadTime
        When it is no ISO-8601 time.
    """
    try:
        if has_zone(text):
            return text
    except BadTime as error:
        raise BadTime(f"{field}: {error}") from None
    raise BrokenRule(NO_ZONE, f"{field} {text[:40]!r} has no zone: end it with Z, or an offset such as +02:00")


def _record(topic: str, item: bytes, pushed_by: str, value_max_bytes: int) -> Outgoing | Refused:
    event = decode(topic, None, item, value_max_bytes)
    if isinstance(event, Rejected):
        return Refused(event.rule, event.reason, _event_id(item))
    document = msgspec.json.decode(item)
    plain = unwrap(document, CONVERTERS[topic][1], None)
    if isinstance(plain, Deletion) or isinstance(event, Deletion) or plain is not document:
        raise BrokenRule(NO_EVENT, "an envelope of a database, or a deletion: push the event itself")
    for field in TIME_FIELDS:
        if isinstance(plain.get(field), str):
            zoned(field, plain[field])
    headers = headers_for(topic, iso(event.time_us).encode(), _source(event))
    key: str = getattr(event, BY_NAME[topic].key_field)
    return Outgoing(topic, key.encode(), redact(item), (*headers, ("pushed-by", pushed_by.encode())))


def _source(event: Event) -> bytes:
    source = getattr(event, "source", None)
    return source.encode() if source else SOURCE


def _event_id(item: bytes) -> str | None:
    """The ``event_id`` of an item that may be anything."""
    try:
        document = msgspec.json.decode(item)
    except Exception:
        return None
    event_id = document.get("event_id") if isinstance(document, dict) else None
    if isinstance(event_id, bool) or not isinstance(event_id, str | int):
        return None
    return str(event_id)[:128].encode(errors="replace").decode()
