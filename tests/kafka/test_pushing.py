"""The producer of pushes: nothing is acknowledged that Kafka does not hold, nobody waits for ever, no error lasts."""

from __future__ import annotations

import asyncio
import random
import time

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.kafka.producer import Outgoing, headers_for
from liontrack_stream.kafka.pushing import NotAcknowledged, PushProducer
from liontrack_stream.settings import Settings
from tests.support.reading import read_topic


def record(lion: str, value: bytes = b"{}") -> Outgoing:
    return Outgoing(POSITIONS.name, lion.encode(), value, headers_for(POSITIONS.name, b"", b"test"))


async def test_what_kafka_refuses_spoils_nothing_that_comes_after(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_brokers)
    await admin.start()
    small = {"max.message.bytes": "2000"}
    await admin.create_topics(
        [NewTopic(settings.topic(POSITIONS.name), settings.topic_partitions, 1, topic_configs=small)], timeout_ms=15_000
    )
    await admin.close()
    producer = PushProducer(settings, 10.0)
    await producer.push([record("a")])
    with pytest.raises(NotAcknowledged, match="at present"):
        await producer.push([record("a"), record("a", random.Random(1).randbytes(5_000))])
    refused = len(await read_topic(settings, POSITIONS.name))
    await asyncio.gather(*(producer.push([record("a"), record("b")]) for _ in range(20)))
    assert len(await read_topic(settings, POSITIONS.name)) == refused + 40
    await producer.close()
    with pytest.raises(NotAcknowledged, match="stopping"):
        await producer.push([record("a")])


async def test_who_pushes_to_a_kafka_that_says_nothing_is_told_in_time(settings: Settings) -> None:
    connections: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda reader, writer: connections.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    producer = PushProducer(settings.model_copy(update={"kafka_brokers": f"127.0.0.1:{port}"}), 0.5)
    began = time.monotonic()
    answers = await asyncio.gather(*(producer.push([record("a")]) for _ in range(5)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [NotAcknowledged] * 5
    assert time.monotonic() - began < 2.0
    assert len(connections) <= 2, "one start for all"
    await producer.close()
    assert time.monotonic() - began < 7.0
    server.close()
    for writer in connections:
        writer.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [task for task in others if "aiokafka" in repr(task)]
