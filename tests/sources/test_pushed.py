"""Pushed items: the bytes go as they came, what the stream would bury is refused by the same rule, and some more."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from liontrack_stream.contract.convert import CONVERTERS
from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Rejected
from liontrack_stream.contract.topics import ACTIVITIES, CHALLENGES, POSITIONS, WEIGHTS
from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.sources.pushed import Refused, record_of
from liontrack_stream.views.ingest import ROUTES
from tests.support.bad_records import BAD

TOPICS = {f"/ingest/{topic.noun}": topic for topic in (POSITIONS, WEIGHTS, ACTIVITIES, CHALLENGES)}
EXAMPLES: dict[str, dict[str, Any]] = {
    TOPICS[route.path].name: dict(route.body.example)
    for route in ROUTES
    if route.path in TOPICS and route.body is not None
}


def take(topic: str, item: Any) -> Outgoing | Refused:
    return record_of(topic, item if isinstance(item, bytes) else json.dumps(item).encode(), "gateway", 262_144)


@pytest.mark.parametrize("topic", EXAMPLES)
def test_the_bytes_and_the_key_are_as_the_contract_has_them(topic: str) -> None:
    item = json.dumps({**EXAMPLES[topic], "unknown": 12345678901234567890123, "more": 1.10}, indent=1).encode()
    record = take(topic, item)
    assert isinstance(record, Outgoing), record
    spec = next(spec for spec in TOPICS.values() if spec.name == topic)
    assert (record.topic, record.value) == (topic, item)
    assert record.key == EXAMPLES[topic][spec.key_field].encode()
    assert dict(record.headers)["timestamp"] == b"2026-01-31T12:00:00.000Z"
    assert dict(record.headers)["source"] == b"http"


@pytest.mark.parametrize("name", [name for name, (topic, _, _) in BAD.items() if topic in EXAMPLES])
def test_what_would_be_a_dead_letter_is_refused_by_the_same_rule(name: str) -> None:
    topic, value, rules = BAD[name]
    refused = take(topic, value)
    assert isinstance(refused, Refused), refused
    buried = decode(topic, None, value)
    assert isinstance(buried, Rejected)
    assert (refused.rule, refused.reason) == (buried.rule, buried.reason)
    assert refused.rule in rules


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00", "2026-03-01 12:00", "2026-03-01", "20260301T120000"])
@pytest.mark.parametrize(
    ("topic", "field"),
    [
        (POSITIONS.name, "timestamp"),
        (WEIGHTS.name, "measured_at"),
        (WEIGHTS.name, "timestamp"),
        (ACTIVITIES.name, "timestamp"),
        (CHALLENGES.name, "updated_at"),
        (CHALLENGES.name, "due_date"),
    ],
)
def test_a_time_without_a_zone_is_refused(topic: str, field: str, text: str) -> None:
    item = {**EXAMPLES[topic], field: text, "event_id": "e-9"}
    assert not isinstance(decode(topic, None, json.dumps(item).encode()), Rejected), "the stream reads it as UTC"
    refused = take(topic, item)
    assert isinstance(refused, Refused)
    assert (refused.rule, refused.event_id) == ("timestamp_without_zone", "e-9")
    assert field in refused.reason and text in refused.reason
    for zone in ("Z", "+02:00", "-0330"):
        if "T" in text and "-" in text:
            assert isinstance(take(topic, {**item, field: text + zone}), Outgoing)


def test_envelopes_and_deletions_are_no_events() -> None:
    position = EXAMPLES[POSITIONS.name]
    for item in (
        {"op": "c", "after": json.dumps(position)},
        {"op": "d", "before": json.dumps(position)},
        {"operationType": "delete", "documentKey": {"_id": "nala"}},
        {"operationType": "insert", "fullDocument": position},
        {"schema": {}, "payload": position},
    ):
        refused = take(POSITIONS.name, item)
        assert isinstance(refused, Refused)
        assert refused.rule == "not_an_event", item


def test_a_secret_does_not_reach_kafka() -> None:
    item = {**EXAMPLES[ACTIVITIES.name], "metadata": {"password": "hunter2", "kept": 1}}
    record = take(ACTIVITIES.name, item)
    assert isinstance(record, Outgoing) and record.value is not None
    assert b"hunter2" not in record.value
    assert json.loads(record.value)["metadata"]["kept"] == 1


def test_an_id_is_told_back_where_there_is_one() -> None:
    for event_id, told in (("e-1", "e-1"), (7, "7"), (True, None), ([1], None), ("x" * 999, "x" * 128)):
        refused = take(POSITIONS.name, {"event_id": event_id})
        assert isinstance(refused, Refused)
        assert refused.event_id == told


@pytest.mark.parametrize("path", TOPICS)
def test_the_described_fields_are_those_of_the_contract(path: str) -> None:
    body = next(route.body for route in ROUTES if route.path == path)
    assert body is not None
    described = {field.encode_name for field in msgspec.inspect.type_info(body.item).fields}
    convert, _ = CONVERTERS[TOPICS[path].name]
    wire = next(value for name, value in convert.__globals__.items() if name == WIRES[path])
    assert described == set(wire.__struct_fields__)


WIRES = {
    "/ingest/positions": "_PositionWire",
    "/ingest/weights": "_WeightWire",
    "/ingest/activities": "_ActivityWire",
    "/ingest/challenges": "_ChallengeWire",
}
