"""Kafka: reached, the five topics as a log that keeps everything needs them, and PostgreSQL's offsets beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.doctor.probes import Line, Patient, fail, first_line, ok, sentence, warn
from liontrack_stream.kafka.checks import check_partition, read_cluster_state
from liontrack_stream.kafka.errors import TopicError
from liontrack_stream.kafka.exits import ConsistencyError, StartError
from liontrack_stream.kafka.ports import Head
from liontrack_stream.kafka.topics import ClusterView, look_at_cluster, topic_warnings
from liontrack_stream.kafka.trouble import look
from liontrack_stream.warehouse.queries import query

LAG_WARN_RECORDS = 1_000_000


async def kafka(patient: Patient) -> Line:
    """Whether it answers, and which cluster it is."""
    brokers = [broker.strip() for broker in patient.settings.kafka_brokers.split(",")]
    refused = [why for why in await asyncio.gather(*(_refused(broker) for broker in brokers)) if why]
    todo = "Start Kafka, or correct KAFKA_BROKERS (`liontrack up` starts the embedded one)"
    if len(refused) == len(brokers):
        return fail("Kafka", "; ".join(refused), todo)
    stranger = await look(patient.settings)
    if stranger is not None:
        return fail("Kafka", stranger.detail, stranger.todo)
    try:
        patient.cluster = view = await look_at_cluster(patient.settings)
    except TopicError as error:
        return fail("Kafka", first_line(error), todo)
    count = f"{view.brokers} broker{'s' * (view.brokers != 1)}"
    detail = f"cluster {view.cluster_id}, {count} ({patient.settings.kafka_brokers})"
    if refused:
        return warn("Kafka", f"{detail}; {'; '.join(refused)}", "Start that broker, or take it out of KAFKA_BROKERS")
    return ok("Kafka", detail)


async def _refused(broker: str) -> str | None:
    """Why nobody listens at host:port; None where somebody does."""
    host, _, port = broker.rpartition(":")
    if not host or not port.isdigit():
        return f"{broker!r} is no host:port"
    try:
        _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, OverflowError) as error:
        return f"nobody answers at {broker} ({first_line(error)})"
    writer.close()
    return None


async def topics(patient: Patient) -> Sequence[Line]:
    """The five of them, a line each."""
    view: ClusterView = patient.cluster
    wanted = patient.settings.topic_partitions
    return [_topic(patient.settings.topic(spec.name), view, wanted) for spec in TOPICS]


def _topic(name: str, view: ClusterView, wanted: int) -> Line:
    what = f"topic {name}"
    if name not in view.partitions:
        return fail(what, "it does not exist", "Create it with `liontrack topics`")
    partitions = view.partitions[name]
    unsafe = topic_warnings(name, view.configs.get(name, {}), partitions, partitions)
    if unsafe:
        parts = [sentence(text.removeprefix(f"{name} ")) for text in unsafe]
        return fail(what, "; ".join(detail for detail, _ in parts), ". ".join(todo for _, todo in parts))
    if partitions != wanted:
        detail = f"it has {partitions} partitions and TOPIC_PARTITIONS is {wanted}: a worker does not start so"
        return fail(what, detail, f"Set TOPIC_PARTITIONS={partitions}")
    if view.brokers > 1 and view.replicas.get(name, 1) < 2:
        return warn(what, f"one copy on {view.brokers} brokers", "Reassign it with a replication factor of 3")
    return ok(what, f"{partitions} partitions, kept for ever, stamped by the broker")


async def offsets(patient: Patient) -> Line:
    """Whether Kafka still holds what PostgreSQL expects next."""
    settings = patient.settings
    connection = await asyncpg.connect(**settings.pg_dsn, timeout=patient.timeout_s)
    try:
        rows = await connection.fetch(query("metadata/offsets"))
    finally:
        await connection.close()
    try:
        cluster = await read_cluster_state(settings)
    except StartError as error:
        return fail("offsets", *sentence(str(error)))
    stored = {(row["topic"], row["partition"]): row for row in rows}
    lag = 0
    for partition, log in cluster.partitions.items():
        row = stored.get(partition)
        next_offset = row["next_offset"] if row else 0
        head = Head(row["cluster_id"], row["first_fingerprint"]) if row else None
        try:
            check_partition(partition, next_offset, head, cluster.cluster_id, log)
        except ConsistencyError as error:
            detail, _, todo = str(error).rstrip(".").partition(". ")
            return fail("offsets", detail, todo or "Find out what happened to the topic before a worker starts")
        lag += log.end - max(next_offset, log.earliest)
    detail = f"{lag} records wait to be stored, none is lost"
    return warn("offsets", detail, "Start more workers, or wait") if lag > LAG_WARN_RECORDS else ok("offsets", detail)
