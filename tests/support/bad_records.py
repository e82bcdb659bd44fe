"""Records that break the contract, each with the rules it may fail by (contract §1): every one is a dead letter.

``BAD`` maps a case's name to (topic, value, rules). No entry depends on its neighbours, and none may stop a worker.
"""

from __future__ import annotations

import json
from typing import Any

from .oracle import ACTIVITIES, CHALLENGES, POSITIONS, QUALITY, WEIGHTS

TIME = "2025-03-01T00:00:00Z"
GOOD: dict[str, dict[str, Any]] = {
    POSITIONS: {"lion_id": "lion-1", "name": "Nala", "position": {"lat": -21.5, "lng": 23.5}, "timestamp": TIME},
    WEIGHTS: {"weight_id": "w-1", "lion_id": "lion-1", "weight": 180.5, "unit": "kg", "measured_at": TIME},
    ACTIVITIES: {"user_id": "user-1", "activity_type": "login", "timestamp": TIME},
    CHALLENGES: {
        "challenge_id": "c-1",
        "user_id": "user-1",
        "title": "Track",
        "status": "pending",
        "updated_at": TIME,
        "timestamp": TIME,
    },
    QUALITY: {
        "table_name": "silver.lions",
        "check_name": "not_null",
        "check_timestamp": TIME,
        "total_records": 10,
        "valid_records": 9,
        "invalid_records": 1,
        "quality_percentage": 90.0,
    },
}
IDS: dict[str, tuple[str, ...]] = {
    POSITIONS: ("lion_id",),
    WEIGHTS: ("weight_id", "lion_id"),
    ACTIVITIES: ("user_id", "activity_type"),
    CHALLENGES: ("challenge_id", "user_id"),
    QUALITY: ("table_name", "check_name"),
}
TIMES = {
    POSITIONS: "timestamp",
    WEIGHTS: "measured_at",
    ACTIVITIES: "timestamp",
    CHALLENGES: "updated_at",
    QUALITY: "check_timestamp",
}

Case = tuple[str, bytes, frozenset[str]]
BAD: dict[str, Case] = {}


def _text(document: Any) -> bytes:
    return json.dumps(document).encode()


def _case(name: str, topic: str, value: bytes, *rules: str) -> None:
    BAD[f"{topic.split('.')[1]}: {name}"] = (topic, value, frozenset(rules))


def _with(topic: str, **fields: Any) -> bytes:
    return _text({**GOOD[topic], **fields})


def _position(lat: str = "-21.5", lng: str = "23.5", more: str = "") -> bytes:
    return f'{{"lion_id":"a","position":{{"lat":{lat},"lng":{lng}}},"timestamp":"{TIME}"{more}}}'.encode()


def _debezium(inner: str) -> bytes:
    return _text({"op": "u", "before": None, "after": inner, "source": {"db": "liontrack"}, "ts_ms": 1740787200000})


for _topic, _good in GOOD.items():
    _valid = _text(_good)
    _case("empty value", _topic, b"", "malformed_json")
    _case("cut short", _topic, _valid[:-1], "malformed_json")
    _case("trailing text", _topic, _valid + b"{}", "malformed_json")
    _case("trailing NUL", _topic, _valid + b"\x00", "malformed_json", "nul_byte")
    _case("not JSON", _topic, b"<event/>", "malformed_json")
    _case("an array", _topic, b"[" + _valid + b"]", "wrong_type")
    _case("null", _topic, b"null", "wrong_type")
    _case("invalid UTF-8", _topic, _valid[:-1] + b',"note":"\xff\xfe"}', "invalid_utf8")
    _case("NUL in an unknown field", _topic, _valid[:-1] + b',"note":"a\\u0000b"}', "nul_byte")
    _case("NUL in an unknown name", _topic, _valid[:-1] + b',"a\\u0000":{"b":[1]}}', "nul_byte")
    _case("NUL in a nested text", _topic, _valid[:-1] + b',"note":{"a":["\\u0000"]}}', "nul_byte")
    _case("NUL byte in a text", _topic, _valid[:-1] + b',"note":"\x00"}', "malformed_json", "nul_byte")
    _case("lone surrogate", _topic, _valid[:-1] + b',"note":"\\ud800 "}', "malformed_json", "invalid_utf8")
    _case("number beyond double", _topic, _valid[:-1] + b',"note":1e999}', "not_finite")
    _case(
        "too deep",
        _topic,
        _valid[:-1] + b',"note":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        "too_nested",
        "malformed_value",
    )
    _case("oversized", _topic, _with(_topic, note="x" * 300_000), "oversized")
    _case("envelope without document", _topic, _text({"op": "c", "before": None, "after": None}), "bad_envelope")
    _case("enveloped non-object", _topic, _debezium("[1]"), "bad_envelope")
    _case("enveloped id", _topic, _debezium('{"$oid": "0:"}'), "bad_envelope")
    _case(
        "enveloped astronomic date",
        _topic,
        _debezium(json.dumps({**_good, TIMES[_topic]: {"$date": 10**38}})),
        "bad_timestamp",
    )
    _case("enveloped cut short", _topic, _debezium(json.dumps(_good)[:-1]), "malformed_json", "bad_envelope")
    _case("enveloped NUL", _topic, _debezium(json.dumps({**_good, "note": "a\x00"})), "nul_byte")
    _case(
        "enveloped depth",
        _topic,
        _debezium(json.dumps(_good)[:-1] + ',"note":' + "[" * 9000 + "]" * 9000 + "}"),
        "too_nested",
        "malformed_value",
    )
    _odd = {**_good, "note": {"$numberInt": [1]}}
    _case("enveloped odd number", _topic, _debezium(json.dumps(_odd)), "malformed_value", "wrong_type", "bad_envelope")
    for _field in IDS[_topic]:
        if _field != "activity_type":
            _case(
                f"no {_field}",
                _topic,
                _text({f: v for f, v in _good.items() if f != _field}),
                "missing_field",
                "missing_id",
            )
        _case(f"empty {_field}", _topic, _with(_topic, **{_field: ""}), "missing_id")
        _case(f"blank {_field}", _topic, _with(_topic, **{_field: " \t"}), "missing_id")
        _case(f"null {_field}", _topic, _with(_topic, **{_field: None}), "missing_id", "wrong_type")
        _case(f"number as {_field}", _topic, _with(_topic, **{_field: 7}), "wrong_type")
        _case(f"NUL in {_field}", _topic, _with(_topic, **{_field: "a\x00"}), "nul_byte")
        _case(f"oversized {_field}", _topic, _with(_topic, **{_field: "é" * 5000}), "oversized")
    for _name, _time in {
        "no time": "yesterday",
        "empty time": "",
        "month 13": "2025-13-01T00:00:00Z",
        "February 30": "2025-02-30T00:00:00Z",
        "before 1970": "1969-12-31T23:59:59Z",
        "far future": "9999-12-31T23:59:59-14:00",
        "year 1 with an offset": "0001-01-01T00:00:00+14:00",
        "negative epoch": -1,
        "astronomic epoch": 10**17,
        "time as flag": True,
        "time as object": {"at": TIME},
    }.items():
        _case(_name, _topic, _with(_topic, **{TIMES[_topic]: _time}), "bad_timestamp", "wrong_type")

for _name, _lat, _lng in (
    ("latitude over 90", "90.0000001", "0"),
    ("longitude under -180", "0", "-180.0000001"),
):
    _case(_name, POSITIONS, _position(_lat, _lng), "impossible_coordinate")
_case("NaN latitude", POSITIONS, _position("NaN"), "not_finite")
_case("infinite longitude", POSITIONS, _position(lng="-Infinity"), "not_finite")
_case("latitude beyond double", POSITIONS, _position("1e400"), "not_finite")
_case("text latitude", POSITIONS, _position('"-21.5"'), "wrong_type")
_case("null latitude", POSITIONS, _position("null"), "wrong_type", "missing_field")
_case("flag as latitude", POSITIONS, _position("true"), "wrong_type")
_case("no position", POSITIONS, _text({"lion_id": "a", "timestamp": TIME}), "missing_field")
_case("no longitude", POSITIONS, _with(POSITIONS, position={"lat": 1.0}), "missing_field")
_case("position as pair", POSITIONS, _with(POSITIONS, position=[1.0, 2.0]), "wrong_type")
_case("text accuracy", POSITIONS, _position(more=',"accuracy":"5 m"'), "wrong_type")
_case("NaN accuracy", POSITIONS, _position(more=',"accuracy":NaN'), "not_finite")
_case("visible as text", POSITIONS, _position(more=',"visible":"false"'), "wrong_type")
_case("no time at all", POSITIONS, b'{"lion_id":"a","position":{"lat":1,"lng":2}}', "missing_field")
for _name, _weight in {"zero": 0, "negative": -180.5, "vanishing": 5e-324}.items():
    _case(f"{_name} weight", WEIGHTS, _with(WEIGHTS, weight=_weight, unit="g"), "non_positive_weight")
_case("text weight", WEIGHTS, _with(WEIGHTS, weight="180"), "wrong_type")
_case("NaN weight", WEIGHTS, _text(GOOD[WEIGHTS]).replace(b"180.5", b"NaN"), "not_finite")
_case("unknown unit", WEIGHTS, _with(WEIGHTS, unit="stone"), "unknown_unit")
_case("no time at all", WEIGHTS, b'{"weight_id":"w","lion_id":"a","weight":180}', "missing_field")
_case("text roles", ACTIVITIES, _with(ACTIVITIES, roles="admin"), "wrong_type")
_case("number as email", ACTIVITIES, _with(ACTIVITIES, metadata={"email": 1}), "wrong_type")
_case("unknown status", CHALLENGES, _with(CHALLENGES, status="done"), "unknown_status")
_case("bad created_at", CHALLENGES, _with(CHALLENGES, created_at="soon"), "bad_timestamp")
_case("NaN progress", CHALLENGES, _text(GOOD[CHALLENGES])[:-1] + b',"progress":NaN}', "not_finite")
_case("percentage over 100", QUALITY, _with(QUALITY, quality_percentage=100.1), "impossible_percentage")
_case("negative count", QUALITY, _with(QUALITY, valid_records=-1), "negative_count")
_case("count beyond 63 bits", QUALITY, _with(QUALITY, total_records=1 << 63), "oversized")
_case("fractional count", QUALITY, _with(QUALITY, total_records=1.5), "wrong_type")
