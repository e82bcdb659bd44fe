"""A stored fix that another lion wore the collar of, into the two records that move it. Pure.

::

    silver: fix of lion A, tag 2001   ──►   fix of lion B, tag 2001      the same event, B's
    catalog: 2001 was on B then       ──►   deletion of this event at A  hides A's, whatever is replayed

The new event goes first: whoever dies between the two leaves a fix twice, which the next run sees, and not one that is
gone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Deletion
from liontrack_stream.contract.times import exact_iso
from liontrack_stream.contract.topics import POSITIONS, WEIGHTS
from liontrack_stream.kafka.producer import Headers, Outgoing
from liontrack_stream.sources.cells import BadRow
from liontrack_stream.sources.fixes import INDIVIDUAL, position_record
from liontrack_stream.sources.reference import SOURCE

_NUMBERS = ("confidence", "accuracy", "altitude", "dop", "temperature")
_DELETED: Headers = (("event-type", b"lion.position.deleted"), ("source", SOURCE.encode()))
_WEIGHT_DELETED: Headers = (("event-type", b"lion.weight.deleted"), ("source", SOURCE.encode()))


class Misplaced(NamedTuple):
    """A stored fix whose collar another lion wore: a row of ``sql/deployments/misplaced.sql``."""

    lion_id: str
    time_us: int
    tag_id: str
    to_lion: str
    lat: float
    lng: float
    name: str | None
    source: str | None
    confidence: float | None
    accuracy: float | None
    altitude: float | None
    dop: float | None
    temperature: float | None
    visible: bool | None
    event_id: str | None
    metadata: str
    taken: bool = False
    taken_by: str | None = None
    hidden: bool | None = None
    rank: int = 1

    @property
    def time(self) -> str:
        """As events tell it."""
        return exact_iso(self.time_us)


class Correction(NamedTuple):
    """The event at the right lion, and the deletion at the other."""

    event: Outgoing
    deletion: Outgoing


def correction(fix: Misplaced) -> Correction:
    """What moves a fix.

    Raises
    ------
    BadRow
        When it cannot be moved; it stays where it is, at the wrong lion.
    """
    if fix.event_id is None:
        raise BadRow("no event_id", f"it has no event_id, so it cannot be taken back from lion {fix.lion_id} alone")
    if fix.hidden:
        raise BadRow(
            "hidden at its lion",
            f"lion {fix.to_lion} had a fix of this time that was taken back, and what is hidden stays hidden",
        )
    if fix.rank > 1 or (fix.taken and fix.taken_by != fix.event_id):
        raise BadRow("time is taken", f"lion {fix.to_lion} has another fix of this time")
    return Correction(_event(fix), _deletion(fix))


def weighing_deletion(weight_id: str, lion_id: str) -> Outgoing:
    """A weighing that no deployment tells any more is taken back."""
    value = msgspec.json.encode({"op": "d", "before": {"weight_id": weight_id}})
    return Outgoing(WEIGHTS.name, lion_id.encode(), value, _WEIGHT_DELETED)


def _event(fix: Misplaced) -> Outgoing:
    """As an import would have made it, had it known the deployment: the same bytes, the same content."""
    extra: dict[str, Any] = msgspec.json.decode(fix.metadata)
    told = extra.pop(INDIVIDUAL, fix.lion_id)
    nested = extra.pop("position", None)
    event = {
        "lion_id": fix.to_lion,
        "position": {"lat": fix.lat, "lng": fix.lng, **(nested if isinstance(nested, dict) else {})},
        "timestamp": fix.time,
        **extra,
        **{name: value for name in _NUMBERS if (value := getattr(fix, name)) is not None},
        "event_id": fix.event_id,
    }
    if fix.name is not None:
        event["name"] = fix.to_lion
    if fix.source is not None:
        event["source"] = fix.source
    if fix.visible is not None:
        event["visible"] = fix.visible
    if told != fix.to_lion:
        event[INDIVIDUAL] = told
    return position_record(event, fix.source or SOURCE)


def _deletion(fix: Misplaced) -> Outgoing:
    key = fix.lion_id.encode()
    value = msgspec.json.encode({"op": "d", "before": {"lion_id": fix.lion_id, "event_id": fix.event_id}})
    if decode(POSITIONS.name, key, value) != Deletion(fix.lion_id, fix.event_id):  # an id that is the lion's own
        raise BadRow("no event_id", f"its event_id {fix.event_id!r} does not name it alone")
    return Outgoing(POSITIONS.name, key, value, _DELETED)
