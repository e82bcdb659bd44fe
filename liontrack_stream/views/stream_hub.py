"""One look at the warehouse for all who follow the stream of one web server.

::

    warehouse ◄─ every 0.2 s, while somebody follows ─ hub ─► a step, encoded once per audience ─► each one's queue
                                                                     a full queue: that client is cut off ◄──┘

A client that was cut off, or comes to another worker, says by its last id what it has; see `stream_cursor`.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

from aiohttp import web
from mode import get_logger

from liontrack_stream.kafka.infrastructure_errors import RETRIED
from liontrack_stream.views.errors import NOT_MIGRATED, ApiError
from liontrack_stream.views.site import Site
from liontrack_stream.views.stream_cursor import Cursor, Resume, aged_until, id_prefix
from liontrack_stream.views.stream_items import Event, reset_text, with_id, with_ids
from liontrack_stream.views.stream_reader import Audience, StreamReader

logger = get_logger(__name__)

POLL_S = 0.2
TROUBLE_S = 1.0
RECORDS_MAX = 50_000  # what is further back is not told one by one
AGE_MAX = timedelta(days=1)
QUEUE_MAX_BYTES = 1_048_576
OF_ONE_CLIENT_MAX = 20
RETRY_AFTER_S = 10
UNAVAILABLE = (*RETRIED, *NOT_MIGRATED)
AWAY = b": the warehouse does not answer at present\n\n"
_TOO_FAR = "More happened since than is told one by one."


class Subscriber:
    """One who follows, and what waits for it."""

    def __init__(self, audience: Audience, user_id: str | None, is_admin: bool, lion_id: str | None) -> None:
        self.audience, self.user_id, self.is_admin, self.lion_id = audience, user_id, is_admin, lion_id
        self.transport: asyncio.BaseTransport | None = None
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._woken, self._over = asyncio.Event(), asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self._over.is_set()

    @property
    def gone(self) -> bool:
        """Whether its connection is closed, or nothing more comes."""
        return self.ended or self.transport is None or self.transport.is_closing()

    def sees(self, event: Event) -> bool:
        """Whether an event of its audience is for this one."""
        if event.user_id is not None:
            return self.lion_id is None and (self.is_admin or event.user_id == self.user_id)
        return self.lion_id is None or event.lion_id in (None, self.lion_id)

    def offer(self, chunk: bytes, most_bytes: int) -> None:
        """Put something into the queue; a client that does not take what it is sent is cut off."""
        if not chunk or self.ended:
            return
        if self._waiting and self._bytes + len(chunk) > most_bytes:
            self.end(cut=True)
            return
        self._waiting.append(chunk)
        self._bytes += len(chunk)
        self._woken.set()

    def end(self, cut: bool = False) -> None:
        """No more for this one. A connection that does not take what was written is cut: nobody waits for it."""
        self._over.set()
        self._woken.set()
        transport = self.transport
        if isinstance(transport, asyncio.WriteTransport) and (cut or transport.get_write_buffer_size()):
            transport.abort()

    async def over(self) -> None:
        """Return when nothing more comes."""
        await self._over.wait()

    async def take(self, timeout_s: float) -> bytes:
        """What waits, or nothing when it does not come in time."""
        if not self._waiting and not self.ended:
            with suppress(TimeoutError):  # what came while the time ran out is taken, too
                await asyncio.wait_for(self._woken.wait(), timeout_s)
        self._woken.clear()
        chunks = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return chunks


class Hub:
    """Looks, and tells those who follow. For one event loop."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.reader = StreamReader(site.database, site.settings.position_grid_deg)
        self.queue_max_bytes, self.records_max, self.poll_s = QUEUE_MAX_BYTES, RECORDS_MAX, POLL_S
        self.polls = 0
        self._cursor: Cursor | None = None
        self._places: Counter[str] = Counter()
        self._subscribers: set[Subscriber] = set()
        self._looking = asyncio.Lock()
        self._catching_up = asyncio.Semaphore(2)
        self._task: asyncio.Task[None] | None = None
        self.ended = self._in_trouble = False

    @property
    def following(self) -> int:
        """How many follow."""
        return self._places.total()

    @property
    def is_polling(self) -> bool:
        """Whether it looks at the warehouse."""
        return self._task is not None and not self._task.done()

    @property
    def cursor_text(self) -> str:
        """The id of whoever has all that was told."""
        return "" if self._cursor is None else self._cursor.text

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """A place among those that follow; 429 where the client has enough of them, 503 where there is none."""
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        if self.ended or self.following >= self._site.settings.stream_clients_max:
            raise ApiError(503, "Service unavailable", "This server tells nobody else at present.", headers)
        if self._places[client] >= OF_ONE_CLIENT_MAX:
            detail = f"{OF_ONE_CLIENT_MAX} streams are open, and one client may have no more at the same time."
            raise ApiError(429, "Too many streams", detail, headers)
        self._places[client] += 1
        try:
            yield
        finally:
            self._places[client] -= 1
            if not self._places[client]:
                del self._places[client]

    async def join(self, subscriber: Subscriber, resume: Resume | None) -> Cursor:
        """Begin to tell a subscriber what comes; from where on.

        Raises
        ------
        OSError, TimeoutError, asyncpg.PostgresError
            When Postgres does not say where it is; trying again is safe.
        """
        has = None if resume is None else resume.end or resume.cursor
        async with self._looking:
            if not self._subscribers:
                self._cursor = None  # nobody was told of what came since
            if self._cursor is None or (has is not None and not self._cursor.covers(has)):
                await self._look()
            cursor = self._cursor
            assert cursor is not None
            self._subscribers.add(subscriber)
        if not self.is_polling and not self.ended:
            self._task = asyncio.create_task(self._keep_looking())
        return cursor

    def leave(self, subscriber: Subscriber) -> None:
        """Tell this one no more."""
        self._subscribers.discard(subscriber)

    async def missed(self, subscriber: Subscriber, resume: Resume | None, cursor: Cursor) -> bytes:
        """What a subscriber that comes back lacks up to where it joined; ``resume`` None: nobody knows what it has."""
        if resume is None:
            return with_id(reset_text("The last id is not one of this stream's."), cursor.text)
        if self._is_lost(resume, cursor):
            return with_id(reset_text(_TOO_FAR), cursor.text)
        steps = [(resume.end or resume.cursor, cursor)]
        if resume.end is not None:
            steps.insert(0, (resume.cursor, resume.end))
        told = b""
        async with self._catching_up:
            for begin, end in steps:
                events = (await self.reader.step(begin, end, [subscriber.audience]))[subscriber.audience]
                if end is resume.end and resume.after is not None:
                    events = [event for event in events if event.key > resume.after]
                told += with_ids(filter(subscriber.sees, events), id_prefix(begin, end))
        return told

    def _is_lost(self, resume: Resume, cursor: Cursor) -> bool:
        """Whether what lies between is too much, or something that never was."""
        if not (cursor.covers(resume.cursor) and cursor.covers(resume.end or resume.cursor)):
            return True
        return self._is_too_far(resume.cursor, cursor)

    def _is_too_far(self, begin: Cursor, end: Cursor) -> bool:
        return end.records_since(begin) > self.records_max or end.until - begin.until > AGE_MAX

    def end(self) -> None:
        """End all streams, now."""
        self.ended = True
        if self._task is not None:
            self._task.cancel()
        for subscriber in list(self._subscribers):
            subscriber.end()

    async def _keep_looking(self) -> None:
        while self._subscribers:
            await asyncio.sleep(TROUBLE_S if self._in_trouble else self.poll_s)
            try:
                async with self._looking:
                    await self._look()
            except UNAVAILABLE as error:
                self._trouble(f"the warehouse does not answer: {error!r}")
            except Exception:
                logger.exception("The stream's look at the warehouse failed")
                self._trouble("")
            else:
                self._in_trouble = False

    def _trouble(self, reason: str) -> None:
        if not self._in_trouble and reason:
            logger.info("%s", reason)
        self._in_trouble = True
        for subscriber in self._subscribers:
            subscriber.offer(AWAY, self.queue_max_bytes)

    async def _look(self) -> None:
        """Go on to where the warehouse is, and tell what lies between."""
        self.polls += 1
        offsets = await self.reader.offsets()
        until = aged_until(self._site.now(), self._site.settings.position_delay_h)
        begin = self._cursor
        if begin is None:
            self._cursor = Cursor(offsets, until)
            return
        end = Cursor(offsets, max(until, begin.until))
        if end == begin:
            return
        if not end.covers(begin) or self._is_too_far(begin, end):
            self._cursor = end
            self._tell_all(with_id(reset_text(_TOO_FAR), end.text))
            return
        audiences = {subscriber.audience for subscriber in self._subscribers}
        steps = await self.reader.step(begin, end, audiences)
        self._cursor = end
        prefix = id_prefix(begin, end)
        for audience, events in steps.items():
            self._tell(audience, events, prefix)

    def _tell_all(self, chunk: bytes) -> None:
        for subscriber in self._subscribers:
            subscriber.offer(chunk, self.queue_max_bytes)

    def _tell(self, audience: Audience, events: Sequence[Event], prefix: str) -> None:
        """Give each subscriber of an audience its part; what is for all is encoded once."""
        if not events:
            return
        public = with_ids((event for event in events if event.user_id is None), prefix)
        users = {event.user_id for event in events if event.user_id is not None}
        for subscriber in self._subscribers:
            if subscriber.audience is not audience:
                continue
            of_users = users and (subscriber.is_admin or subscriber.user_id in users)
            own = with_ids(filter(subscriber.sees, events), prefix) if subscriber.lion_id or of_users else public
            subscriber.offer(own, self.queue_max_bytes)


HUB = web.AppKey("stream_hub", Hub)
