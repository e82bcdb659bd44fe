"""One reader of the stream for all who listen; it looks at Postgres only while somebody does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web
from mode import get_logger

from liontrack_stream.kafka.infrastructure_errors import RETRIED, backoff_s
from liontrack_stream.views.access import Viewer
from liontrack_stream.views.stream_items import Item, at
from liontrack_stream.views.stream_point import Point
from liontrack_stream.views.stream_reader import StreamReader

logger = get_logger(__name__)

POLL_S = 0.2
AGE_EVERY_S = 5.0  # what comes of age is late by a day: some seconds more do not matter
LISTENERS_MAX = 200
WAITING_BYTES_MAX = 1_048_576  # for a client that does not read


@dataclass(eq=False)
class Listener:
    """Somebody who listens. ``abort`` ends the connection of one who does not read what is sent."""

    viewer: Viewer
    exact: bool
    lion_id: str | None
    abort: Callable[[], None]
    chunks: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)  # None: the end
    waiting_bytes: int = 0

    def chunk(self, items: list[Item], end: bytes) -> bytes:
        """The events of these items that concern the listener; the last one ends by telling how far they go."""
        events = [found for item in items if (found := item.of(self.viewer, self.exact, self.lion_id)) is not None]
        return b"\n".join([*events[:-1], events[-1] + end]) if events else b""

    def put(self, chunk: bytes) -> None:
        """Have it sent, or end the connection where too much waits already: it goes on from the last id it got."""
        self.waiting_bytes += len(chunk)
        if self.waiting_bytes > WAITING_BYTES_MAX:
            self.abort()
            self.chunks.put_nowait(None)
        elif chunk:
            self.chunks.put_nowait(chunk)


class StreamHub:
    """Listeners, and the task that tells them what is new. For one event loop."""

    def __init__(self, reader: StreamReader) -> None:
        self.reader = reader
        self.listeners: set[Listener] = set()
        self.point: Point | None = None
        self._task: asyncio.Task[None] | None = None
        self._joining = asyncio.Lock()
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether nobody more may listen."""
        return self._closed or len(self.listeners) >= LISTENERS_MAX

    async def join(self, listener: Listener) -> Point:
        """Have a listener told what follows the point that is returned."""
        async with self._joining:
            if self.point is None or not self.listeners:
                self.point = await self.reader.present()
            self.listeners.add(listener)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tell())
        return self.point

    def leave(self, listener: Listener) -> None:
        """Tell a listener nothing more; without listeners nothing is read."""
        self.listeners.discard(listener)

    async def close(self) -> None:
        """End all streams."""
        self._closed = True
        for listener in self.listeners:
            listener.chunks.put_nowait(None)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _tell(self) -> None:
        loop, aged_at, failures = asyncio.get_running_loop(), 0.0, 0
        while self.listeners and self.point is not None:
            await asyncio.sleep(POLL_S if not failures else backoff_s(failures))
            age = loop.time() - aged_at >= AGE_EVERY_S
            try:
                await self._step(age)
            except RETRIED as error:
                failures += 1
                logger.info("The stream of positions waits for the warehouse: %r", error)
            except Exception:
                failures += 1
                logger.exception("The stream of positions cannot be read")
            else:
                failures, aged_at = 0, loop.time() if age else aged_at

    async def _step(self, age: bool) -> None:
        assert self.point is not None
        since, to = self.point, await self.reader.present()
        if not age:
            to = Point(to.heads, since.until, to.revision_id)
        if to == since:
            return
        items = await self.reader.between(since, to)
        if self.point is not since:
            return  # all have left meanwhile, and somebody has come who starts later
        self.point, end = to, at(to)
        for listener in list(self.listeners):
            listener.put(listener.chunk(items, end))


HUB = web.AppKey("stream", StreamHub)
