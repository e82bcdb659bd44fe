"""What an administrator may do to the topics while workers read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.records_to_delete import RecordsToDelete

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.kafka.topics import create_topics
from liontrack_stream.settings import Settings


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


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_brokers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
