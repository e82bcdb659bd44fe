"""What a change of a document tells, given what was told of it before. Pure, so that a repeat tells the same.

The time of a version is the document's own (updatedAt), else MongoDB's (when the change was made), and later than that
of the version before: a document that is written without a new updatedAt is a new version one microsecond later. The
same content again is the same version, hence the same event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from liontrack_stream.contract.events import content_hash, to_json
from liontrack_stream.contract.times import exact_iso
from liontrack_stream.contract.topics import ACTIVITIES, CHALLENGES, POSITIONS, WEIGHTS
from liontrack_stream.kafka.producer import RECORD_MAX_BYTES, Outgoing, headers_for
from liontrack_stream.sources.mongo.events import SOURCE, TOPIC_OF, Entry, entry_of
from liontrack_stream.sources.mongo.mapping import NounMapping
from liontrack_stream.sources.mongo.ports import Known, KnownEvent

DELETED = b"document.deleted"
NEWEST = 1 << 62


class Change(NamedTuple):
    """A document as it is after a change, None when it is deleted.

    ``changed_us`` is when MongoDB made the change; ``dated``: the document's own updatedAt was written with it.
    ``as_of_us`` is MongoDB's logical time that the document is of, `NEWEST` where it was read when the change came;
    ``read_us`` is as in `Known`.
    """

    document_id: str
    document: Mapping[str, Any] | None
    changed_us: int
    dated: bool = True
    as_of_us: int = NEWEST
    read_us: int = 0


class Refused(ValueError):
    """A document that Kafka or Postgres cannot hold; the message says why."""


def tell(
    mapping: NounMapping, change: Change, known: Known | None, again: bool = False
) -> tuple[list[Outgoing], Known | None]:
    """The records of a change, and what is known of the document from now on.

    What Kafka is known to hold is told ``again`` only where that is asked for.

    Raises
    ------
    Refused
        When an id holds a NUL character, or the event is larger than a topic takes.
    """
    if "\x00" in change.document_id:
        raise Refused("its id holds a NUL character")
    if change.document is None:
        return _deleted(mapping, change, known)
    entry = entry_of(mapping, change.document)
    if entry is None:
        return [], known
    if "\x00" in entry.key:
        raise Refused("the id of whom it belongs to holds a NUL character")
    content = content_hash([entry.topic, entry.key, entry.own_us or entry.written_us, entry.fields])
    if known is not None and not known.deleted and known.content_hash == content:
        if known.told and not again:
            return [], known
        now = known
    elif known is not None and not known.deleted and change.as_of_us <= known.read_us:
        return [], known  # a later version was read, and told, before this change came
    else:
        version_us = _version_us(entry, change, known)
        events = _events(entry, change.document_id, version_us, known)
        now = Known(
            change.document_id,
            entry.topic,
            entry.key,
            version_us,
            content,
            events,
            read_us=change.read_us,
        )
    record = _record(entry, now)
    if len(record.value or b"") > RECORD_MAX_BYTES:
        raise Refused(f"its event has more than {RECORD_MAX_BYTES} bytes")
    return [*(_deletion_of_event(event, now.version_us) for event in now.events[:-1]), record], now


def _version_us(entry: Entry, change: Change, known: Known | None) -> int:
    if entry.topic == POSITIONS.name and entry.own_us is not None and not (known and known.deleted):
        return entry.own_us + (known is not None and known.version_us == entry.own_us)  # late fixes keep their time
    version_us = entry.own_us if entry.topic == POSITIONS.name else None
    if version_us is None:
        version_us = entry.written_us if change.dated else change.changed_us
    if version_us is None:
        version_us = change.changed_us
    return version_us if known is None else max(version_us, known.version_us + 1)


def _events(entry: Entry, document_id: str, version_us: int, known: Known | None) -> tuple[KnownEvent, ...]:
    """The events that may stand for a document from now on. The first one has the document's own id."""
    if not entry.replaces:
        return ()
    event_id = document_id if known is None else f"{document_id}@{exact_iso(version_us)}"
    before = () if known is None or known.deleted else known.events
    return (*before, (entry.topic, entry.key, event_id))


def _record(entry: Entry, now: Known) -> Outgoing:
    event_us = entry.own_us if entry.replaces and entry.own_us is not None else now.version_us
    time = exact_iso(event_us)
    event = {**entry.fields, "timestamp": time, "source": SOURCE}
    if entry.topic == CHALLENGES.name:
        event["updated_at"] = time
    if entry.replaces:
        event["weight_id" if entry.topic == WEIGHTS.name else "event_id"] = now.events[-1][2]
        event["measured_at"] = time
    headers = headers_for(entry.topic, time.encode(), SOURCE.encode())
    return Outgoing(entry.topic, entry.key.encode(), to_json(event), headers)


def _deleted(mapping: NounMapping, change: Change, known: Known | None) -> tuple[list[Outgoing], Known | None]:
    if known is None and mapping.noun == "weights":  # told by somebody else, if at all
        return [_deletion_of_event((WEIGHTS.name, change.document_id, change.document_id), change.changed_us)], None
    if known is None:
        return [_record_of_deletion(TOPIC_OF[mapping.noun], change.document_id, None, change.changed_us)], None
    now = replace(known, deleted=True, version_us=max(known.version_us, change.changed_us))
    if known.events:
        return [_deletion_of_event(event, change.changed_us) for event in known.events], now
    return [_record_of_deletion(known.topic, known.key, None, change.changed_us)], now


def _deletion_of_event(event: KnownEvent, changed_us: int) -> Outgoing:
    """A change stream's delete, as the contract reads it: of one event, not of the whole lion or user."""
    topic, key, event_id = event
    names = {"_id": event_id} | ({"userId": key} if topic == ACTIVITIES.name else {})
    return _record_of_deletion(topic, key, {"operationType": "delete", "documentKey": names}, changed_us)


def _record_of_deletion(topic: str, key: str, document: Any, changed_us: int) -> Outgoing:
    headers = (("event-type", DELETED), ("timestamp", exact_iso(changed_us).encode()), ("source", SOURCE.encode()))
    return Outgoing(topic, key.encode(), None if document is None else to_json(document), headers)
