"""The worker's quality checks: regularly, and when it ends, what batches have counted is published as checks.

They are records of ``data.quality.events`` like anybody's, and get into metadata.data_quality_checks as those do. A
check that is published twice, because the worker died in between, is the same record twice and counts once.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec
from mode import Service, get_logger

from liontrack_stream.contract.topics import QUALITY
from liontrack_stream.core.quality import WORKER_SOURCE
from liontrack_stream.crashpoints import crash_here
from liontrack_stream.kafka.infrastructure_errors import RETRIED
from liontrack_stream.kafka.ports import Partition
from liontrack_stream.kafka.producer import EventProducer, Outgoing, headers_for
from liontrack_stream.sidecars import Sidecar
from liontrack_stream.warehouse import quality_outbox

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp

logger = get_logger(__name__)

FINISH_WITHIN_S = 20.0
RETRY_S = 0.2
POLL_S = 0.05
ASK_EVERY_S = 0.5  # Postgres, for partitions of other workers


class QualityChecks(Sidecar):
    """Publishes the checks of all workers, one worker at a time. Kafka or Postgres away: the counts wait."""

    def __init__(self, app: LionTrackApp, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.app = app
        self._turn = asyncio.Lock()
        self._attempts: set[asyncio.Task[bool]] = set()
        self._failing = False
        self._ends: dict[Partition, int] = {}  # behind the last check that this worker has published

    @Service.task
    async def _publish_regularly(self) -> None:
        while not self.should_stop:
            await self.sleep(self.app.settings.quality_interval_s)
            if not self.should_stop:
                await self._attempt()

    async def finish(self) -> None:
        """Publish what was counted; unless the worker is stopping, wait until it has stored these checks too."""
        if self.app.should_stop:
            await self._attempt()
            return
        try:
            async with asyncio.timeout(FINISH_WITHIN_S):
                published = await self._attempt()
                while not published:
                    await asyncio.sleep(RETRY_S)
                    published = await self._attempt()
                await self._stored()
        except TimeoutError:
            logger.warning("Quality checks: not published and stored within %.0f s, the next run does", FINISH_WITHIN_S)

    async def _attempt(self) -> bool:
        """Cut and publish; whether it was done. Not cancelled with its caller: Kafka may take long to let go."""
        task = asyncio.create_task(self._try())
        self._attempts.add(task)
        task.add_done_callback(self._attempts.discard)
        return await asyncio.shield(task)

    async def _try(self) -> bool:
        async with self._turn:
            try:
                done = await self._publish()
            except Exception as error:
                if not self._failing:
                    logger.warning("Quality checks wait and are tried again: %r", error)
                self._failing = True
                return False
            if self._failing:
                logger.info("Quality checks are published again")
            self._failing = False
            return done

    async def _publish(self) -> bool:
        """False when another worker is at it."""
        async with quality_outbox.leading(self.app.settings) as connection:
            if connection is None:
                return False
            await quality_outbox.cut(connection)
            while events := await quality_outbox.waiting(connection):
                await self._send([_record(event) for event in events.values()])
                crash_here("quality.after_publish")
                await quality_outbox.clear(connection, list(events))
            return True

    async def _send(self, records: list[Outgoing]) -> None:
        async with EventProducer(self.app.settings) as producer:
            await producer.send_many(records)
        for partition, end in producer.next_offsets.items():
            self._ends[partition] = max(end, self._ends.get(partition, 0))

    async def _stored(self) -> None:
        """Return when every check that this worker has published is in the warehouse."""
        others, asked_at = await self._offsets(), monotonic()
        while not self.should_stop:
            stored = {**others, **self.app.progress.next_offset}
            if all(stored.get(partition, 0) >= end for partition, end in self._ends.items()):
                return
            await asyncio.sleep(POLL_S)
            if monotonic() - asked_at > ASK_EVERY_S:
                others, asked_at = await self._offsets(), monotonic()

    async def _offsets(self) -> dict[Partition, int]:
        try:
            return dict(await self.app.offsets.stored())
        except RETRIED:
            return {}


def _record(event: str) -> Outgoing:
    check = msgspec.json.decode(event)
    headers = headers_for(QUALITY.name, check["check_timestamp"].encode(), WORKER_SOURCE)
    return Outgoing(QUALITY.name, check["table_name"].encode(), event.encode(), headers)
