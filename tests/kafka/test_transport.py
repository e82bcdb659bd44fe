"""Faust's transport as ours is."""

from __future__ import annotations

import asyncio
from typing import Any

from liontrack_stream.kafka.transport import BatchTransport


class _Kafka(BatchTransport):
    """Creates a topic when it is told to."""

    def __init__(self) -> None:
        self._topic_waiters, self.loop = {}, None
        self.told, self.created = asyncio.Event(), 0

    async def _really_create_topic(self, *arguments: Any, **options: Any) -> None:
        await self.told.wait()
        self.created += 1


async def test_who_creates_a_topic_is_not_disturbed_by_who_waits_for_it_and_is_cancelled() -> None:
    """A worker that is stopped as it starts: its tables and agents ask for the same topics."""
    kafka = _Kafka()
    first, second = (asyncio.create_task(kafka._create_topic(None, None, "lions", 1, 1)) for _ in range(2))
    for _ in range(5):
        await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert second.cancelled()
    kafka.told.set()
    await first
    assert kafka.created == 1
