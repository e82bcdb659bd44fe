"""Start-up checks: is this the Kafka that Postgres's offsets were read from, and does it still hold what comes next?"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.kafka.exits import ConsistencyError, StartError
from liontrack_stream.kafka.ports import Head, Partition
from liontrack_stream.kafka.trouble import why
from liontrack_stream.settings import Settings

FIRST_RECORDS_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class LogState:
    """One partition as Kafka holds it. Offsets: earliest readable, and one past the last."""

    earliest: int
    end: int
    fingerprint: str | None  # of the record at ``earliest``; None where the partition is empty


@dataclass(frozen=True, slots=True)
class ClusterState:
    """The five topics as they stood when the worker started."""

    cluster_id: str | None
    partitions: Mapping[Partition, LogState]

    @property
    def ends(self) -> dict[Partition, int]:
        """End offsets."""
        return {partition: log.end for partition, log in self.partitions.items()}


async def read_cluster_state(settings: Settings) -> ClusterState:
    """Read offsets and first records of all partitions.

    Raises
    ------
    StartError
        When Kafka is not reachable or a topic is missing.
    """
    consumer = AIOKafkaConsumer(**settings.kafka_client, enable_auto_commit=False)
    try:
        await consumer.start()
        return await _read(consumer, settings)
    except (KafkaError, OSError, TimeoutError) as error:
        otherwise = f"Kafka at {settings.kafka_brokers} does not answer ({error!r})."
        raise StartError(await why(settings, otherwise)) from error
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, settings: Settings) -> ClusterState:
    existing = await consumer.topics()
    missing = [settings.topic(t.name) for t in TOPICS if settings.topic(t.name) not in existing]
    if missing:
        raise StartError(f"Kafka has no topic {', '.join(missing)}: create the topics with `liontrack topics`.")
    tps = {}
    for topic in TOPICS:
        name = settings.topic(topic.name)
        for number in await _partitions(consumer, name):
            tps[TopicPartition(name, number)] = (topic.name, number)
    earliest = await consumer.beginning_offsets(list(tps))
    ends = await consumer.end_offsets(list(tps))
    firsts = await _first_records(consumer, {tp: earliest[tp] for tp in tps if earliest[tp] < ends[tp]})
    return ClusterState(
        await _cluster_id(settings),
        {p: LogState(earliest[tp], ends[tp], _fingerprint(firsts.get(tp))) for tp, p in tps.items()},
    )


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    found = consumer.partitions_for_topic(topic)
    if not found:  # not in the client's cache yet
        await consumer._client.add_topic(topic)
        found = consumer.partitions_for_topic(topic)
    return set(found or ())


async def _first_records(
    consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Any]:
    """The first record of each of these non-empty partitions, as far as they arrive in time."""
    firsts: dict[TopicPartition, Any] = {}
    if not offsets:
        return firsts
    consumer.assign(list(offsets))
    for tp, offset in offsets.items():
        consumer.seek(tp, offset)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + FIRST_RECORDS_TIMEOUT_S
    while len(firsts) < len(offsets) and loop.time() < deadline:
        waiting = [tp for tp in offsets if tp not in firsts]
        for tp, records in (await consumer.getmany(*waiting, timeout_ms=200, max_records=len(offsets))).items():
            if records:
                firsts[tp] = records[0]
                consumer.pause(tp)
    return firsts


async def _cluster_id(settings: Settings) -> str | None:
    admin = AIOKafkaAdminClient(**settings.kafka_client)
    await admin.start()
    try:
        return (await admin.describe_cluster()).get("cluster_id")
    finally:
        await admin.close()


def _fingerprint(record: Any) -> str | None:
    if record is None:
        return None
    digest = hashlib.blake2b(digest_size=16)
    for part in (record.key or b"", record.value or b"", str(record.timestamp).encode()):
        digest.update(len(part).to_bytes(8, "big") + part)
    return f"{record.offset}:{digest.hexdigest()}"


def check_partition(
    partition: Partition, stored: int, head: Head | None, cluster_id: str | None, log: LogState
) -> None:
    """Compare what Postgres expects of a partition with what Kafka holds. Pure.

    Raises
    ------
    ConsistencyError
        With the exact range that is lost, or what tells that this is another log.
    """
    name = f"{partition[0]}/{partition[1]}"
    if head is not None and stored > 0:
        if head.cluster_id and cluster_id and head.cluster_id != cluster_id:
            raise ConsistencyError(
                f"{name}: Postgres holds offset {stored} of Kafka cluster {head.cluster_id}, but this is cluster "
                f"{cluster_id}. Point KAFKA_BROKERS at the former, or use an empty warehouse for the new one."
            )
        if _other_first_record(head.first_fingerprint, log):
            raise ConsistencyError(
                f"{name}: its first record is not the one Postgres has read: the topic was deleted and created again. "
                f"Offsets 0 to {stored - 1} in Postgres belong to the old topic; use an empty warehouse for "
                f"the new one."
            )
    if stored > log.end:
        raise ConsistencyError(
            f"{name}: Postgres has read up to offset {stored - 1}, but Kafka ends at {log.end - 1}: offsets {log.end} "
            f"to {stored - 1} are gone from Kafka (the topic was recreated, or the broker lost data)."
        )
    if stored < log.earliest:
        raise ConsistencyError(
            f"{name}: offsets {stored} to {log.earliest - 1} were never stored and are gone from Kafka (retention). "
            f"Set retention.ms=-1 with `liontrack topics`. To go on without them, set next_offset = {log.earliest} "
            f"for it in metadata.consumed_offsets."
        )


def _other_first_record(known: str | None, log: LogState) -> bool:
    """Whether the log starts with another record at the very offset whose fingerprint is known."""
    if known is None or log.fingerprint is None:
        return False
    return known.split(":")[0] == log.fingerprint.split(":")[0] and known != log.fingerprint


def head_to_remember(head: Head | None, cluster_id: str | None, log: LogState) -> Head | None:
    """The head to store for a partition, or None when the stored one says it already. Pure."""
    fingerprint = (head.first_fingerprint if head else None) or log.fingerprint
    new = Head(cluster_id, fingerprint)
    return None if new == head else new
