"""What an administrator may do to the topics while workers read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import for_code
from aiokafka.protocol.admin import DeleteGroupsRequest

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.kafka.topics import create_topics
from liontrack_stream.settings import Settings

_GROUP_EMPTY_WITHIN_S = 60
_NON_EMPTY_GROUP = 68  # Kafka's error code


async def add_partitions(settings: Settings, count: int) -> None:
    """Give each of the five topics so many, and wait until the broker tells of them."""
    names = [settings.topic(topic.name) for topic in TOPICS]
    async with _admin(settings) as admin:
        await admin.create_partitions({name: NewPartitions(count) for name in names})
        while any(len(topic["partitions"]) < count for topic in await admin.describe_topics(names)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def delete_records(settings: Settings, topic: str, partition: int, before: int) -> None:
    """As retention does: what is before this offset is gone."""
    async with _admin(settings) as admin:
        await admin.delete_records({TopicPartition(settings.topic(topic), partition): RecordsToDelete(before)})


async def recreate(settings: Settings, topic: str) -> None:
    """Delete a topic, and make it again, empty."""
    name = settings.topic(topic)
    async with _admin(settings) as admin:
        await admin.delete_topics([name])
        while name in await admin.list_topics():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)
    await create_topics(settings)


async def delete_group(settings: Settings) -> None:
    """The workers' group and all it has committed; waits until the broker counts no member."""
    group = settings.liontrack_app_id
    async with _admin(settings) as admin:
        coordinator = await admin.find_coordinator(group)
        for _ in range(_GROUP_EMPTY_WITHIN_S):  # a worker that was killed is a member until its session is over
            answer = await admin._send_request_to_node(coordinator, DeleteGroupsRequest([group]))
            [(_, code)] = answer.results
            if code != _NON_EMPTY_GROUP:
                break
            await asyncio.sleep(1.0)
        if code:
            raise for_code(code)(group)


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_brokers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
