"""The worker's live tables by topic, and how a claimed partition of one is brought to Postgres's state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mode import get_logger

from liontrack_stream.kafka.ports import Partition
from liontrack_stream.state import LiveTable

logger = get_logger(__name__)

RECONCILE_TIMEOUT_S = 10.0

Rows = dict[str, Any]
Reconcile = Callable[[Any, int], Awaitable[Rows]]  # (pool, partition) -> key: live state


class LiveTables(dict[str, LiveTable]):
    """Contract topic -> table. ``kafka_name``: contract topic -> topic in Kafka."""

    def __init__(self, kafka_name: Callable[[str], str]) -> None:
        super().__init__()
        self._kafka_name = kafka_name
        self._reconcile: dict[str, Reconcile] = {}

    def declare(self, topic: str, table: LiveTable, reconcile: Reconcile) -> None:
        """Add a topic's table; ``reconcile`` reads a partition's state from Postgres."""
        self[topic] = table
        self._reconcile[topic] = reconcile

    async def prepare(self, pool: Any, partition: Partition) -> None:
        """Make a partition's table hold what Postgres holds. Never raises: no result depends on it."""
        topic, number = partition
        table, name = self.get(topic), self._kafka_name(topic)
        if table is None:
            return
        try:
            rows = await asyncio.wait_for(self._reconcile[topic](pool, number), RECONCILE_TIMEOUT_S)
            differed = await table.replace(name, number, rows)
            if differed:
                logger.info("Live table %s/%d: %d of %d keys set by Postgres", table.name, number, differed, len(rows))
        except Exception as error:
            logger.warning("Live table %s/%d is not reconciled: %r", table.name, number, error)
