"""Events with one field of each made odd, as an application would pass them and as their bytes would be."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.support.oracle import ACTIVITIES, CHALLENGES, POSITIONS, QUALITY, WEIGHTS

TIME = "2025-03-01T12:00:00.000Z"
_RIGHT: dict[str, dict[str, Any]] = {
    POSITIONS: {
        "lion_id": "l1", "position": {"lat": -21.5, "lng": 23.5}, "timestamp": TIME, "name": "Simba",
        "source": "collar", "confidence": 0.9, "accuracy": 5, "altitude": 900.5, "dop": 1, "temperature": 31,
        "visible": True, "event_id": "e1", "battery": 3.7,
    },
    WEIGHTS: {
        "weight_id": "w1", "lion_id": "l1", "weight": 180.5, "unit": "kg", "measured_at": TIME, "timestamp": TIME,
        "source": "scale", "user_id": "u1", "note": "after lunch",
    },
    ACTIVITIES: {
        "user_id": "u1", "activity_type": "login", "timestamp": TIME, "event_id": "e1", "username": "ranger",
        "email": "r@example.org", "roles": ["ranger"], "metadata": {"username": "ranger"}, "ip": "::1",
    },
    CHALLENGES: {
        "challenge_id": "c1", "user_id": "u1", "status": "pending", "title": "Track", "description": "d",
        "timestamp": TIME, "updated_at": TIME, "created_at": TIME, "due_date": TIME, "progress": 0.5, "colour": "red",
    },
    QUALITY: {
        "table_name": "t", "check_name": "c", "check_timestamp": TIME, "total_records": 3, "valid_records": 2,
        "invalid_records": 1, "quality_percentage": 66.7, "details": {"a": 1},
    },
}  # fmt: skip
_MISSING = object()
_ODD: tuple[Any, ...] = (
    _MISSING, None, True, False, 0, 1, -1, 1.5, -0.0, 90, 90.0001, -180.5, 181, 0.0004, 1e-9, 100.5, 1_740_000_000,
    1_740_000_000_000, 1_740_000_000.25, 1e11, 9e15, 1e16, 32_503_680_000, 2**53, 10**20,
    "<NaN>", "<Infinity>", "<-Infinity>",
    "", " ", "\t\n", "x", " x", "0", "12", "g", "lb", "KG", "constructor", "__proto__", "pending", "abandoned", "done",
    "Löwe 🦁", "a\0b", "\ud83e", "x" * 512, "x" * 513, "é" * 256, "é" * 257, "x" * 270_000,
    "2025-03-01", "2025-03-01T12:00:00", "2025-03-01 12:00", "2025-03-01T12:00:00+02:00", "2025-03-01T12:00:00.123456Z",
    " 2025-03-01T12:00:00Z ", "2024-02-29T00:00:00Z", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z",
    "01/03/2025", "now", "2025-03-01T24:00:00Z", "2025-03-01T12:60:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00+00:01", "3000-01-01T00:00:00Z", "2999-12-31T23:59:59.999Z",
    [], ["a"], [1], [None], [["a"]], {}, {"a": 1}, {"a": "<NaN>"}, {"a": ["\0"]}, {"\0": 1}, {"lat": 1},
    {"lat": 1, "lng": 2, "h": 3}, {"username": 5}, {"roles": ["a", 1]}, {"roles": ["a"], "email": None},
)  # fmt: skip
_NUMBERS = {"<NaN>": float("nan"), "<Infinity>": float("inf"), "<-Infinity>": float("-inf")}


class Case(NamedTuple):
    """One event. ``arguments`` go to the method of its topic; ``raw`` is what a careless producer sends."""

    topic: str
    field: str
    odd: str
    arguments: list[Any]
    raw: bytes

    def __repr__(self) -> str:
        return f"{self.topic} with {self.field} = {self.odd}"


def _case(topic: str, path: tuple[str, ...], odd: Any) -> Case:
    event = copy.deepcopy(_RIGHT[topic])
    holder = event
    for name in path[:-1]:
        holder = holder[name]
    if odd is _MISSING:
        del holder[path[-1]]
    else:
        holder[path[-1]] = odd
    raw = json.dumps(_numbers(event)).encode()
    arguments: list[Any] = [event]
    if topic == ACTIVITIES:
        metadata = {name: value for name, value in event.items() if name not in ("user_id", "activity_type")}
        arguments = [event.get("user_id"), event.get("activity_type"), metadata]
    names = (
        " ".join((*path, "event", "position.lat", "position.lng"))
        if path[-1] == "position"
        else f"{'.'.join(path)} event"
    )
    return Case(topic, _nested(names, odd), ascii("missing" if odd is _MISSING else odd)[:60], arguments, raw)


def _nested(names: str, odd: Any) -> str:
    """The names that an error may have: of the field, and of what is inside it."""
    name = names.split(" ", maxsplit=1)[0]
    return f"{names} {name}.username {name}.roles {name}.a {name}.a[0] {name}.\0" if isinstance(odd, dict) else names


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return _NUMBERS.get(value, value) if isinstance(value, str) else value


def _cases() -> Iterator[Case]:
    for topic, event in _RIGHT.items():
        paths = [(name,) for name in event]
        paths += [("position", "lat"), ("position", "lng")] if topic == POSITIONS else []
        paths += [("what_else",)]
        for path in paths:
            for odd in _ODD:
                if not (odd is _MISSING and path[0] not in event):
                    yield _case(topic, path, odd)
        for envelope in (
            {"op": "u", "after": {}},
            {"operationType": "insert", "documentKey": {}},
            {"schema": 1, "payload": {}},
        ):
            [first, *_] = envelope
            case = _case(topic, (first,), envelope[first])
            given = {**(case.arguments[-1]), **envelope}
            raw = json.dumps({**event, **envelope}).encode()
            yield case._replace(field="op operationType schema", arguments=[*case.arguments[:-1], given], raw=raw)


CASES: tuple[Case, ...] = tuple(_cases())
