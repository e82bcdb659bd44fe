"""Traccar's forwarded positions, as JSON and as parameters of a URL, into position events. Pure.

The collar is the device's ``uniqueId``, the lion's name the device's name (see `trackers`). Traccar writes 0 for an
accuracy or altitude that it does not know: 0 is left out. A position that is not ``valid``, or ``outdated``, repeats an
older place: it is kept as ``visible: false``. Speed (knots), course and the rest stay in the object ``traccar``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from liontrack_stream.contract.convert import BrokenRule
from liontrack_stream.contract.times import BadTime
from liontrack_stream.sources.trackers import fix, id_of, object_of, time_of

SOURCE = "traccar"

# Parameters of a URL by what they mean, in lower case, the first that is there counts: as `forward.url` has them in
# Traccar's documentation, and as the OsmAnd protocol names them.
IDS = ("uniqueid", "id", "deviceid")
TIMES = ("fixtime", "timestamp", "devicetime")
LATITUDES, LONGITUDES, PLACE = ("latitude", "lat"), ("longitude", "lon"), "location"
NUMBERS: dict[str, tuple[str, ...]] = {"accuracy": ("accuracy",), "altitude": ("altitude",), "dop": ("hdop",)}
_USED = frozenset({*IDS, *TIMES, *LATITUDES, *LONGITUDES, PLACE, "accuracy", "altitude", "hdop", "name", "valid"})
_SECRETS = frozenset({"token", "access_token", "jwt", "authorization", "password", "api_key", "apikey", "key"})
_POSITION_USED = frozenset({"latitude", "longitude", "altitude", "accuracy", "fixTime", "valid", "outdated"})
_EPOCH = re.compile(r"-?[0-9]{1,17}(\.[0-9]{1,9})?")
_NOT_FILLED_IN = re.compile(r"null|\{\w+\}")  # a placeholder of `forward.url` that Traccar has no value for
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})


def position_of(document: Any) -> dict[str, Any]:
    """The position event of what ``forward.type`` json sends: ``{"position": …, "device": …}``.

    Raises
    ------
    BrokenRule, BadTime
        When it lacks a device, a time with a zone or a place, or is no position.
    """
    data = object_of("the forwarded data", document)
    if "event" in data:
        raise BrokenRule("not_a_position", "a forwarded event: positions come by forward.url, not event.forward.url")
    position, device = object_of("position", data.get("position")), object_of("device", data.get("device"))
    for name in ("latitude", "longitude"):
        if position.get(name) is None:
            raise BrokenRule("missing_field", f"position.{name} is missing")
    attributes = position.get("attributes")
    numbers = attributes if isinstance(attributes, dict) else {}
    hdop, temperature = numbers.get("hdop"), numbers.get("deviceTemp")
    more = {
        "accuracy": position.get("accuracy") or None,
        "altitude": position.get("altitude") or None,
        "dop": hdop if isinstance(hdop, int | float) else None,
        "temperature": temperature if isinstance(temperature, int | float) else None,
        "visible": _visible(position.get("valid"), position.get("outdated")),
        SOURCE: {n: value for n, value in position.items() if n not in _POSITION_USED and value is not None} or None,
    }
    return fix(
        SOURCE,
        id_of("device.uniqueId", device.get("uniqueId")),
        device.get("name"),
        (position["latitude"], position["longitude"]),
        time_of("position.fixTime", position.get("fixTime")),
        more,
    )


def position_of_parameters(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The position event of the parameters that ``forward.type`` url sends, or a client of the OsmAnd protocol.

    Raises
    ------
    BrokenRule, BadTime
        When they lack a device, a time with a zone or a place, say one twice, or hold a token.
    """
    given = [(name, text) for name, text in pairs if text and not _NOT_FILLED_IN.fullmatch(text)]
    found: dict[str, str] = {}
    for name, text in given:
        if name.lower() in _SECRETS:
            raise BrokenRule("secret_in_address", f"{name[:40]} belongs into a header: addresses get logged")
        if found.setdefault(name.lower(), text) != text:
            raise BrokenRule("wrong_type", f"{name[:40]!r} is given more than once")
    rest: dict[str, Any] = {name: _value(name, text) for name, text in given if name.lower() not in _USED}
    more: dict[str, Any] = {field: _number(names[0], _first(found, names)) or None for field, names in NUMBERS.items()}
    more["visible"] = _visible(_flag(found.get("valid")), None)
    more[SOURCE] = rest or None
    tag_id = id_of("id", _first(found, IDS))
    place = _place(found)
    return fix(SOURCE, tag_id, found.get("name"), place, _time(_first(found, TIMES)), more)


def _place(found: dict[str, str]) -> tuple[float, float]:
    lat, lon = _first(found, LATITUDES), _first(found, LONGITUDES)
    if lat is None and lon is None and PLACE in found:
        lat, _, lon = found[PLACE].partition(",")
    degrees = _number("lat", lat), _number("lon", lon)
    for name, value in zip(("lat", "lon"), degrees, strict=True):
        if value is None:
            raise BrokenRule("missing_field", f"{name} is missing")
    return degrees[0] or 0.0, degrees[1] or 0.0


def _first(found: dict[str, str], names: Iterable[str]) -> str | None:
    return next((found[name] for name in names if name in found), None)


def _time(text: str | None) -> int:
    if text is not None and _EPOCH.fullmatch(text):
        return time_of("timestamp", float(text) if "." in text else int(text))
    try:
        return time_of("timestamp", text)
    except BadTime as error:
        raise BadTime(f"{error} (in an address, + is written %2B)") from None


def _number(name: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        raise BrokenRule("wrong_type", f"{name} is no number: {text[:40]!r}") from None
    if "_" in text:
        raise BrokenRule("wrong_type", f"{name} is no number: {text[:40]!r}")
    if not abs(value) < float("inf"):
        raise BrokenRule("not_finite", f"{name} is {text[:40]!r}")
    return value


def _flag(text: str | None) -> bool | None:
    if text is None:
        return None
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise BrokenRule("wrong_type", f"valid is neither true nor false: {text[:40]!r}")


def _visible(valid: Any, outdated: Any) -> bool | None:
    """False for a place that the device does not vouch for; None where it does, or does not say."""
    return False if valid is False or outdated is True else None


def _value(name: str, text: str) -> Any:
    """A parameter that the event does not know: ``attributes`` is JSON, a number a number, all else text."""
    if name.lower() == "attributes":
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    try:
        value = float(text)
    except ValueError:
        return text
    return value if "_" not in text and abs(value) < float("inf") else text
