"""Records that break the contract: one dead letter each, neighbours untouched, and the worker goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from liontrack_stream.kafka.producer import Outgoing
from tests.support.bad_records import BAD, GOOD, IDS, TIME
from tests.support.oracle import ACTIVITIES, CHALLENGES, POSITIONS, TOPICS, WEIGHTS, Consumed
from tests.support.pipeline_kit import PipelineKit, own_checks
from tests.support.replaying import Replay
from tests.support.strategies import LATE_MS, Step

SECRET = "hunter2-do-not-store"
SILVER = {
    POSITIONS: "silver.positions",
    WEIGHTS: "silver.weight_history",
    ACTIVITIES: "silver.user_activities",
    CHALLENGES: "silver.challenge_events",
}


def test_every_bad_record_is_one_dead_letter(pipeline: PipelineKit) -> None:
    records = [Outgoing(topic, name.encode(), value) for name, (topic, value, _) in BAD.items()]
    neighbours = [_neighbour(record.topic, number) for number, record in enumerate(records)]
    pipeline.send(record for pair in zip(neighbours, records, strict=True) for record in pair)
    report = pipeline.catch_up()
    assert report["dead_letters"] == len(BAD)
    letters = pipeline.fetch("SELECT topic, key, raw, rule, reason FROM metadata.dead_letters")
    by_name = {bytes(letter["key"]).decode(): letter for letter in letters}
    assert len(letters) == len(by_name) == len(BAD)
    for name, (topic, value, rules) in BAD.items():
        letter = by_name[name]
        assert (letter["topic"], letter["raw"]) == (topic, value), name
        assert letter["rule"] in rules, f"{name}: {letter['rule']}"
        assert letter["reason"], name
    for topic, table in SILVER.items():
        count = sum(neighbour.topic == topic for neighbour in neighbours)
        assert pipeline.fetch(f"SELECT count(*) FROM {table}")[0][0] == count, table
    records = pipeline.consumed()
    pipeline.assert_right(records)

    pipeline.send(_neighbour(topic, 10_000) for topic in TOPICS)  # and it goes on
    report = pipeline.catch_up()
    assert report["silver"] == len(TOPICS) + own_checks(pipeline.consumed()) - own_checks(records)
    pipeline.assert_right()


def test_passwords_are_stored_nowhere(pipeline: PipelineKit) -> None:
    user: dict[str, Any] = GOOD[ACTIVITIES] | {"password": SECRET, "metadata": {"pwd": SECRET, "email": "a@b.example"}}
    bad = {**user, "timestamp": "yesterday", "passwordHash": SECRET}
    envelope = {"op": "c", "before": None, "after": json.dumps({**user, "user_id": "user-2"}), "source": {}}
    pipeline.send(Outgoing(ACTIVITIES, b"user-1", json.dumps(document).encode()) for document in (user, bad, envelope))
    report = pipeline.catch_up()
    assert (report["bronze"] - own_checks(pipeline.consumed()), report["dead_letters"]) == (3, 1)
    pipeline.assert_right()
    stored = pipeline.fetch("SELECT user_id, email FROM silver.users ORDER BY 1")
    assert [tuple(row) for row in stored] == [("user-1", "a@b.example"), ("user-2", "a@b.example")]
    found = pipeline.fetch(
        """SELECT 'users_raw' FROM bronze.users_raw WHERE position($1::bytea IN raw) > 0 OR metadata::text LIKE $2
           UNION ALL SELECT 'dead_letters' FROM metadata.dead_letters
           WHERE position($1::bytea IN raw) > 0 OR reason LIKE $2 OR headers::text LIKE $2
           UNION ALL SELECT 'user_activities' FROM silver.user_activities a WHERE a::text LIKE $2
           UNION ALL SELECT 'users' FROM silver.users u WHERE u::text LIKE $2""",
        SECRET.encode(),
        f"%{SECRET}%",
    )
    assert found == []
    for file in Path(pipeline.settings.lake_root).rglob("*.parquet"):
        assert SECRET not in str(pq.read_table(file).to_pylist()), file
    assert len(pipeline.fetch("SELECT 1 FROM metadata.dead_letters WHERE position('yesterday'::bytea IN raw) > 0")) == 1


def test_envelopes_and_tombstones_are_understood(pipeline: PipelineKit) -> None:
    fix, challenge = GOOD[POSITIONS], GOOD[CHALLENGES]
    later = {**fix, "timestamp": "2025-03-01T00:30:00Z"}
    stream = {
        "_id": {"_data": "8263"},
        "operationType": "insert",
        "documentKey": {"_id": {"$oid": "66f0c1d2e3a4b5c6d7e8f901"}},
        "fullDocument": {
            "_id": {"$oid": "66f0c1d2e3a4b5c6d7e8f901"},
            "userId": "user-9",
            "title": "Follow a pride",
            "status": "completed",
            "updatedAt": {"$date": "2025-03-02T08:00:00Z"},
        },
    }
    sent = [
        (POSITIONS, b"lion-1", {"op": "c", "before": None, "after": json.dumps(fix), "source": {"db": "x"}}),
        (POSITIONS, b"lion-1", {"op": "u", "before": json.dumps(fix), "after": json.dumps(later), "source": {}}),
        (CHALLENGES, b"66f0c1d2e3a4b5c6d7e8f901", stream),
        (CHALLENGES, b"c-1", challenge),
        (CHALLENGES, b"c-1", {"op": "d", "before": json.dumps(challenge), "after": None, "source": {}}),
    ]
    pipeline.send(Outgoing(topic, key, json.dumps(document).encode()) for topic, key, document in sent)
    pipeline.send([Outgoing(topic, b"gone", None) for topic in (POSITIONS, WEIGHTS)])
    report = pipeline.catch_up()
    assert (report["bronze"] - own_checks(pipeline.consumed()), report["dead_letters"]) == (7, 0)
    pipeline.assert_right()
    row = pipeline.fetch("SELECT user_id, title, status FROM silver.challenges WHERE challenge_id LIKE '66f0%'")
    assert [tuple(r) for r in row] == [("user-9", "Follow a pride", "completed")]
    deleted = pipeline.fetch("SELECT topic, entity_id FROM metadata.deletions ORDER BY 1, 2")
    assert [tuple(r) for r in deleted] == [(CHALLENGES, "c-1"), (POSITIONS, "gone"), (WEIGHTS, "gone")]


def _neighbour(topic: str, number: int) -> Outgoing:
    """A sound record with an identity of its own."""
    document = {**GOOD[topic], IDS[topic][0]: f"sound-{number}"}
    return Outgoing(topic, f"sound-{number}".encode(), json.dumps(document).encode())


# -- arbitrary bytes


@st.composite
def hostile_values(draw: st.DrawFn, topic: str) -> bytes | None:
    """Anything: random bytes, odd JSON, or a sound document that was cut, changed or overwritten somewhere."""
    kind = draw(st.sampled_from(("bytes", "json", "field", "overwritten", "field", "overwritten", "null")))
    if kind == "null":
        return None
    if kind == "bytes":
        return draw(st.binary(max_size=60))
    odd = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(TIME),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    )
    if kind == "json":
        return _json(draw(odd))
    document = dict(GOOD[topic])
    if kind == "field":
        field = draw(st.sampled_from((*document, "metadata", "op", "after", "before", "payload", "source", "_id")))
        document[field] = draw(odd | st.just(json.dumps(GOOD[topic])))
        return _json(document)
    text = bytearray(_json(document))
    at = draw(st.integers(0, len(text) - 1))
    text[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=4))
    return bytes(text)


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()


@st.composite
def hostile_batches(draw: st.DrawFn) -> list[Consumed]:
    """Records of one partition of one topic; keys are arbitrary too."""
    topic = draw(st.sampled_from(TOPICS))
    values = draw(st.lists(hostile_values(topic), min_size=1, max_size=12))
    keys = st.none() | st.binary(max_size=6) | st.just(b"lion-1")
    return [Consumed(topic, 0, n, LATE_MS + n, draw(keys), value) for n, value in enumerate(values)]


@hypothesis_settings(
    max_examples=150,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(records=hostile_batches())
async def test_arbitrary_bytes_never_stop_the_sink(replay: Replay, records: list[Consumed]) -> None:
    await replay.empty()
    await replay.deliver([Step(records[0].topic, 0, tuple(records))])
    assert await replay.differences(records) == []
