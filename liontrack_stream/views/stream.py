"""``/api/analytics/stream``: new positions and revised rows as server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta

from aiohttp import web

from liontrack_stream.views.call import Call
from liontrack_stream.views.errors import ApiError, BadParameter
from liontrack_stream.views.parameters import Id
from liontrack_stream.views.routes import Access, Route
from liontrack_stream.views.stream_hub import HUB, Listener, StreamHub
from liontrack_stream.views.stream_items import RESET, at, event
from liontrack_stream.views.stream_point import BadPoint, Point, point_of

HEARTBEAT_S = 15.0
RETRY_MS = 2_000
LION = Id("lion_id", "Only what concerns this lion.", None)
_HEADERS = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


async def stream(call: Call) -> web.StreamResponse:
    """New fixes, and rows of gold that were revised, as they are stored by whichever worker.

    Events: `hello` (how positions are shown), `position`, `revision`, `reset` (too much to tell each: read the lists
    anew). Whoever comes back with `Last-Event-ID` is told what was stored meanwhile.
    """
    hub, access = call.request.app[HUB], call.position_access(call.now)
    since = _last_point(call.request)
    response = web.StreamResponse(headers={**access.headers, **_HEADERS})
    if call.request.method == "HEAD":
        return response
    if hub.full:
        raise ApiError(503, "Service unavailable", "Too many listen already.", {"Retry-After": "10"})
    listener = Listener(call.viewer, access.exact, call[LION], lambda: _abort(call.request))
    point = await hub.join(listener)
    try:
        missed = await _missed(hub, listener, since, point)
        hello = event("hello", {"positions": access.precision, "as_of": access.as_of, "timestamp": call.now})
        with contextlib.suppress(ConnectionError):  # the client has left
            await response.prepare(call.request)
            await response.write(f"retry: {RETRY_MS}\n".encode() + hello + b"\n" + missed + at(point))
            await _send(response, listener, hub, call)
    finally:
        hub.leave(listener)
    return response


def _last_point(request: web.Request) -> Point | None:
    """The point that the client has got to; None where it comes for the first time."""
    text = request.headers.get("Last-Event-ID", "")
    try:
        return point_of(text) if text else None
    except BadPoint:
        raise BadParameter("The header Last-Event-ID holds no id of this stream's events.") from None


async def _missed(hub: StreamHub, listener: Listener, since: Point | None, point: Point) -> bytes:
    """What the listener missed between its last event and where it joins."""
    if since is None:
        return b""
    if hub.reader.too_far(since, point):
        return RESET + b"\n"
    return listener.chunk(await hub.reader.between(since, point), at(point))


async def _send(response: web.StreamResponse, listener: Listener, hub: StreamHub, call: Call) -> None:
    """Send what comes until the server ends, the client leaves, or its token expires."""
    expires_at = call.viewer.expires_at
    while expires_at is None or call.site.now() < expires_at:
        try:
            async with asyncio.timeout(_wait_s(expires_at, call)):
                chunk = await listener.chunks.get()
        except TimeoutError:
            await response.write(at(hub.point) if hub.point is not None else b":\n\n")
            continue
        if chunk is None:
            return
        await response.write(chunk)
        listener.waiting_bytes -= len(chunk)


def _wait_s(expires_at: datetime | None, call: Call) -> float:
    if expires_at is None:
        return HEARTBEAT_S
    return min(HEARTBEAT_S, max((expires_at - call.site.now()) / timedelta(seconds=1), 0.01))


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


ROUTES = (
    Route(
        "/api/analytics/stream",
        stream,
        Access.POSITIONS,
        (LION,),
        media_types=("text/event-stream",),
    ),
)
