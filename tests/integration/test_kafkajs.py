"""Events as the field's Node.js producer sends them: kafkajs, idempotent, GZIP, ISO-8601 times, headers, ObjectIds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.kafkajs import install_or_skip, produce_with_kafkajs
from tests.support.oracle import ACTIVITIES, CHALLENGES, POSITIONS, QUALITY, TOPICS, WEIGHTS, compute
from tests.support.pipeline_kit import PipelineKit, own_checks, report_differences

START = datetime(2025, 3, 1, tzinfo=UTC)
LIONS = [f"66f0c1d2e3a4b5c6d7e8f9{n:02x}" for n in range(3)]
USERS = [f"77f0c1d2e3a4b5c6d7e8f9{n:02x}" for n in range(2)]
DAYS = 6


def test_kafkajs_events_arrive_once_and_right(pipeline: PipelineKit) -> None:
    install_or_skip()
    events = [*_events(), {"topic": POSITIONS, "key": LIONS[0], "value": None}]
    sent = produce_with_kafkajs(pipeline.settings.kafka_brokers, pipeline.settings.topic_prefix, events)
    report = pipeline.catch_up()
    records = pipeline.consumed()
    expected = compute(records)
    assert sent == len(records) - own_checks(records) == len(events)
    assert report["bronze"] == len(records)
    assert report_differences(report, expected) == []
    assert report["dead_letters"] == 0
    assert all(report["records"][topic] for topic in TOPICS)
    assert len(expected["silver.positions"]) == DAYS * 48 * len(LIONS)
    pipeline.assert_right(records, expected)
    event_type = pipeline.fetch("SELECT DISTINCT headers->>'event-type' FROM bronze.lions_raw WHERE raw IS NOT NULL")
    assert [tuple(row) for row in event_type] == [("lion.position.update",)]
    one_partition_each = (
        "SELECT max(n) FROM (SELECT count(DISTINCT partition) AS n FROM bronze.lions_raw GROUP BY key) k"
    )
    assert pipeline.fetch(one_partition_each)[0][0] == 1


def test_text_from_kafkajs_is_a_dead_letter(pipeline: PipelineKit) -> None:
    install_or_skip()
    texts = ["not JSON", '{"lion_id": "', "Löwe 🦁"]
    events = [{"topic": POSITIONS, "key": LIONS[0], "value": text} for text in texts]
    produce_with_kafkajs(pipeline.settings.kafka_brokers, pipeline.settings.topic_prefix, events)
    assert pipeline.catch_up()["dead_letters"] == len(texts)
    letters = pipeline.fetch('SELECT raw FROM metadata.dead_letters ORDER BY "offset"')
    assert [letter["raw"].decode() for letter in letters] == texts


def _events() -> Iterator[dict[str, Any]]:
    for step in range(DAYS * 48):
        time = START + timedelta(minutes=30 * step)
        for number, lion_id in enumerate(LIONS):
            position = {"lat": -21.5 + 0.002 * (step % 24) + number, "lng": 23.5 - 0.001 * (step % 7)}
            value = {"lion_id": lion_id, "name": f"Lion {number}", "position": position, "timestamp": _iso(time)}
            headers = {"event-type": "lion.position.update", "timestamp": _iso(time)}
            yield _event(POSITIONS, lion_id, value | {"source": "collar", "confidence": 0.95}, headers)
    for day in range(DAYS):
        time = START + timedelta(days=day, hours=9)
        for number, lion_id in enumerate(LIONS):
            value = {"weight_id": f"88f0c1d2e3a4b5c6d7e8f{day}{number:02x}", "lion_id": lion_id, "weight": 180.5 + day}
            yield _event(WEIGHTS, lion_id, value | {"unit": "kg", "measured_at": _iso(time), "timestamp": _iso(time)})
        for number, user_id in enumerate(USERS):
            value = {"user_id": user_id, "activity_type": ("login", "weight_logged")[day % 2], "timestamp": _iso(time)}
            yield _event(ACTIVITIES, user_id, value | {"username": f"ranger{number}", "roles": ["ranger"]})
            status = ("pending", "in_progress", "completed")[day // 2]
            challenge_id = f"99f0c1d2e3a4b5c6d7e8f9{number:02x}"
            value = {"challenge_id": challenge_id, "user_id": user_id, "title": "Track", "status": status}
            yield _event(CHALLENGES, challenge_id, value | {"updated_at": _iso(time), "timestamp": _iso(time)})
        counts = {"total_records": 100, "valid_records": 99, "invalid_records": 1, "quality_percentage": 99.0}
        value = {"table_name": "silver.lions", "check_name": "not_null", "check_timestamp": _iso(time)}
        yield _event(QUALITY, "silver.lions", value | counts)


def _event(topic: str, key: str, value: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:
    return {"topic": topic, "key": key, "value": value, "headers": headers or {}}


def _iso(time: datetime) -> str:
    """As JavaScript's ``toISOString``."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
