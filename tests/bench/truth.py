"""What is right for a backlog: read from Kafka by a decoder of its own, counted with numpy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from aiokafka import AIOKafkaConsumer, TopicPartition

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.settings import Settings
from tests.bench.floor_read import decoder

_MINUTE_US = 60_000_000
_WINDOW_US, _AHEAD_US, _DAY_US = 5 * _MINUTE_US, 10 * _MINUTE_US, 1440 * _MINUTE_US


@dataclass(frozen=True, slots=True)
class Windows:
    """How many there are, and how many fixes are in them."""

    windows: int
    fixes: int


class Truth:
    """Of lions' fixes: ``events``, ``identities`` (lion and time), and windows of those that are not in the future."""

    def __init__(self, lions: Sequence[str], time_us: Sequence[int]) -> None:
        _, lion = np.unique(np.asarray(lions), return_inverse=True)
        times = np.asarray(time_us, np.int64)
        self.events = len(times)
        self.identities = len(np.unique(np.stack((lion, times)), axis=1).T)
        sound = times <= time.time_ns() // 1000 + _AHEAD_US
        self._lion, self._time_us = lion[sound], times[sound]
        self.sound = int(sound.sum())

    @property
    def windows(self) -> Windows:
        """All of them."""
        return self.closed(-1_000_000)

    def closed(self, lateness_days: int, by_lion: bool = True) -> Windows:
        """Those that end so long before the newest fix, of their lion or of all."""
        newest = np.zeros(int(self._lion.max(initial=0)) + 1, np.int64)
        np.maximum.at(newest, self._lion, self._time_us)
        until = newest[self._lion] if by_lion else np.full(len(self._lion), newest.max())
        window = self._time_us // _WINDOW_US
        closed = (window + 1) * _WINDOW_US <= until - lateness_days * _DAY_US
        keys = np.unique((self._lion[closed].astype(np.int64) << 40) | window[closed])
        return Windows(len(keys), int(closed.sum()))


def read_truth(settings: Settings) -> Truth:
    """Of the whole topic, as it stands."""
    return asyncio.run(_read(settings))


async def _read(settings: Settings) -> Truth:
    lions: list[str] = []
    times: list[int] = []
    partitions = [TopicPartition(settings.topic(POSITIONS.name), number) for number in range(settings.topic_partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_brokers, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        missing = {partition for partition in partitions if ends[partition]}
        decode = decoder().decode
        while missing:
            for partition, records in (await consumer.getmany(timeout_ms=1000, max_records=8192)).items():
                fixes = [decode(record.value) for record in records]
                lions += [fix.lion_id for fix in fixes]
                times += [_microseconds(fix.timestamp) for fix in fixes]
                if records[-1].offset + 1 >= ends[partition]:
                    missing.discard(partition)
    finally:
        await consumer.stop()
    return Truth(lions, times)


def _microseconds(timestamp: str) -> int:
    return int(np.datetime64(timestamp.removesuffix("Z"), "us").astype(np.int64))
