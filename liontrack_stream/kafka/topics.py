"""The five topics: created on purpose, kept forever, and looked at before they are trusted.

A topic of a Kappa log must not lose records: a finite retention deletes by record timestamp, and with
``CreateTime`` that timestamp is the producer's word, so that events of 2010 vanish within minutes.
Existing topics are never altered: a finite retention or a wrong timestamp type becomes a warning.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidPartitionsError, KafkaError, TopicAlreadyExistsError, for_code

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.kafka.errors import TopicError
from liontrack_stream.kafka.exits import StartError
from liontrack_stream.kafka.trouble import why
from liontrack_stream.settings import Settings

REQUIRED_CONFIG: Mapping[str, str] = {
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "cleanup.policy": "delete",  # compaction would drop the events before the last one of a key
    "message.timestamp.type": "LogAppendTime",
}
_VISIBLE_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic as it stands. ``name`` carries the deployment's prefix; ``warnings`` are sentences."""

    name: str
    created: bool
    partitions: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TopicsReport:
    """What ``create_topics`` found and did, in the contract's order."""

    topics: tuple[TopicState, ...]

    @property
    def created(self) -> tuple[str, ...]:
        return tuple(topic.name for topic in self.topics if topic.created)

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(warning for topic in self.topics for warning in topic.warnings)


@dataclass(frozen=True, slots=True)
class ClusterView:
    """A cluster, and those of the five topics that exist; names with the deployment's prefix."""

    cluster_id: str | None
    brokers: int
    partitions: Mapping[str, int]
    replicas: Mapping[str, int]
    configs: Mapping[str, Mapping[str, str]]


async def look_at_cluster(settings: Settings) -> ClusterView:
    """See what is there. Changes and creates nothing.

    Raises
    ------
    TopicError
        When Kafka cannot be reached or does not tell.
    """
    names = [settings.topic(spec.name) for spec in TOPICS]
    async with _admin(settings) as admin:
        cluster = await admin.describe_cluster()
        found = {
            topic["topic"]: topic["partitions"]
            for topic in await admin.describe_topics()
            if topic["topic"] in names and topic["error_code"] == 0
        }
        configs = await _configs(admin, ConfigResourceType.TOPIC, list(found), tuple(REQUIRED_CONFIG))
    return ClusterView(
        cluster.get("cluster_id"),
        len(cluster["brokers"]),
        {name: len(partitions) for name, partitions in found.items()},
        {name: min(len(partition["replicas"]) for partition in partitions) for name, partitions in found.items()},
        configs,
    )


async def create_topics(settings: Settings) -> TopicsReport:
    """Create those of the five topics that are missing; look at all of them. Safe to run again, and at once.

    Raises
    ------
    TopicError
        When Kafka cannot be reached or refuses a topic.
    """
    names = [settings.topic(spec.name) for spec in TOPICS]
    async with _admin(settings) as admin:
        missing = [name for name in names if name not in await _partition_counts(admin, names)]
        created = await _create(admin, missing, settings.topic_partitions) if missing else set()
        counts = await _wait_until_visible(admin, names)
        configs = await _configs(admin, ConfigResourceType.TOPIC, names, tuple(REQUIRED_CONFIG))
    return TopicsReport(
        tuple(
            TopicState(
                name,
                name in created,
                counts[name],
                topic_warnings(name, configs.get(name, {}), counts[name], settings.topic_partitions),
            )
            for name in names
        )
    )


async def widen(settings: Settings, names: Sequence[str]) -> None:
    """Give those of these topics that exist as many partitions as the settings say. Faust never does: a table whose
    changelog has fewer than its topic ends each worker at its first record of a new partition.

    Raises
    ------
    StartError
        When Kafka cannot be reached or refuses.
    """
    wanted = settings.topic_partitions
    try:
        async with _admin(settings) as admin:
            counts = await _partition_counts(admin, list(names))
            narrow = {name: NewPartitions(wanted) for name, count in counts.items() if count < wanted}
            if narrow:
                with suppress(InvalidPartitionsError):  # another worker was quicker
                    await admin.create_partitions(narrow)
    except TopicError as error:
        raise StartError(str(error)) from error


async def check_retention(settings: Settings) -> list[str]:
    """Warnings on the topics as they stand, one sentence each; also for a topic that is missing.

    Creates nothing. For the worker's start.
    """
    names = [settings.topic(spec.name) for spec in TOPICS]
    async with _admin(settings) as admin:
        counts = await _partition_counts(admin, names)
        configs = await _configs(admin, ConfigResourceType.TOPIC, list(counts), tuple(REQUIRED_CONFIG))
    warnings = [f"{name} is missing: create it with `liontrack topics`." for name in names if name not in counts]
    for name, partitions in counts.items():
        warnings.extend(topic_warnings(name, configs.get(name, {}), partitions, partitions))
    return warnings


def topic_warnings(name: str, config: Mapping[str, str], partitions: int, wanted_partitions: int) -> tuple[str, ...]:
    """What is unsafe about a topic of this configuration; empty when nothing is."""
    warnings = []
    for field in ("retention.ms", "retention.bytes"):
        if config.get(field, "-1") != "-1":
            warnings.append(
                f"{name} has {field}={config[field]}: Kafka deletes its old records, and a rebuild from the log "
                f"loses them. Set {field}=-1."
            )
    if "compact" in config.get("cleanup.policy", "delete"):
        warnings.append(f"{name} is compacted: only the last event of each key survives. Set cleanup.policy=delete.")
    if config.get("message.timestamp.type", "LogAppendTime") != "LogAppendTime":
        warnings.append(
            f"{name} has message.timestamp.type={config['message.timestamp.type']}: the order of events and retention "
            "hang on the producers' clocks. Set message.timestamp.type=LogAppendTime."
        )
    if partitions != wanted_partitions:
        warnings.append(
            f"{name} has {partitions} partitions, the settings say {wanted_partitions}: left as it is, for new "
            "partitions would move keys."
        )
    return tuple(warnings)


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**settings.kafka_client, request_timeout_ms=20_000)
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError, TimeoutError) as error:
        detail = str(error) or type(error).__name__
        otherwise = f"Kafka at {settings.kafka_brokers} did not do as asked: {detail}."
        raise TopicError(await why(settings, otherwise)) from error
    finally:
        await admin.close()


async def _partition_counts(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    """Partitions of those topics that exist. Lists all topics: asking by name could create them as a side effect."""
    return {
        topic["topic"]: len(topic["partitions"])
        for topic in await admin.describe_topics()
        if topic["topic"] in names and topic["error_code"] == 0
    }


async def _create(admin: AIOKafkaAdminClient, names: list[str], partitions: int) -> set[str]:
    """Create the topics; return those that were not there. Another process may win the race, which is fine."""
    replicas = await _default_replication_factor(admin)
    response = await admin.create_topics(
        [NewTopic(name, partitions, replicas, topic_configs=dict(REQUIRED_CONFIG)) for name in names],
        timeout_ms=15_000,
    )
    created = set()
    for name, code, *detail in response.topic_errors:
        if code == 0:
            created.add(name)
        elif code != TopicAlreadyExistsError.errno:
            reason = detail[0] if detail and detail[0] else for_code(code).__name__
            raise TopicError(f"Kafka refused to create {name}: {reason}")
    return created


async def _default_replication_factor(admin: AIOKafkaAdminClient) -> int:
    brokers = (await admin.describe_cluster())["brokers"]
    node = str(brokers[0]["node_id"])
    config = await _configs(admin, ConfigResourceType.BROKER, [node], ("default.replication.factor",))
    return min(int(config.get(node, {}).get("default.replication.factor", "1")), len(brokers))


async def _wait_until_visible(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    """Partition counts of all names; a new topic takes a moment to appear in the metadata with its leaders."""
    deadline = asyncio.get_running_loop().time() + _VISIBLE_WITHIN_S
    while True:
        counts = await _partition_counts(admin, names)
        if len(counts) == len(names):
            return counts
        if asyncio.get_running_loop().time() > deadline:
            absent = ", ".join(name for name in names if name not in counts)
            raise TopicError(f"Kafka accepted {absent} but does not list it after {_VISIBLE_WITHIN_S:.0f} seconds.")
        await asyncio.sleep(0.1)


async def _configs(
    admin: AIOKafkaAdminClient, kind: ConfigResourceType, names: list[str], fields: tuple[str, ...]
) -> dict[str, dict[str, str]]:
    """The values of ``fields`` for each resource."""
    if not names:
        return {}
    wanted = [ConfigResource(kind, name, dict.fromkeys(fields, "")) for name in names]
    found: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(wanted):
        for code, message, _kind, name, entries in response.resources:
            if code != 0:
                raise TopicError(
                    f"Kafka does not tell the configuration of {name}: {message or for_code(code).__name__}"
                )
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found
