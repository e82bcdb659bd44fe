"""``/api/analytics/stream``: new positions and revised rows as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from time import monotonic

from aiohttp import web
from mode import get_logger

from liontrack_stream.views.bodies.stream import Hello
from liontrack_stream.views.call import Call
from liontrack_stream.views.parameters import Id, WholeNumber
from liontrack_stream.views.rate_limit import client_of
from liontrack_stream.views.routes import Access, Route
from liontrack_stream.views.stream_cursor import Cursor, Resume, aged_until, read_id
from liontrack_stream.views.stream_hub import AWAY, HUB, TROUBLE_S, UNAVAILABLE, Hub, Subscriber
from liontrack_stream.views.stream_items import event_text, with_id
from liontrack_stream.views.stream_reader import Audience

logger = get_logger(__name__)

HEARTBEAT_S = 15.0
_STUCK_S = 15.0  # one who takes nothing keeps its place so long after its time
RETRY_MS = 2_000  # how soon a browser comes back
_LOOK_S = 2.0  # how soon a client's leaving is noticed while nothing is sent
_CLOCKS_APART = timedelta(minutes=1)  # of workers
_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}

LION = Id("lion_id", "Events of this lion alone.", None)
SECONDS = WholeNumber(
    "seconds", "The stream ends after so long; a client goes on by its last id.", 3_600, low=1, high=86_400
)


async def stream(call: Call) -> web.StreamResponse:
    """New accepted fixes and revised rows of gold, as they come, as server-sent events. The header `Last-Event-ID` goes
    on where a stream ended. Events: `hello` first, `position` {lion_id, position_date, lat, lng, accuracy, fixes},
    `revision` {table_name, entity_id, period_start, from, to}, and `reset` {reason} where more happened than is told
    one by one. Rows of users are told to the user and to the role admin."""
    hub, request = call.request.app[HUB], call.request
    access = call.position_access(call.now)
    response = web.StreamResponse(headers={**access.headers, **_HEADERS})
    if request.method == "HEAD":
        await response.prepare(request)
        return response
    viewer = call.viewer
    audience = Audience.EXACT if access.exact else Audience.DELAYED
    subscriber = Subscriber(audience, viewer.user_id, viewer.is_admin, call[LION])
    with hub.place(client_of(request)):
        await response.prepare(request)
        subscriber.transport = request.transport
        try:
            await _Following(call, hub, subscriber, response.write).run()
        except ConnectionError:
            logger.debug("A client of the stream went away")
        except Exception:
            logger.exception("A stream broke off")
            subscriber.end(cut=True)
        finally:
            hub.leave(subscriber)
    return response


class _Following:
    """One client's stream, from its hello to its end."""

    def __init__(self, call: Call, hub: Hub, subscriber: Subscriber, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._call, self._hub, self._subscriber, self._write = call, hub, subscriber, write
        self._ends_at_s = monotonic() + call[SECONDS]
        self._written_at_s = monotonic()

    async def run(self) -> None:
        """Send what there is until the time, the token, the client or the server comes to its end."""
        following = asyncio.create_task(self._follow())
        over = asyncio.create_task(self._subscriber.over())
        try:
            most_s = self._ends_at_s + _STUCK_S - monotonic()
            done, _ = await asyncio.wait((following, over), timeout=most_s, return_when=asyncio.FIRST_COMPLETED)
            if following in done:
                following.result()
            elif not done:
                self._subscriber.end(cut=True)
        finally:
            following.cancel()
            over.cancel()

    async def _follow(self) -> None:
        last_id = self._call.request.headers.get("Last-Event-ID", "")
        resume = read_id(last_id) if last_id else None
        await self._send(b"retry: %d\n: follow\n\n" % RETRY_MS)
        if resume is not None:
            await self._wait_for_clock(resume)
        cursor = await self._join(resume)
        if cursor is None:
            return
        await self._send(with_id(self._hello(), last_id if resume else cursor.text))
        if last_id:
            await self._send(await self._missed(resume, cursor))
        while not self._over:
            await self._send(await self._subscriber.take(self._wait_s()) or self._heartbeat())

    @property
    def _over(self) -> bool:
        if self._hub.ended or self._subscriber.gone or monotonic() >= self._ends_at_s:
            return True
        expires_at = self._call.viewer.expires_at
        return expires_at is not None and self._call.site.now() >= expires_at

    def _wait_s(self) -> float:
        now_s = monotonic()
        return max(0.0, min(_LOOK_S, self._ends_at_s - now_s, self._written_at_s + HEARTBEAT_S - now_s))

    def _heartbeat(self) -> bytes:
        """After a while without events: a sign of life, and the id that a client has by now that sees few of them."""
        if monotonic() - self._written_at_s < HEARTBEAT_S:
            return b""
        return with_id(b": still here\n", self._hub.cursor_text)

    async def _send(self, data: bytes) -> None:
        if data and not self._subscriber.ended:
            await self._write(data)
            self._written_at_s = monotonic()

    def _hello(self) -> bytes:
        access = self._call.position_access(self._call.now)
        return event_text("hello", Hello(positions=access.precision, as_of=access.as_of))

    async def _wait_for_clock(self, resume: Resume) -> None:
        """What came of age by the clock of another worker has to be of age here, too, before this one goes on."""
        has = (resume.end or resume.cursor).until
        while timedelta() < has - self._aged_until() <= _CLOCKS_APART and not self._over:  # noqa: ASYNC110
            await asyncio.sleep(0.2)

    def _aged_until(self) -> datetime:
        return aged_until(self._call.site.now(), self._call.site.settings.position_delay_h)

    async def _join(self, resume: Resume | None) -> Cursor | None:
        """Where this one joined; None when it is over before Postgres answers."""
        while not self._over:
            try:
                return await self._hub.join(self._subscriber, resume)
            except UNAVAILABLE:
                await self._pause()
        return None

    async def _missed(self, resume: Resume | None, cursor: Cursor) -> bytes:
        while not self._over:
            try:
                return await self._hub.missed(self._subscriber, resume, cursor)
            except UNAVAILABLE:
                await self._pause()
        return b""

    async def _pause(self) -> None:
        await self._send(AWAY)
        await asyncio.sleep(TROUBLE_S)


ROUTES = (
    Route(
        "/api/analytics/stream",
        stream,
        Access.POSITIONS,
        (LION, SECONDS),
        media_types=("text/event-stream",),
        errors=(429, 503),
        tag="stream",
    ),
)
