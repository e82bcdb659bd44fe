"""Reads topics of the real Kafka back, for comparisons."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

from liontrack_stream.settings import Settings


async def read_topic(settings: Settings, topic: str) -> list[ConsumerRecord]:
    """Every record of a contract topic, in order within each partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(settings.topic(topic), number) for number in range(settings.topic_partitions)]
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        records: list[ConsumerRecord] = []
        while len(records) < sum(ends.values()):
            for fetched in (await consumer.getmany(timeout_ms=200)).values():
                records += fetched
        return records
    finally:
        await consumer.stop()
