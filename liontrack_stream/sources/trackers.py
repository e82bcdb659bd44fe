"""What the adapters for trackers have in common: a fix of a collar as a position event. Pure.

A tracker knows collars, not lions. The event's ``lion_id`` is the collar's id, for names get changed and ids do not;
its ``name`` is what the sender calls the animal. The id is in the field ``tag_id``, too, and the ``event_id`` is made
of it and the time of the fix, so that a fix can be told by its collar whichever lion it is given to later. Where a
deployment says who wore the collar then, the fix is that lion's at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liontrack_stream.contract.convert import BrokenRule
from liontrack_stream.contract.times import exact_iso, to_microseconds
from liontrack_stream.sources.deployments import Deployments
from liontrack_stream.sources.fixes import INDIVIDUAL
from liontrack_stream.sources.pushed import Adapter, zoned


def fix(
    source: str,
    tag_id: str,
    name: str | None,
    place: tuple[Any, Any],
    time_us: int,
    more: Mapping[str, Any],
    event_id: str | None = None,
) -> dict[str, Any]:
    """The contract's document of a fix.

    ``place`` is latitude and longitude in degrees, ``more`` further fields; those that are None are left out.
    """
    timestamp = exact_iso(time_us)
    event = {
        "lion_id": tag_id,
        "name": name or None,
        "position": {"lat": place[0], "lng": place[1]},
        "timestamp": timestamp,
        "source": source,
        **more,
        "event_id": event_id or f"{source}:{tag_id}:{timestamp}",
        "tag_id": tag_id,
    }
    return {field: value for field, value in event.items() if value is not None}


def worn(adapt: Adapter, deployments: Deployments) -> Adapter:
    """The adapter, with each fix given to the lion that wore the collar then, where one is known.

    What comes out is what `corrections` would make of the same fix, had the deployment become known later.
    """

    def of_the_wearer(document: Any) -> dict[str, Any]:
        event = adapt(document)
        animal = deployments.animal(event["tag_id"], to_microseconds(event["timestamp"]))
        if animal is None or animal == event["lion_id"]:
            return event
        named = {"name": animal} if "name" in event else {}
        return {**event, "lion_id": animal, **named, INDIVIDUAL: event["lion_id"]}

    return of_the_wearer


def time_of(field: str, value: Any) -> int:
    """Microseconds since the epoch of an ISO-8601 text with a zone, or of epoch seconds or milliseconds.

    Raises
    ------
    BrokenRule, BadTime
        When it is missing, of another type, has no zone, or is no time.
    """
    if value is None or value == "":
        raise BrokenRule("missing_field", f"{field} is missing")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BrokenRule("wrong_type", f"{field} is no time")
    return to_microseconds(zoned(field, value) if isinstance(value, str) else value)


def id_of(field: str, value: Any) -> str:
    """A collar's id; whole numbers are taken as well.

    Raises
    ------
    BrokenRule
        When it is missing or of another type.
    """
    if value is None or value == "":
        raise BrokenRule("missing_field", f"{field} is missing")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BrokenRule("wrong_type", f"{field} is no text")
    return str(value)


def object_of(field: str, value: Any) -> dict[str, Any]:
    """A JSON object, ``BrokenRule`` for anything else."""
    if value is None:
        raise BrokenRule("missing_field", f"{field} is missing")
    if not isinstance(value, dict):
        raise BrokenRule("wrong_type", f"{field} is no JSON object")
    return value
