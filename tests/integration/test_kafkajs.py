"""What the field's kafkajs producer writes arrives as the contract's events."""

from __future__ import annotations

import asyncio

import pytest

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Activity, Challenge, Deletion, Position, QualityCheck, Rejected, Weight
from liontrack_stream.contract.topics import POSITIONS, TOPICS
from liontrack_stream.kafka.producer import partition_of
from liontrack_stream.kafka.topics import create_topics
from liontrack_stream.settings import Settings

from ..support.contract_events import LION, field_events
from ..support.kafkajs import install_or_skip, produce_with_kafkajs
from ..support.reading import read_topic


@pytest.fixture(autouse=True, scope="module")
def kafkajs() -> None:
    install_or_skip()


async def test_all_five_topics_arrive_decoded(settings: Settings) -> None:
    await create_topics(settings)
    events = field_events()
    sent = await asyncio.to_thread(produce_with_kafkajs, settings.kafka_brokers, settings.topic_prefix, events)
    assert sent == len(events)
    kinds = {}
    for topic in TOPICS:
        records = await read_topic(settings, topic.name)
        assert len(records) == sum(event["topic"] == topic.name for event in events)
        for record in records:
            assert record.partition == partition_of(record.key, settings.topic_partitions)
            assert {name for name, _ in record.headers} == {"event-type", "timestamp"}
            decoded = decode(topic.name, record.key, record.value)
            kinds.setdefault(topic.noun, set()).add(type(decoded))
    assert kinds == {
        "positions": {Position},
        "weights": {Weight},
        "activities": {Activity},
        "challenges": {Challenge},
        "quality": {QualityCheck},
    }


async def test_tombstones_and_text_that_is_no_json_arrive_too(settings: Settings) -> None:
    await create_topics(settings)
    events = [
        {"topic": POSITIONS.name, "key": LION, "value": None},
        {"topic": POSITIONS.name, "key": LION, "value": "no json"},
    ]
    await asyncio.to_thread(produce_with_kafkajs, settings.kafka_brokers, settings.topic_prefix, events)
    tombstone, text = [
        decode(POSITIONS.name, record.key, record.value) for record in await read_topic(settings, POSITIONS.name)
    ]
    assert tombstone == Deletion(LION)
    assert isinstance(text, Rejected)


async def test_a_backlog_of_thousands(settings: Settings) -> None:
    await create_topics(settings)
    [model, *_] = field_events()
    events = [{**model, "value": {**model["value"], "timestamp": 1_740_000_000 + second}} for second in range(5_000)]
    await asyncio.to_thread(produce_with_kafkajs, settings.kafka_brokers, settings.topic_prefix, events)
    decoded = [decode(POSITIONS.name, r.key, r.value) for r in await read_topic(settings, POSITIONS.name)]
    assert [event.time_us for event in decoded] == [(1_740_000_000 + second) * 1_000_000 for second in range(5_000)]
