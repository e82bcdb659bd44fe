"""Decoding: every form the contract names, and every way to break it."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liontrack_stream.contract.decode import decode, decode_batch
from liontrack_stream.contract.events import Activity, Deletion, Position, Positions, Rejected
from liontrack_stream.contract.topics import TOPICS

POSITIONS = "lions.position.events"
MIDNIGHT_US = 1_292_716_800_000_000  # 2010-12-19T00:00:00Z
FIX = {
    "lion_id": "a",
    "name": "Simba",
    "position": {"lat": -21.1, "lng": 22.2},
    "timestamp": "2010-12-19T00:00:00.000Z",
}


def fix(**changes: Any) -> Any:
    return decode(POSITIONS, b"a", json.dumps({**FIX, **changes}).encode())


@pytest.mark.parametrize(
    "timestamp",
    [
        "2010-12-19T00:00:00Z",
        "2010-12-19T02:00:00.000+02:00",
        "2010-12-19 00:00:00.000",
        "2010-12-19",
        1292716800,
        1292716800.0,
        1292716800000,
        1292716800000.0,
    ],
)
def test_every_form_of_a_time_is_the_same_moment(timestamp: Any) -> None:
    assert fix(timestamp=timestamp).time_us == MIDNIGHT_US
    assert fix(timestamp=timestamp, unknown=1).time_us == MIDNIGHT_US


def test_digits_beyond_microseconds_are_read_alike_with_and_without_unknown_fields() -> None:
    stamp = "2010-12-19T00:00:00.1234567Z"
    assert fix(timestamp=stamp).time_us == fix(timestamp=stamp, unknown=1).time_us


def test_unknown_fields_are_kept_at_both_levels() -> None:
    event = fix(collar="X1", position={"lat": -21.1, "lng": 22.2, "alt": 3})
    assert event.extra == {"collar": "X1", "position": {"alt": 3}}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"lion_id": ""}, "missing_id"),
        ({"lion_id": " \t"}, "missing_id"),
        ({"lion_id": 5}, "wrong_type"),
        ({"lion_id": None}, "wrong_type"),
        ({"lion_id": "x" * 600}, "oversized"),
        ({"position": {"lat": 90.001, "lng": 0}}, "impossible_coordinate"),
        ({"position": {"lat": 0, "lng": -180.5}}, "impossible_coordinate"),
        ({"position": {"lat": "1", "lng": 0}}, "wrong_type"),
        ({"position": {"lat": 1}}, "missing_field"),
        ({"position": {"lat": float("nan"), "lng": 0}}, "not_finite"),
        ({"position": {"lat": float("inf"), "lng": 0}}, "not_finite"),
        ({"name": "a\x00b"}, "nul_byte"),
        ({"timestamp": "yesterday"}, "bad_timestamp"),
        ({"timestamp": 10**30}, "bad_timestamp"),
        ({"timestamp": "1969-12-31T23:59:59Z"}, "bad_timestamp"),
        ({"deep": json.loads("[" * 70 + "]" * 70)}, "too_nested"),
        ({"long": "x" * 300_000}, "oversized"),
    ],
)
def test_a_broken_rule_is_named(changes: dict[str, Any], rule: str) -> None:
    rejected = fix(**changes)
    assert isinstance(rejected, Rejected)
    assert rejected.rule == rule


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"[]", "wrong_type"),
        (b'{"lion_id":"\xff"}', "invalid_utf8"),
        (b"[" * 100_000, "malformed_value"),
        (b'{"lion_id":"\\ud800"}', "malformed_json"),
    ],
)
def test_bytes_that_are_no_event(value: bytes, rule: str) -> None:
    rejected = decode(POSITIONS, b"k", value)
    assert isinstance(rejected, Rejected)
    assert rejected.rule == rule


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert fix(name="a\\u0000b").name == "a\\u0000b"


def test_content_does_not_depend_on_form() -> None:
    one = decode(POSITIONS, b"", json.dumps({**FIX, "x": {"b": 1, "a": 2}}).encode())
    two = decode(POSITIONS, b"", json.dumps({"x": {"a": 2, "b": 1}, **FIX}, indent=2).encode())
    assert isinstance(one, Position)
    assert isinstance(two, Position)
    assert one == two


def test_debezium_carries_the_document_after_the_change() -> None:
    after = {"_id": {"$oid": "65f"}, "position": {"lat": 1.5, "lng": {"$numberDouble": "2.5"}}}
    envelope = {"op": "u", "before": None, "after": json.dumps({**after, "timestamp": {"$date": 1292716800000}})}
    event = decode(POSITIONS, b"k", json.dumps(envelope).encode())
    assert isinstance(event, Position)
    assert (event.lion_id, event.lng, event.time_us) == ("65f", 2.5, MIDNIGHT_US)


def test_a_nul_in_debezium_s_inner_text_is_found() -> None:
    after = json.dumps({**FIX, "x": "\x00"})
    rejected = decode(POSITIONS, b"k", json.dumps({"op": "c", "before": None, "after": after}).encode())
    assert isinstance(rejected, Rejected)
    assert rejected.rule == "nul_byte"


def test_a_change_stream_document() -> None:
    change = {"operationType": "insert", "documentKey": {"_id": "q"}, "fullDocument": {**FIX, "_id": {"$oid": "65f"}}}
    event = decode(POSITIONS, b"k", json.dumps(change).encode())
    assert isinstance(event, Position)
    assert (event.lion_id, event.event_id) == ("a", "65f")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"65f", None),
        (b'"65f"', None),
        (b'{"id":"{\\"$oid\\":\\"65f\\"}"}', json.dumps({"op": "d", "before": None}).encode()),
        (b"", json.dumps({"operationType": "delete", "documentKey": {"_id": {"$oid": "65f"}}}).encode()),
    ],
)
def test_deletions_name_their_entity(key: bytes, value: bytes | None) -> None:
    assert decode(POSITIONS, key, value) == Deletion("65f")


@pytest.mark.parametrize(
    ("topic", "before", "deletion"),
    [
        (POSITIONS, {"_id": {"$oid": "e1"}, "lion_id": "a"}, Deletion("a", "e1")),
        (POSITIONS, {"_id": "a", "lionId": "a"}, Deletion("a")),
        ("users.activity.events", {"_id": "act", "userId": "u"}, Deletion("u", "act")),
        ("lions.weight.events", {"_id": "w", "lionId": "a"}, Deletion("w")),
        ("lions.weight.events", {"_id": "x", "weight_id": "w"}, Deletion("w")),
    ],
)
def test_a_deletion_of_one_event_names_it_as_its_insert_did(topic: str, before: Any, deletion: Deletion) -> None:
    envelope = {"op": "d", "before": json.dumps(before), "after": None, "source": {}}
    assert decode(topic, None, json.dumps(envelope).encode()) == deletion


def test_profiles_are_found_and_passwords_are_not_kept() -> None:
    document = {
        "user_id": "u",
        "activity_type": "login",
        "timestamp": 1292716800,
        "password": "geheim",
        "metadata": {"username": "bob", "roles": ["ranger"], "Token": "geheim"},
    }
    event = decode("users.activity.events", b"u", json.dumps(document).encode())
    assert isinstance(event, Activity)
    assert (event.username, event.roles) == ("bob", ("ranger",))
    assert "geheim" not in repr(event)


@given(st.sampled_from([topic.name for topic in TOPICS]), st.binary(max_size=200) | st.none(), st.binary(max_size=200))
def test_no_bytes_raise(topic: str, key: bytes | None, value: bytes) -> None:
    decode(topic, key, value)
    decode(topic, key, None)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FIX, "op", "after", "$date"]), inner),
    max_leaves=10,
)


_PLAIN = [
    {**FIX, "lion_id": f"lion-{n}", "timestamp": 1292716800 + n, "accuracy": n, "event_id": "e"} for n in range(3)
]
_ODD = st.sampled_from(
    [
        *({**FIX, **change} for change in ({"event_id": 7}, {"lion_id": ""}, {"lion_id": "a" * 600}, {"pack": "x"})),
        *({**FIX, "position": {"lat": lat, "lng": lng}} for lat, lng in ((-90.5, 0), (0, 180.5), (90, -180))),
        *({**FIX, "timestamp": time} for time in ("2010-12-19T02:00:00+02:00", "yesterday", -1)),
    ]
)


@given(st.lists(st.sampled_from(_PLAIN) | _ODD | _json, max_size=6), st.booleans())
def test_a_batch_is_decoded_as_its_records_are(documents: list[Any], tombstone: bool) -> None:
    values = [json.dumps(document).encode() for document in documents] + [None] * tombstone
    keys = [b"k%d" % n for n in range(len(values))]
    assert list(decode_batch(POSITIONS, keys, values)) == list(map(partial(decode, POSITIONS), keys, values))


def test_a_batch_of_plain_fixes_is_columns() -> None:
    values = [json.dumps(document).encode() for document in _PLAIN]
    decoded = decode_batch(POSITIONS, [b"k"] * 3, values)
    assert isinstance(decoded, Positions)
    assert list(decoded) == [decode(POSITIONS, b"k", value) for value in values]
    assert {event.rule for event in decode_batch(POSITIONS, [b"k"] * 3, values, 20)} == {"oversized"}


@given(st.sampled_from([topic.name for topic in TOPICS]), _json)
def test_no_json_raises(topic: str, document: Any) -> None:
    decode(topic, b"k", json.dumps(document).encode())
