"""The batch producer: partitions like Java and kafkajs, order per key, nothing lost, loud when refused."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest

from liontrack_stream.contract.topics import POSITIONS, TOPICS
from liontrack_stream.kafka.errors import ProduceError
from liontrack_stream.kafka.producer import EventProducer, Outgoing, headers_for, partition_of
from liontrack_stream.kafka.topics import create_topics
from liontrack_stream.settings import Settings

from ..support.reading import read_topic


def position(key: str, number: int) -> Outgoing:
    time = f"2025-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}.000Z".encode()
    return Outgoing(POSITIONS.name, key.encode(), b'{"n":%d}' % number, headers_for(POSITIONS.name, time, b"test"))


@pytest.mark.parametrize("key", [b"1001", b"a461861d081fc1bdc270a697", b"", "Löwe".encode()])
def test_partition_of_is_murmur2_of_java(key: bytes) -> None:
    def murmur2(data: bytes) -> int:  # org.apache.kafka.common.utils.Utils.murmur2, written out again
        mask, m = 0xFFFFFFFF, 0x5BD1E995
        h = (0x9747B28C ^ len(data)) & mask
        whole = len(data) - len(data) % 4
        for at in range(0, whole, 4):
            k = int.from_bytes(data[at : at + 4], "little") * m & mask
            h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
        if whole < len(data):
            h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
        h = (h ^ h >> 13) * m & mask
        return h ^ h >> 15

    assert partition_of(key, 7) == (murmur2(key) & 0x7FFFFFFF) % 7


async def test_what_is_sent_is_there_in_order(settings: Settings) -> None:
    await create_topics(settings)
    sent = [position(f"lion-{number % 17}", number) for number in range(20_000)]
    async with EventProducer(settings, batch_bytes=32_768) as producer:
        assert await producer.send_many(sent) == 20_000
    assert (producer.sent, producer.acknowledged) == (20_000, 20_000)
    by_key: dict[bytes, list[bytes]] = defaultdict(list)
    for record in await read_topic(settings, POSITIONS.name):
        assert record.partition == partition_of(record.key, settings.topic_partitions)
        assert dict(record.headers)["event-type"] == b"lion.position.update"
        assert record.timestamp_type == 1  # LogAppendTime
        by_key[record.key].append(record.value)
    wanted: dict[bytes, list[bytes]] = defaultdict(list)
    for record in sent:
        wanted[record.key].append(record.value)
    assert by_key == wanted


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
async def test_every_topic_tombstones_and_null_keys(settings: Settings, compression: str | None) -> None:
    await create_topics(settings)
    records = [Outgoing(topic.name, b"key", b'{"a":1}') for topic in TOPICS]
    records += [Outgoing(POSITIONS.name, b"gone", None), Outgoing(POSITIONS.name, None, b"{}")]
    async with EventProducer(settings, compression=compression) as producer:
        await producer.send_many(records)
    for topic in TOPICS:
        found = {(record.key, record.value) for record in await read_topic(settings, topic.name)}
        assert found == {(record.key, record.value) for record in records if record.topic == topic.name}


async def test_push_sends_without_waiting_for_more(settings: Settings) -> None:
    await create_topics(settings)
    async with EventProducer(settings) as producer:
        await producer.send_many([position("1001", 1)])
        assert await read_topic(settings, POSITIONS.name) == []
        await producer.push()
        for _ in range(50):
            if await read_topic(settings, POSITIONS.name):
                break
            await asyncio.sleep(0.1)
        assert len(await read_topic(settings, POSITIONS.name)) == 1


async def test_a_cancellation_sends_what_was_handed_over(settings: Settings) -> None:
    await create_topics(settings)
    producer, handed_over = EventProducer(settings), asyncio.Event()

    async def work() -> None:
        async with producer:
            await producer.send_many([position("1001", number) for number in range(100)])
            handed_over.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await handed_over.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert producer.acknowledged == 100
    assert len(await read_topic(settings, POSITIONS.name)) == 100


async def test_a_record_kafka_refuses_is_a_sentence(settings: Settings) -> None:
    await create_topics(settings)
    with pytest.raises(ProduceError, match="Kafka refused a batch of 1 records"):
        async with EventProducer(settings, compression=None) as producer:
            await producer.send_many([Outgoing(POSITIONS.name, b"1001", b"x" * 2_000_000)])


async def test_kafka_out_of_reach_is_a_sentence(settings: Settings) -> None:
    with pytest.raises(ProduceError, match="cannot be reached"):
        async with EventProducer(settings.model_copy(update={"kafka_brokers": "127.0.0.1:1"})):
            pass
