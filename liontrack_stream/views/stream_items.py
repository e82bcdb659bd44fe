"""Server-sent events, and who may see which. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from liontrack_stream.core.windows import WINDOW_US
from liontrack_stream.views.bodies.stream import Hello, NewPosition, Reset, Revision
from liontrack_stream.views.positions import PositionAccess
from liontrack_stream.views.responses import encode
from liontrack_stream.views.stream_cursor import TOPICS, Key, key_text

FRESH, AGED, REVISED = range(3)  # kinds of events, as keys begin
_USERS = frozenset({"gold.users_activity", "gold.user_windows"})
_PERIODS = {"gold.lion_windows": timedelta(microseconds=WINDOW_US), "gold.lions_metrics": timedelta(days=1)}
# What delayed viewers see of a row, as in exports: no sums, boxes, first and last fixes, distances, speeds or rests.
_OPEN = {
    "gold.lion_windows": frozenset({"fixes", "mean_lat", "mean_lng"}),
    "gold.lions_metrics": frozenset(
        {
            *("avg_weight", "min_weight", "max_weight", "weight_count", "weight_trend"),
            *("health_score", "status", "tracking_frequency"),
        }
    ),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event without its id. ``lion_id``: of which lion, ``user_id``: of which user; neither: for everybody."""

    key: Key
    text: bytes
    lion_id: str | None = None
    user_id: str | None = None


def event_text(name: str, data: Hello | NewPosition | Revision | Reset) -> bytes:
    """The lines of an event but for its id."""
    return b"event: %b\ndata: %b\n" % (name.encode(), encode(data))


def with_ids(events: Iterable[Event], prefix: str) -> bytes:
    """Events as they are sent."""
    head = prefix.encode()
    return b"".join(b"%bid: %b%b\n\n" % (event.text, head, key_text(event.key).encode()) for event in events)


def with_id(text: bytes, id_: str) -> bytes:
    """One event as it is sent; of no text: an id alone, which nobody sees as an event."""
    return b"%bid: %b\n\n" % (text, id_.encode())


def position_event(kind: int, row: Mapping[str, Any], access: PositionAccess) -> Event:
    """A fix as a viewer may see it."""
    shown = access.show({"lat": row["lat"], "lng": row["lng"], "accuracy": row.get("accuracy")})
    data = NewPosition(
        lion_id=row["lion_id"],
        position_date=row["event_time"],
        lat=shown["lat"],
        lng=shown["lng"],
        accuracy=shown["accuracy"],
        fixes=row["fixes"],
    )
    return Event((kind, 0, row["partition"], row["offset"]), event_text("position", data), row["lion_id"])


def reset_text(reason: str) -> bytes:
    """What says that the rest is not told one by one."""
    return event_text("reset", Reset(reason=reason))


def revision_event(row: Mapping[str, Any], access: PositionAccess, until: datetime | None) -> Event | None:
    """A revision as a viewer may see it; None where it is none of theirs.

    Delayed viewers, with ``until``, learn of lions' periods that are over by then. A period that is not has not been
    told to them, so nothing is revised when it comes of age.
    """
    table, entity, start = row["table_name"], row["entity_id"], row["period_start"]
    of_user = table in _USERS
    changes = orjson.loads(row["changes"])
    if not of_user and until is not None:
        if table not in _OPEN or start + _PERIODS[table] > until:
            return None
        changes = _generalised(changes, _OPEN[table], access)
        if not changes and row["kind"] == "changed":
            return None
    data: Revision = {
        "table_name": table,
        "entity_id": entity,
        "period_start": start,
        "from": None if row["kind"] == "created" else {name: before for name, (before, _) in changes.items()},
        "to": None if row["kind"] == "removed" else {name: after for name, (_, after) in changes.items()},
    }
    key = (REVISED, TOPICS.index(row["topic"]), row["partition"], row["revision_id"])
    whose = {"user_id": entity} if of_user else {"lion_id": entity}
    return Event(key, event_text("revision", data), **whose)


def _generalised(changes: Mapping[str, Any], open_: frozenset[str], access: PositionAccess) -> dict[str, Any]:
    """The changes of open columns that are still some on the grid."""
    before, after = (
        access.show({name: pair[side] for name, pair in changes.items() if name in open_}) for side in (0, 1)
    )
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}
