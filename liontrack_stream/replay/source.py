"""Where a replay's records come from: Kafka, and the archive for what Kafka no longer holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from liontrack_stream.kafka.chunks import fetched, new_data
from liontrack_stream.kafka.ports import Partition
from liontrack_stream.kafka.transport import (
    FETCH_MAX_BYTES,
    FETCH_MAX_WAIT_MS,
    FETCH_MIN_BYTES,
    FETCH_PARTITION_MAX_BYTES,
    ISOLATION,
)
from liontrack_stream.replay.archive import Archive, partition_name
from liontrack_stream.settings import Settings

_FETCH_WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class Missing:
    """Offsets of a partition that Kafka no longer holds; the lake holds those below ``lake_until``, bronze the rest."""

    partition: Partition
    first: int
    begin: int  # Kafka's first offset
    lake_until: int

    @property
    def sentence(self) -> str:
        """E.g. ``lions.position.events [2]: offsets 0–4,199 are read from the lake, Kafka begins at 4,200``."""
        parts = [(self.first, min(self.begin, self.lake_until), "the lake")]
        parts.append((max(self.first, self.lake_until), self.begin, "bronze"))
        told = [f"{first:,}–{end - 1:,} are read from {place}" for first, end, place in parts if first < end]
        return f"{partition_name(self.partition)}: offsets {' and '.join(told)}, Kafka begins at {self.begin:,}"


@dataclass(frozen=True, slots=True)
class Arrived:
    """Records of one partition, and the offset that follows them: beyond the last one's where there are no records."""

    records: Sequence[Any]
    following: int


class Source:
    """Partitions and where to read each.

    ``begins``: the first offsets that Kafka holds, as last seen. ``tell`` hears of what it no longer holds.
    """

    def __init__(
        self,
        settings: Settings,
        archive: Archive,
        begins: Mapping[Partition, int],
        tell: Callable[[Missing], None] = lambda missing: None,
    ) -> None:
        self._archive, self.begins, self._tell = archive, dict(begins), tell
        self._tps = {partition: TopicPartition(settings.topic(partition[0]), partition[1]) for partition in begins}
        self._consumer = AIOKafkaConsumer(
            **settings.kafka_client,
            enable_auto_commit=False,
            auto_offset_reset="none",  # what retention takes meanwhile must not be jumped over
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
            fetch_min_bytes=FETCH_MIN_BYTES,
            fetch_max_bytes=FETCH_MAX_BYTES,
            max_partition_fetch_bytes=FETCH_PARTITION_MAX_BYTES,
            isolation_level=ISOLATION,
        )

    async def start(self, positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
        """Connect, and begin at these offsets; up to these ends all are wanted."""
        await self._consumer.start()
        self._consumer.assign(list(self._tps.values()))
        for partition, offset in positions.items():
            self.seek(partition, offset)
            await self._look_for_missing(partition, offset, ends.get(partition, 0))

    async def aclose(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    def seek(self, partition: Partition, offset: int) -> None:
        """Fetch from this offset on."""
        self._consumer.seek(self._tps[partition], max(offset, self.begins[partition]))

    async def fetch(self, wanted: Mapping[Partition, tuple[int, int]], limit: int) -> dict[Partition, Arrived]:
        """What there is of some partitions, from an offset on and up to an end; from Kafka about ``limit`` of all."""
        old = {p: (at, min(end, self.begins[p])) for p, (at, end) in wanted.items() if at < self.begins[p]}
        parts = await asyncio.gather(*(self._archive.part(p, at, end, limit) for p, (at, end) in old.items()))
        found = {partition: Arrived(*part) for partition, part in zip(old, parts, strict=True)}
        recent = {partition: wanted[partition] for partition in wanted if partition not in old}
        return found | await self._from_kafka(recent, 0.0 if old else _FETCH_WAIT_S, limit) if recent else found

    async def _from_kafka(
        self, wanted: Mapping[Partition, tuple[int, int]], wait_s: float, limit: int
    ) -> dict[Partition, Arrived]:
        tps = {partition: self._tps[partition] for partition in wanted}
        fetcher, places = self._consumer._fetcher, set(tps.values())
        try:
            arrived = await fetched(fetcher, places, limit)
            if not arrived and wait_s:
                await new_data(fetcher, wait_s)
                arrived = await fetched(fetcher, places, limit)
        except OffsetOutOfRangeError:
            await self._look_again(wanted)
            return {}
        found = {}
        for partition, tp in tps.items():
            records = arrived.get(tp, ())
            following = records[-1].offset + 1 if records else int(await self._consumer.position(tp))
            found[partition] = Arrived(records, following)
        return found

    async def _look_again(self, wanted: Mapping[Partition, tuple[int, int]]) -> None:
        """Retention has taken what was about to be fetched: the archive goes on, up to where Kafka begins now."""
        begins = await self._consumer.beginning_offsets(list(self._tps.values()))
        for partition, tp in self._tps.items():
            self.begins[partition] = begins[tp]
            if await self._consumer.position(tp) < begins[tp]:
                self._consumer.seek(tp, begins[tp])
            if partition in wanted:
                await self._look_for_missing(partition, *wanted[partition])

    async def _look_for_missing(self, partition: Partition, first: int, end: int) -> None:
        begin = self.begins[partition]
        if first < min(begin, end):
            self._tell(Missing(partition, first, begin, await self._archive.watermark(partition)))
