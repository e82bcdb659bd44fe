"""What a change tells: versions in order, repeats the same bytes, corrections of weighings."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Activity, Challenge, Deletion, Position, Weight
from liontrack_stream.contract.topics import ACTIVITIES, CHALLENGES, POSITIONS, WEIGHTS
from liontrack_stream.sources.mongo.mapping import DEFAULTS
from liontrack_stream.sources.mongo.ports import Known
from liontrack_stream.sources.mongo.tell import Change, Refused, tell

AT = datetime(2025, 3, 1, 9)
AT_US = 1_740_819_600_000_000
CHALLENGE = {"_id": "c", "title": "Walk", "status": "pending", "user": "u", "createdAt": AT, "updatedAt": AT}
WEIGHED = {"_id": "w", "weight": 71.5, "date": AT, "user": "u", "updatedAt": AT}
CHANGED_US = AT_US + 3_600_000_000


def told(noun: str, document: Any, known: Known | None = None, **more: Any) -> tuple[list[Any], Known | None]:
    """The decoded events, and what is known then; each record has the key that its decoded event names."""
    change = Change(str((document or {"_id": more.pop("gone", "")})["_id"]), document, CHANGED_US, **more)
    records, now = tell(DEFAULTS[noun], change, known)
    return [decode(record.topic, record.key, record.value) for record in records], now


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def test_each_version_of_a_challenge_is_an_event() -> None:
    (first,), known = told("challenges", CHALLENGE)
    (second,), _ = told("challenges", {**CHALLENGE, "status": "completed", "updatedAt": after(1)}, known)
    assert isinstance(first, Challenge)
    assert isinstance(second, Challenge)
    assert (first.challenge_id, first.user_id, first.status, first.time_us) == ("c", "u", "pending", AT_US)
    assert (second.status, second.time_us) == ("completed", AT_US + 60_000_000)


def test_the_same_content_is_told_again_only_until_kafka_is_known_to_hold_it() -> None:
    first, known = told("challenges", CHALLENGE)
    repeat, same = told("challenges", CHALLENGE, known)
    assert repeat == first
    assert same == known
    assert known is not None
    assert told("challenges", CHALLENGE, replace(known, told=True))[0] == []


def test_a_write_without_a_new_updated_at_is_a_later_version() -> None:
    _, known = told("challenges", CHALLENGE)
    (raw,), known = told("challenges", {**CHALLENGE, "title": "Run"}, known, dated=False)
    assert raw.time_us == CHANGED_US  # when MongoDB made it
    (again,), _ = told("challenges", {**CHALLENGE, "title": "Swim"}, known)
    assert again.time_us == CHANGED_US + 1


def test_a_user_s_weighing_that_is_corrected_counts_once() -> None:
    (first,), known = told("weights", WEIGHED)
    assert isinstance(first, Activity)
    assert (first.user_id, first.activity_type, first.time_us, first.event_id) == ("u", "weight_entry", AT_US, "w")
    (gone, second), known = told("weights", {**WEIGHED, "weight": 72, "updatedAt": after(1)}, known)
    assert gone == Deletion("u", "w")
    assert (second.event_id, second.time_us) == ("w@2025-03-01T09:01:00.000Z", AT_US)
    deletions, _ = told("weights", None, known, gone="w")
    assert deletions == [Deletion("u", "w"), Deletion("u", "w@2025-03-01T09:01:00.000Z")]


def test_a_weighing_moves_from_a_user_to_a_lion() -> None:
    _, known = told("weights", WEIGHED)
    change = Change("w", {**WEIGHED, "lion": "l", "updatedAt": after(1)}, CHANGED_US)
    (gone, weighed), _ = tell(DEFAULTS["weights"], change, known)
    assert (gone.topic, gone.key) == (ACTIVITIES.name, b"u")
    assert (weighed.topic, weighed.key) == (WEIGHTS.name, b"l")
    event = decode(weighed.topic, weighed.key, weighed.value)
    assert isinstance(event, Weight)
    assert (event.lion_id, event.user_id, event.weight, event.time_us) == ("l", "u", 71.5, AT_US)


def test_a_document_that_comes_back_is_a_new_version() -> None:
    _, known = told("challenges", CHALLENGE)
    deleted, known = told("challenges", None, known, gone="c")
    assert deleted == [Deletion("c")]
    (back,), _ = told("challenges", CHALLENGE, known)  # the same document, as from a backup
    assert back.time_us > CHANGED_US


def test_a_lion_s_fixes_keep_their_times() -> None:
    lion = {"_id": "l", "name": "Simba", "position": {"lat": 1.5, "lng": 2}, "lastUpdate": AT, "updatedAt": after(9)}
    (first,), known = told("lions", lion)
    assert isinstance(first, Position)
    assert first.time_us == AT_US
    (late,), known = told("lions", {**lion, "position": {"lat": 1.4, "lng": 2}, "lastUpdate": after(-5)}, known)
    assert late.time_us == AT_US - 300_000_000
    (corrected,), _ = told("lions", {**lion, "position": {"lat": 1.3, "lng": 2}, "lastUpdate": after(-5)}, known)
    assert corrected.time_us == late.time_us + 1


@pytest.mark.parametrize(
    ("noun", "topic"), [("users", ACTIVITIES), ("challenges", CHALLENGES), ("lions", POSITIONS), ("weights", WEIGHTS)]
)
def test_what_was_never_told_is_deleted_by_its_id(noun: str, topic: Any) -> None:
    records, known = tell(DEFAULTS[noun], Change("x", None, CHANGED_US), None)
    assert known is None
    assert [(r.topic, r.key, decode(r.topic, r.key, r.value)) for r in records] == [(topic.name, b"x", Deletion("x"))]


def test_what_cannot_be_held_is_refused() -> None:
    for document in ({**CHALLENGE, "_id": "a\0b"}, {**WEIGHED, "user": "a\0b"}, {**CHALLENGE, "title": "x" * 10**6}):
        noun = "weights" if "weight" in document else "challenges"
        with pytest.raises(Refused):
            tell(DEFAULTS[noun], Change(str(document["_id"]), document, CHANGED_US), None)


def test_records_say_where_they_come_from() -> None:
    (record,), _ = tell(DEFAULTS["challenges"], Change("c", CHALLENGE, CHANGED_US), None)
    assert dict(record.headers) == {
        "event-type": b"challenge.status.changed",
        "timestamp": b"2025-03-01T09:00:00.000Z",
        "source": b"mongodb",
    }
    assert json.loads(record.value or b"")["source"] == "mongodb"


def test_a_version_that_a_look_up_has_overtaken_is_not_told() -> None:
    """Update, replace, update: the first look-up finds the last state, and the replace comes with its own."""
    first, known = told("challenges", {**CHALLENGE, "title": "third", "updatedAt": after(3)}, read_us=3)
    second, known = told("challenges", {**CHALLENGE, "title": "second", "updatedAt": after(2)}, known, as_of_us=2)
    third, known = told("challenges", {**CHALLENGE, "title": "third", "updatedAt": after(3)}, known, read_us=5)
    assert [event.time_us - AT_US for event in (*first, *second, *third)] == [180_000_000, 180_000_000]
    restored_doc = {**CHALLENGE, "title": "second", "updatedAt": after(2)}
    (restored,), _ = told("challenges", restored_doc, known, as_of_us=4)
    assert restored.time_us == AT_US + 180_000_001  # nothing is to come: this is how the document is now
