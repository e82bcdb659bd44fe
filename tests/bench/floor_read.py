"""The floor's first part: aiokafka reads all position events and msgspec decodes them; nothing is kept.

``python -m tests.bench.floor_read`` prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import time

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.settings import Settings, load_settings


class _Point(msgspec.Struct, gc=False):
    lat: float
    lng: float


class _Fix(msgspec.Struct, gc=False):
    lion_id: str
    position: _Point
    timestamp: str
    name: str | None = None
    source: str | None = None
    confidence: float | None = None


def decoder() -> msgspec.json.Decoder[_Fix]:
    """Of the fields that every position event has."""
    return msgspec.json.Decoder(_Fix)


async def read(settings: Settings) -> tuple[int, float]:
    """(events, seconds from the first fetch to the topic's end as it stood at start)."""
    topic = settings.topic(POSITIONS.name)
    partitions = [TopicPartition(topic, number) for number in range(settings.topic_partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_brokers, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        decode = decoder().decode
        began, events = time.perf_counter(), 0
        missing = {tp for tp in partitions if ends[tp]}
        while missing:
            fetched = await consumer.getmany(timeout_ms=1000, max_records=8192)
            for tp, records in fetched.items():
                for record in records:
                    decode(record.value)
                events += len(records)
                if records[-1].offset + 1 >= ends[tp]:
                    missing.discard(tp)
        return events, time.perf_counter() - began
    finally:
        await consumer.stop()


if __name__ == "__main__":
    count, seconds = asyncio.run(read(load_settings()))
    print(json.dumps({"events": count, "seconds": seconds}))
