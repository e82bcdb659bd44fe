"""EarthRanger's and Traccar's messages as position events: recorded examples, and what is refused with which reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Position
from liontrack_stream.contract.times import iso
from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.sources import earthranger, traccar
from liontrack_stream.sources.pushed import Adapter, Refused, record_of

FOLDER = Path(__file__).with_name("trackers")
TAG = "865205035331204"
TIME = "2026-03-01T17:30:12.000Z"


def pushed(document: Any, adapt: Adapter) -> Position:
    """The event that the stream makes of a message; the record's key is its lion."""
    record = record_of(POSITIONS.name, json.dumps(document).encode(), "gateway", 262_144, adapt)
    assert not isinstance(record, Refused), record
    event = decode(POSITIONS.name, record.key, record.value)
    assert isinstance(event, Position), event
    assert record.key == event.lion_id.encode()
    headers = dict(record.headers)
    assert headers["event-type"] == b"lion.position.update"
    assert headers["timestamp"] == iso(event.time_us).encode()
    assert headers["source"] == (event.source or "").encode()
    assert headers["pushed-by"] == b"gateway"
    return event


def refused(document: Any, adapt: Adapter) -> tuple[str, str]:
    record = record_of(POSITIONS.name, json.dumps(document).encode(), "gateway", 262_144, adapt)
    assert isinstance(record, Refused), record
    return record.rule, record.reason


def without(document: dict[str, Any], path: str, **put: Any) -> dict[str, Any]:
    """A copy without the field at a dotted path, or with another value there."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    *outer, name = path.split(".")
    inner = copy
    for step in outer:
        inner = inner[step]
    inner.pop(name, None)
    inner.update({name: put["value"]} if put else {})
    return copy


# -- EarthRanger


STATUS: dict[str, Any] = json.loads((FOLDER / "earthranger.json").read_text())[0]


def test_earthrangers_sensor_status() -> None:
    recorded = json.loads((FOLDER / "earthranger.json").read_text())
    first, second = (pushed(item, earthranger.position_of) for item in recorded)
    assert (first.lion_id, first.name, first.source) == ("ST2010-2756", "Nala", "earthranger")
    assert (first.lat, first.lng, iso(first.time_us)) == (-21.532417, 23.514962, TIME)
    assert (first.dop, first.temperature, first.altitude, first.visible) == (1.4, 29.5, None, None)
    assert first.event_id == f"earthranger:ST2010-2756:{TIME}"
    assert first.extra is not None
    assert first.extra["tag_id"] == "ST2010-2756"
    assert first.extra["earthranger"]["additional"]["battery"] == 3.61
    assert first.extra["earthranger"]["model_name"] == "savannah_tracking"
    assert iso(second.time_us) == "2026-03-01T18:00:09.000Z"  # two hours ahead of UTC
    assert second.event_id != first.event_id


def test_an_observation_that_says_its_event_id_keeps_it() -> None:
    assert pushed({**STATUS, "event_id": "obs-7"}, earthranger.position_of).event_id == "obs-7"


@pytest.mark.parametrize(
    ("path", "value", "rule", "word"),
    [
        ("manufacturer_id", None, "missing_field", "manufacturer_id"),
        ("manufacturer_id", "", "missing_field", "manufacturer_id"),
        ("manufacturer_id", ["x"], "wrong_type", "manufacturer_id"),
        ("manufacturer_id", "x" * 600, "oversized", "lion_id"),
        ("manufacturer_id", "a\x00b", "nul_byte", "NUL"),
        ("recorded_at", None, "missing_field", "recorded_at"),
        ("recorded_at", "2026-03-01T17:30:12", "timestamp_without_zone", "has no zone"),
        ("recorded_at", "2026-03-01", "timestamp_without_zone", "has no zone"),
        ("recorded_at", "yesterday", "bad_timestamp", "recorded_at"),
        ("recorded_at", True, "wrong_type", "recorded_at"),
        ("location", None, "missing_field", "location"),
        ("location.lon", None, "missing_field", "location.lon"),
        ("location.lat", "-21.5", "wrong_type", "lat"),
        ("location.lat", 91.0, "impossible_coordinate", "91"),
        ("subject_type", "vehicle", "not_a_lion", "vehicle"),
        ("subject_subtype", "elephant", "not_a_lion", "elephant"),
        ("subject_name", 7, "wrong_type", "name"),
    ],
)
def test_what_earthranger_says_wrong(path: str, value: Any, rule: str, word: str) -> None:
    got, reason = refused(without(STATUS, path, value=value), earthranger.position_of)
    assert (got, word in reason) == (rule, True), reason


# -- Traccar


DATA: dict[str, Any] = json.loads((FOLDER / "traccar.json").read_text())


def test_traccars_forwarded_json() -> None:
    event = pushed(DATA, traccar.position_of)
    assert (event.lion_id, event.name, event.source) == (TAG, "Nala", "traccar")
    assert (event.lat, event.lng, iso(event.time_us)) == (-21.532417, 23.514962, TIME)
    assert (event.altitude, event.dop, event.temperature) == (951.0, 0.9, 31.0)
    assert event.accuracy is None  # Traccar's 0: not known
    assert event.event_id == f"traccar:{TAG}:{TIME}"
    assert event.extra is not None
    assert event.extra["tag_id"] == TAG
    assert event.extra["traccar"]["speed"] == 1.07991  # knots, as it came
    assert event.extra["traccar"]["attributes"]["sat"] == 9
    assert event.visible is None


@pytest.mark.parametrize(("field", "value"), [("valid", False), ("outdated", True)])
def test_a_place_that_the_device_does_not_vouch_for_is_not_visible(field: str, value: bool) -> None:
    assert pushed(without(DATA, f"position.{field}", value=value), traccar.position_of).visible is False


@pytest.mark.parametrize(
    ("path", "value", "rule", "word"),
    [
        ("device", None, "missing_field", "device"),
        ("device.uniqueId", None, "missing_field", "device.uniqueId"),
        ("position", [], "wrong_type", "position"),
        ("position.fixTime", None, "missing_field", "position.fixTime"),
        ("position.fixTime", "2026-03-01T17:30:12.000", "timestamp_without_zone", "has no zone"),
        ("position.latitude", None, "missing_field", "position.latitude"),
        ("position.longitude", 180.5, "impossible_coordinate", "180.5"),
        ("event", {"type": "geofenceExit"}, "not_a_position", "forward.url"),
    ],
)
def test_what_traccar_says_wrong(path: str, value: Any, rule: str, word: str) -> None:
    got, reason = refused(without(DATA, path, value=value), traccar.position_of)
    assert (got, word in reason) == (rule, True), reason


@pytest.mark.parametrize("line", (FOLDER / "urls.txt").read_text().splitlines())
def test_urls_say_the_same_as_json(line: str) -> None:
    event = pushed(parse_qsl(line), traccar.position_of_parameters)
    same = pushed(DATA, traccar.position_of)
    for field in ("lion_id", "name", "source", "time_us", "lat", "lng", "altitude", "accuracy", "visible", "event_id"):
        assert getattr(event, field) == getattr(same, field), field
    assert event.extra is not None
    assert event.extra["tag_id"] == TAG
    rest = event.extra.get("traccar", {})
    assert not {"batteryLevel", "address"} & rest.keys()  # not filled in
    if "attributes" in rest:
        assert rest["attributes"] == {"hdop": 0.9, "motion": True}
        assert rest["speed"] == 1.07991


@pytest.mark.parametrize(
    ("change", "rule", "word"),
    [
        ({"id": ""}, "missing_field", "id"),
        ({"lat": ""}, "missing_field", "lat"),
        ({"lat": "NaN"}, "not_finite", "lat"),
        ({"lat": "1e999"}, "not_finite", "lat"),
        ({"lat": "1_0"}, "wrong_type", "lat"),
        ({"lon": "east"}, "wrong_type", "lon"),
        ({"lon": "181"}, "impossible_coordinate", "181"),
        ({"timestamp": ""}, "missing_field", "timestamp"),
        ({"timestamp": "2026-03-01 17:30:12"}, "timestamp_without_zone", "has no zone"),
        ({"timestamp": "2026-03-01T17:30:12 00:00"}, "bad_timestamp", "%2B"),  # a + that was not escaped
        ({"timestamp": "-5"}, "bad_timestamp", "1970"),
        ({"valid": "perhaps"}, "wrong_type", "valid"),
        ({"ID": "another"}, "wrong_type", "more than once"),
        ({"token": "eyJhbGciOi"}, "secret_in_address", "header"),
        ({"name": "a\x00b"}, "nul_byte", "NUL"),
    ],
)
def test_what_a_url_says_wrong(change: dict[str, str], rule: str, word: str) -> None:
    given = {"id": TAG, "lat": "-21.5", "lon": "23.5", "timestamp": "1772386212", **change}
    got, reason = refused(list(given.items()), traccar.position_of_parameters)
    assert (got, word in reason) == (rule, True), reason
    assert "eyJhbGciOi" not in reason


def test_a_time_from_the_epoch_is_seconds_or_milliseconds() -> None:
    for text in ("1772386212", "1772386212000", "1772386212.000"):
        pairs = [("id", TAG), ("lat", "1"), ("lon", "2"), ("timestamp", text)]
        assert iso(pushed(pairs, traccar.position_of_parameters).time_us) == TIME


@pytest.mark.parametrize("adapt", [earthranger.position_of, traccar.position_of])
@pytest.mark.parametrize("document", [None, 1, "x", [], [[]], {}, {"position": 1, "device": 2}, {"location": {}}])
def test_nonsense_is_refused_with_a_sentence(adapt: Adapter, document: Any) -> None:
    rule, reason = refused(document, adapt)
    assert rule in ("missing_field", "wrong_type") and reason
