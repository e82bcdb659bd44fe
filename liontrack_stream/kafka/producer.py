"""The producer of imports and simulations: whole batches, keyed like kafkajs and Java, acknowledged by all.

``AIOKafkaProducer.send`` costs a coroutine and a future per event. Here records go straight into one open batch per
partition, and only full batches reach the event loop. Idempotent, as the producers in the field are; zstd costs a
tenth of the gzip they use.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from liontrack_stream.contract.topics import ACTIVITIES, BY_NAME, CHALLENGES, POSITIONS, QUALITY, WEIGHTS
from liontrack_stream.kafka.errors import ProduceError
from liontrack_stream.kafka.patience import be_patient
from liontrack_stream.kafka.trouble import why
from liontrack_stream.settings import Settings

EVENT_TYPES: dict[str, bytes] = {
    POSITIONS.name: b"lion.position.update",
    WEIGHTS.name: b"lion.weight.recorded",
    ACTIVITIES.name: b"user.activity.recorded",
    CHALLENGES.name: b"challenge.status.changed",
    QUALITY.name: b"data.quality.checked",
}
Headers = Sequence[tuple[str, bytes]]

RECORD_MAX_BYTES = 900_000  # below a broker's limit of 1 MiB on a batch, which holds key and headers, too
_BATCH_BYTES = 256 * 1024  # before compression; far below a broker's 1 MiB limit on a batch
_IN_FLIGHT_BATCHES = 16
_FLUSH_WHEN_CANCELLED_S = 10.0


class Outgoing(NamedTuple):
    """One record to produce. ``topic`` is the contract's name, without prefix; a null ``value`` is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def headers_for(topic: str, event_time: bytes, source: bytes) -> Headers:
    """The headers of one event: its type, its own time as the event carries it, and where it comes from."""
    return (("event-type", EVENT_TYPES[topic]), ("timestamp", event_time), ("source", source))


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key: murmur2, as Java's and kafkajs's default partitioners have it."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


class EventProducer:
    """Sends records in order per key. Use as ``async with``; leaving it flushes, unless by an exception other than
    a cancellation.

    ``sent`` counts records handed over, ``acknowledged`` those that Kafka holds; ``next_offsets`` are the offsets after
    the last acknowledged one, by contract topic and partition.
    """

    def __init__(self, settings: Settings, compression: str | None = "zstd", batch_bytes: int = _BATCH_BYTES) -> None:
        self._settings = settings
        self._producer_options: dict[str, Any] = {
            **settings.kafka_client,
            "enable_idempotence": True,
            "compression_type": compression,
            "max_batch_size": batch_bytes,
        }
        self._producer: AIOKafkaProducer | None = None
        self._partitions: dict[str, int] = {}
        self._open: dict[tuple[str, int], BatchBuilder] = {}
        self._in_flight: deque[tuple[asyncio.Future[Any], tuple[str, int], int]] = deque()
        self._keyless = 0
        self.sent = 0
        self.acknowledged = 0
        self.next_offsets: dict[tuple[str, int], int] = {}

    async def __aenter__(self) -> Self:
        producer = be_patient(AIOKafkaProducer(**self._producer_options))
        try:
            await producer.start()
            for name in BY_NAME:
                self._partitions[name] = len(await producer.partitions_for(self._settings.topic(name)))
        except (KafkaError, OSError) as error:
            await producer.stop()
            otherwise = f"Kafka at {self._settings.kafka_brokers} cannot be reached: {error}."
            raise ProduceError(await why(self._settings, otherwise)) from error
        self._producer = producer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.flush()
            elif issubclass(kind, asyncio.CancelledError):
                await asyncio.wait_for(self.flush(), _FLUSH_WHEN_CANCELLED_S)
        finally:
            if self._producer is not None:
                await self._producer.stop()  # waits for what is in flight; open batches are dropped
            for delivered, slot, records in self._in_flight:
                if delivered.done() and not delivered.cancelled() and delivered.exception() is None:
                    self._count(delivered.result(), slot, records)

    async def send_many(self, records: Iterable[Outgoing]) -> int:
        """Hand over records; waits while too many batches are in flight. Returns how many.

        Raises
        ------
        ProduceError
            When Kafka refuses a batch sent now or before.
        """
        count = 0
        for record in records:
            partition = self._partition(record.topic, record.key)
            slot = (record.topic, partition)
            builder = self._open.get(slot) or self._new_batch(slot)
            while (
                builder.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers)) is None
            ):
                await self._send_batch(slot)
                builder = self._new_batch(slot)
            count += 1
        self.sent += count
        return count

    async def push(self) -> None:
        """Send the open batches now, without waiting for their acknowledgement."""
        for slot in list(self._open):
            await self._send_batch(slot)

    async def flush(self) -> None:
        """Send everything and wait until Kafka holds it."""
        await self.push()
        while self._in_flight:
            await self._await_oldest()

    def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("use the producer as `async with EventProducer(settings) as producer`")
        return self._producer

    def _partition(self, topic: str, key: bytes | None) -> int:
        partitions = self._partitions[topic]
        if key is None:
            self._keyless += 1
            return self._keyless % partitions
        return partition_of(key, partitions)

    def _new_batch(self, slot: tuple[str, int]) -> BatchBuilder:
        builder = self._open[slot] = self._started().create_batch()
        return builder

    async def _send_batch(self, slot: tuple[str, int]) -> None:
        topic, partition = slot
        builder = self._open.pop(slot)
        builder.close()
        try:
            delivered = await self._started().send_batch(builder, self._settings.topic(topic), partition=partition)
        except KafkaError as error:
            raise ProduceError(f"Kafka took no records for {topic}: {error}.") from error
        self._in_flight.append((delivered, slot, builder.record_count()))
        while len(self._in_flight) > _IN_FLIGHT_BATCHES:
            await self._await_oldest()

    async def _await_oldest(self) -> None:
        delivered, slot, records = self._in_flight.popleft()
        try:
            self._count(await delivered, slot, records)
        except KafkaError as error:
            raise ProduceError(f"Kafka refused a batch of {records} records: {error}.") from error

    def _count(self, metadata: Any, slot: tuple[str, int], records: int) -> None:
        self.acknowledged += records
        self.next_offsets[slot] = max(self.next_offsets.get(slot, 0), metadata.offset + records)
