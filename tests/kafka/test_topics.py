"""``create_topics`` and ``check_retention`` on the real Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from liontrack_stream.contract.topics import POSITIONS, TOPICS, WEIGHTS
from liontrack_stream.kafka.topics import REQUIRED_CONFIG, TopicError, check_retention, create_topics, topic_warnings
from liontrack_stream.settings import Settings

SAFE = dict(REQUIRED_CONFIG)


@pytest.fixture
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_brokers)
    await client.start()
    yield client
    await client.close()


async def config_of(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    [response] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for entry in response.resources[0][4]}


async def test_all_five_are_created_to_last(settings: Settings, admin: AIOKafkaAdminClient) -> None:
    report = await create_topics(settings)
    names = [settings.topic(topic.name) for topic in TOPICS]
    assert [topic.name for topic in report.topics] == names
    assert list(report.created) == names
    assert report.warnings == ()
    for topic in report.topics:
        assert topic.partitions == settings.topic_partitions
        config = await config_of(admin, topic.name)
        assert {name: config[name] for name in SAFE} == SAFE


async def test_a_second_run_changes_nothing(settings: Settings) -> None:
    await create_topics(settings)
    report = await create_topics(settings)
    assert report.created == ()
    assert report.warnings == ()
    assert await check_retention(settings) == []


async def test_looking_creates_nothing(settings: Settings, admin: AIOKafkaAdminClient) -> None:
    warnings = await check_retention(settings)
    assert len(warnings) == 5
    assert all("is missing: create it with `liontrack topics`" in warning for warning in warnings)
    assert not {settings.topic(topic.name) for topic in TOPICS} & set(await admin.list_topics())


async def test_an_unsafe_topic_is_warned_about_and_left_alone(settings: Settings, admin: AIOKafkaAdminClient) -> None:
    name = settings.topic(POSITIONS.name)
    unsafe = {"retention.ms": "604800000", "message.timestamp.type": "CreateTime"}
    await admin.create_topics([NewTopic(name, settings.topic_partitions, 1, topic_configs=unsafe)])
    report = await create_topics(settings)
    assert name not in report.created
    assert len(report.created) == 4
    assert [warning for warning in report.warnings if "retention.ms=604800000" in warning]
    assert [warning for warning in report.warnings if "CreateTime" in warning]
    assert len(report.warnings) == 2
    assert list(report.warnings) == await check_retention(settings)
    assert (await config_of(admin, name))["retention.ms"] == "604800000"


async def test_other_partitions_than_configured_are_told(settings: Settings, admin: AIOKafkaAdminClient) -> None:
    name = settings.topic(WEIGHTS.name)
    wanted = settings.topic_partitions
    await admin.create_topics([NewTopic(name, wanted + 1, 1, topic_configs=SAFE)])
    [warning] = (await create_topics(settings)).warnings
    assert f"{wanted + 1} partitions, the settings say {wanted}" in warning


async def test_kafka_out_of_reach_is_a_sentence(settings: Settings) -> None:
    away = settings.model_copy(update={"kafka_brokers": "127.0.0.1:1"})
    with pytest.raises(TopicError, match=r"Kafka at 127\.0\.0\.1:1"):
        await create_topics(away)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, []),
        ({"retention.ms": "1000"}, ["retention.ms=1000"]),
        ({"retention.bytes": "5"}, ["retention.bytes=5"]),
        ({"cleanup.policy": "compact,delete"}, ["compacted"]),
        ({"message.timestamp.type": "CreateTime"}, ["CreateTime"]),
        ({"retention.ms": "1", "cleanup.policy": "compact"}, ["retention.ms=1", "compacted"]),
    ],
)
def test_what_is_unsafe(change: dict[str, str], words: list[str]) -> None:
    warnings = topic_warnings("t", SAFE | change, 4, 4)
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))
