"""EarthRanger's sensor status, as posted to its ``/sensors/generic/<provider>/status``, into position events. Pure.

The collar is ``manufacturer_id``, the lion's name ``subject_name`` (see `trackers`). ``additional`` and other fields
stay in the event, in the object ``earthranger``. An observation of what is no lion is refused: a site's feed may hold
vehicles and rangers as well.
"""

from __future__ import annotations

from typing import Any

from liontrack_stream.contract.convert import BrokenRule
from liontrack_stream.sources.trackers import fix, id_of, object_of, time_of

SOURCE = "earthranger"
NOT_A_LION = "not_a_lion"

# Where an optional number comes from: the first name in `additional`. Metres, metres, none, degrees Celsius.
NUMBERS: dict[str, tuple[str, ...]] = {
    "accuracy": ("accuracy",),
    "altitude": ("altitude", "elevation"),
    "dop": ("hdop", "dop"),
    "temperature": ("temperature", "temp"),
}
_USED = frozenset({"location", "recorded_at", "manufacturer_id", "subject_name", "event_id"})


def position_of(document: Any) -> dict[str, Any]:
    """The position event of one observation.

    Raises
    ------
    BrokenRule, BadTime
        When it lacks a collar, a time with a zone or a place, or is of something that is no lion.
    """
    observation = object_of("the observation", document)
    tag_id = id_of("manufacturer_id", observation.get("manufacturer_id"))
    _check_kind(observation)
    location = object_of("location", observation.get("location"))
    for name in ("lat", "lon"):
        if location.get(name) is None:
            raise BrokenRule("missing_field", f"location.{name} is missing")
    additional = observation.get("additional")
    numbers = additional if isinstance(additional, dict) else {}
    more: dict[str, Any] = {field: _number(numbers, names) for field, names in NUMBERS.items()}
    more[SOURCE] = {name: value for name, value in observation.items() if name not in _USED} or None
    event_id = observation.get("event_id")
    return fix(
        SOURCE,
        tag_id,
        observation.get("subject_name"),
        (location["lat"], location["lon"]),
        time_of("recorded_at", observation.get("recorded_at")),
        more,
        event_id if isinstance(event_id, str) else None,
    )


def _check_kind(observation: dict[str, Any]) -> None:
    """``BrokenRule`` where the observation says that it is of something else than a lion."""
    kind, subtype = observation.get("subject_type"), observation.get("subject_subtype")
    if isinstance(kind, str) and kind.lower() not in ("", "wildlife", "unassigned"):
        raise BrokenRule(NOT_A_LION, f"subject_type {kind[:40]!r} is not wildlife")
    if isinstance(subtype, str) and subtype.lower() not in ("", "unassigned") and "lion" not in subtype.lower():
        raise BrokenRule(NOT_A_LION, f"subject_subtype {subtype[:40]!r} is no lion")


def _number(numbers: dict[str, Any], names: tuple[str, ...]) -> float | None:
    found = (numbers.get(name) for name in names)
    return next((value for value in found if isinstance(value, int | float) and not isinstance(value, bool)), None)
