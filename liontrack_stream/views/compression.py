"""gzip for whoever accepts it. What is sent as a stream compresses itself; server-sent events do not."""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict

import xxhash
from aiohttp import web

from liontrack_stream.views.errors import Handler
from liontrack_stream.views.responses import add_vary

SMALL_BYTES = 1_024  # one packet carries it anyway
LARGE_BYTES = 32_768  # takes a thread's time rather than the loop's
LEVEL = 1  # a fifth of the size; level 6 takes twice as long to save a fifth more
KEPT_BYTES = 4_194_304
_TYPES = ("text/", "application/json", "application/geo+json", "application/manifest+json")


def takes_gzip(request: web.Request) -> bool:
    """Whether the client names gzip, or anything, with a weight above zero (RFC 9110, 12.5.3)."""
    weights = {}
    for part in ",".join(request.headers.getall("Accept-Encoding", [])).lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";")
        weights[coding] = not weight.startswith("q=") or bool(weight[2:].strip("0."))
    return weights.get("gzip", weights.get("*", False))


class Compressor:
    """Compresses bodies, and remembers the last ones: many ask for the same list. For one event loop."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, asyncio.Future[bytes]] = OrderedDict()
        self._bytes = 0

    async def compress(self, body: bytes) -> bytes:
        """The body in gzip."""
        if len(body) < LARGE_BYTES:
            return gzip.compress(body, LEVEL, mtime=0)
        key = xxhash.xxh3_128_hexdigest(body)
        found = self._kept.get(key)
        if found is None:
            found = asyncio.ensure_future(asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0))
            self._keep(key, found)
        else:
            self._kept.move_to_end(key)
        return await asyncio.shield(found)

    def _keep(self, key: str, made: asyncio.Future[bytes]) -> None:
        """Keep this one once it is made, and let go of those not asked for longest."""
        self._kept[key] = made

        def done(_: asyncio.Future[bytes]) -> None:
            if made.cancelled() or made.exception() is not None:
                self._kept.pop(key, None)
                return
            self._bytes += len(made.result())
            while self._bytes > KEPT_BYTES:
                oldest = next(key for key, future in self._kept.items() if future.done())
                self._bytes -= len(self._kept.pop(oldest).result())

        made.add_done_callback(done)


COMPRESSOR = web.AppKey("compressor", Compressor)


@web.middleware
async def compressed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send a body of some size and of a type that shrinks in gzip, unless it is encoded already."""
    response = await handler(request)
    if not isinstance(response, web.Response) or response.prepared or "Content-Encoding" in response.headers:
        return response
    body = response.body
    if not isinstance(body, bytes) or len(body) < SMALL_BYTES or not response.content_type.startswith(_TYPES):
        return response
    add_vary(response, "Accept-Encoding")
    if takes_gzip(request):
        response.body = await request.app[COMPRESSOR].compress(body)
        response.headers["Content-Encoding"] = "gzip"
    return response
