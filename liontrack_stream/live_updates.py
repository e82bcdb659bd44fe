"""Carries committed live state into the tables, key by key touched, off the path of the records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from itertools import islice
from time import monotonic
from typing import Any

from mode import Service, get_logger

from liontrack_stream.kafka.ports import Partition
from liontrack_stream.state import KEYS_PER_TURN, LiveTable

logger = get_logger(__name__)

INTERVAL_S = 0.2
INTERVAL_WHEN_BUSY_S = 1.0
KEYS_WHEN_IDLE = 40
KEYS_WHEN_BUSY = 300  # per interval: a key costs some 150 µs with its changelog record, and storing comes first


class LiveUpdates(Service):
    """Writes the newest state of each key; keys touched again before they are written cost nothing more.

    Parameters
    ----------
    table_of
        Contract topic -> table.
    kafka_name
        Contract topic -> topic in Kafka.
    busy
        Whether a backlog waits to be stored.
    congested
        Whether changelog records wait to be sent.
    on_broken
        Called with the partition whose table could not be written; it is empty then, and wants reconciling.
    """

    def __init__(
        self,
        table_of: Callable[[str], LiveTable | None],
        kafka_name: Callable[[str], str],
        busy: Callable[[], bool],
        congested: Callable[[], bool],
        on_broken: Callable[[Partition], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._table_of, self._kafka_name, self._on_broken = table_of, kafka_name, on_broken
        self._busy, self._congested = busy, congested
        self._pending: dict[Partition, dict[str, Any]] = {}

    def add(self, partition: Partition, live: Mapping[str, Any]) -> None:
        """Remember what a commit changed."""
        table = self._table_of(partition[0])
        if table is None or not live:
            return
        pending = self._pending.setdefault(partition, {})
        if table.newest_by is None:
            pending.update(live)
            return
        for key, value in live.items():
            pending[key] = table.newer(pending.get(key), value)

    def drop(self, partition: Partition) -> None:
        """Forget a partition that another worker serves now, or that is being reconciled."""
        self._pending.pop(partition, None)

    @Service.task
    async def _write_regularly(self) -> None:
        written_at = 0.0
        while not self.should_stop:
            await self.sleep(INTERVAL_S)
            busy = self._busy()
            if not busy or monotonic() - written_at >= INTERVAL_WHEN_BUSY_S:
                await self.flush(KEYS_WHEN_BUSY if busy else KEYS_WHEN_IDLE)
                written_at = monotonic()

    async def flush(self, max_keys: int | None = None) -> None:
        """Write what is pending, at most ``max_keys`` keys of it."""
        left = max_keys if max_keys is not None else sum(map(len, self._pending.values()))
        for partition in list(self._pending):
            while (pending := self._pending.get(partition)) is not None:
                keys = list(islice(pending, min(left, KEYS_PER_TURN)))
                if self._congested() or not keys:
                    self._pending[partition] = self._pending.pop(partition)  # next time the others come first
                    return
                left -= len(keys)
                self._write(partition, pending, keys)
                await asyncio.sleep(0)

    def _write(self, partition: Partition, pending: dict[str, Any], keys: list[str]) -> None:
        topic, number = partition
        table = self._table_of(topic)
        live = {key: _made(pending.pop(key)) for key in keys}
        if not pending:
            del self._pending[partition]
        if table is None:
            return
        try:
            table.write(self._kafka_name(topic), number, live)
        except Exception as error:
            logger.warning("Live table %s/%d cannot be written (%r): building it anew", table.name, number, error)
            self._pending.pop(partition, None)
            table.store.discard(number)
            self._on_broken(partition)


def _made(value: Any) -> Any:
    return value() if callable(value) else value
