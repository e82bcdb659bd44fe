"""Claiming partitions: the writer's lease, where to read on, and whether Kafka still is what Postgres remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from mode import get_logger

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.kafka.checks import ClusterState, check_partition, head_to_remember, read_cluster_state
from liontrack_stream.kafka.exits import StartError, StuckError
from liontrack_stream.kafka.infrastructure_errors import RETRIED, backoff_s
from liontrack_stream.kafka.ports import Head, OffsetStore, Partition
from liontrack_stream.settings import Settings

logger = get_logger(__name__)


class Claims:
    """Claims for one worker; ``cluster`` is Kafka as it stood when the worker started."""

    def __init__(self, settings: Settings, offsets: OffsetStore, cluster: ClusterState) -> None:
        self._settings, self._offsets, self._cluster = settings, offsets, cluster

    async def claim(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Take the leases; the next offset of each. Waits for Postgres when it is away.

        Raises
        ------
        ConsistencyError
            When Kafka is not what Postgres remembers.
        """
        wanted = sorted(partitions)
        attempt = 0
        while True:
            try:
                return await self._claim(wanted)
            except RETRIED as error:
                attempt += 1
                if attempt == 1:
                    logger.warning("Claiming partitions: %r; trying again until it works", error)
            await asyncio.sleep(backoff_s(attempt))

    async def _claim(self, wanted: list[Partition]) -> dict[Partition, int]:
        starts = await self._offsets.claim(wanted)
        heads = await self._offsets.heads()
        new_heads = {}
        for partition, stored in starts.items():
            log = self._cluster.partitions.get(partition)
            if log is None:
                raise added_partition(partition)
            if stored <= log.end:
                check_partition(partition, stored, heads.get(partition), self._cluster.cluster_id, log)
            head = head_to_remember(heads.get(partition), self._cluster.cluster_id, log)
            if head is not None:
                new_heads[partition] = head
        await self._check_those_above(starts, heads)
        if new_heads:
            await self._offsets.remember_heads(new_heads)
        return starts

    async def _check_those_above(self, starts: Mapping[Partition, int], heads: Mapping[Partition, Head]) -> None:
        """Another worker may have stored beyond the end that this one saw at its start: look at Kafka again."""
        above = {p: stored for p, stored in starts.items() if stored > self._cluster.partitions[p].end}
        if above:
            now = await read_cluster_state(self._settings)
            for partition, stored in above.items():
                check_partition(partition, stored, heads.get(partition), now.cluster_id, now.partitions[partition])


def added_partition(partition: Partition) -> StuckError:
    """What ends a worker that meets a partition which was not there when it started."""
    new = f"{partition[0]} has got partition {partition[1]}"
    return StuckError(f"{new}: start the worker again, with TOPIC_PARTITIONS as it is now.")


def check_partition_counts(settings: Settings, cluster: ClusterState) -> None:
    """Live tables have as many partitions as the settings say, and must have as many as their topics.

    Raises
    ------
    StartError
        Where a topic differs.
    """
    for topic in TOPICS:
        found = sum(name == topic.name for name, _ in cluster.partitions)
        if found != settings.topic_partitions:
            raise StartError(
                f"Topic {settings.topic(topic.name)} has {found} partitions, but TOPIC_PARTITIONS is "
                f"{settings.topic_partitions}: set TOPIC_PARTITIONS={found}."
            )
