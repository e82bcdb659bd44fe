"""Where a topic ends."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from liontrack_stream.kafka.errors import TopicError
from liontrack_stream.kafka.trouble import why
from liontrack_stream.settings import Settings


async def topic_ends(settings: Settings, topic: str) -> dict[int, int]:
    """The offset after the last record of each partition of a topic, which is there.

    Raises
    ------
    TopicError
        When Kafka cannot be reached.
    """
    consumer = AIOKafkaConsumer(**settings.kafka_client, enable_auto_commit=False)
    try:
        await consumer.start()
        name = settings.topic(topic)
        await consumer._client.add_topic(name)  # into the client's cache
        partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
        return {tp.partition: end for tp, end in (await consumer.end_offsets(partitions)).items()}
    except (KafkaError, OSError) as error:
        otherwise = f"Kafka at {settings.kafka_brokers} cannot be reached: {error}."
        raise TopicError(await why(settings, otherwise)) from error
    finally:
        await consumer.stop()
