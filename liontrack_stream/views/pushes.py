"""Taking what is pushed: the body with its limits, its items, Kafka's acknowledgement, and what of it was refused.

::

    a place ─► body, unpacked ─► items ─► each checked as by the stream ─► Kafka has all good ones ─► answer
    429        408 413 415       400      the bad ones are named           503                        200 207 422
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from liontrack_stream.kafka.producer import RECORD_MAX_BYTES, Outgoing
from liontrack_stream.kafka.pushing import NotAcknowledged, PushProducer
from liontrack_stream.metrics import items_pushed
from liontrack_stream.settings import Settings
from liontrack_stream.sources.pushed import Adapter, Refused, record_of
from liontrack_stream.views.call import Call
from liontrack_stream.views.errors import ApiError
from liontrack_stream.views.responses import json_response
from liontrack_stream.views.size_limits import too_large
from liontrack_stream.views.wearers import Wearers

JSON = "application/json"
NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
READ_WITHIN_S = 15.0
AGAIN_S = "2"
_ITEMS_AT_ONCE = 200  # until other requests get their turn
_BYTE = re.compile(r"\(byte (\d+)\)")

Item = tuple[int, bytes]  # its place in the array, or its line, from 0; its JSON


class Pushes:
    """How many pushes are under way, and what they share: the producer, and who wears which collar. For one loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._under_way = 0
        self.producer = PushProducer(settings, settings.ingest_timeout_s)
        self.wearers = Wearers()

    def __enter__(self) -> None:
        if self._under_way >= self._settings.ingest_concurrency_max:
            detail = f"{self._under_way} pushes are under way (INGEST_CONCURRENCY_MAX). Push again in {AGAIN_S} s."
            raise ApiError(429, "Too many requests", detail, {"Retry-After": AGAIN_S})
        self._under_way += 1

    def __exit__(self, *_: object) -> None:
        self._under_way -= 1

    async def close(self) -> None:
        """Let the producer go."""
        await self.producer.close()


PUSHES = web.AppKey("pushes", Pushes)


async def take_body(call: Call, topic: str, adapt: Adapter | None = None) -> web.Response:
    """Push what the request's body holds into a topic; see `sources.pushed.record_of`."""
    with call.request.app[PUSHES]:
        settings = call.site.settings
        lines = takes_lines(call.request)
        body = unpacked(call.request, await read_body(call.request, settings.ingest_body_max_bytes), settings)
        return await _take(call, topic, items_of(body, lines, settings.ingest_items_max), adapt)


async def take_item(call: Call, topic: str, item: bytes, adapt: Adapter) -> web.Response:
    """Push one item that came otherwise than in a body."""
    with call.request.app[PUSHES]:
        return await _take(call, topic, [(0, item)], adapt)


async def _take(call: Call, topic: str, items: Sequence[Item], adapt: Adapter | None) -> web.Response:
    pushed_by = call.viewer.user_id or ""
    value_max_bytes = min(call.site.settings.value_max_bytes, RECORD_MAX_BYTES)
    records: list[Outgoing] = []
    rejected: list[dict[str, Any]] = []
    for number, (index, item) in enumerate(items, 1):
        record = record_of(topic, item, pushed_by, value_max_bytes, adapt)
        if isinstance(record, Refused):
            rejected.append(_told(index, record))
        else:
            records.append(record)
        if number % _ITEMS_AT_ONCE == 0:
            await asyncio.sleep(0)
    items_pushed(topic, "refused", len(rejected))
    if records:
        try:
            await call.request.app[PUSHES].producer.push(records)
            items_pushed(topic, "acknowledged", len(records))
        except NotAcknowledged as error:
            items_pushed(topic, "not_acknowledged", len(records))
            detail = f"{error} Push all of it again: what arrived counts once."
            raise ApiError(503, "Service unavailable", detail, {"Retry-After": AGAIN_S}) from None
    taken = {"accepted": len(records), "rejected": rejected}
    if rejected and not records:
        refused = {"error": "Unprocessable content", "detail": "No item was taken: each has its reason in `rejected`."}
        return json_response({**refused, **taken}, 422)
    return json_response(taken, 207 if rejected else 200)


def takes_lines(request: web.Request) -> bool:
    """Whether the body is NDJSON, by its Content-Type; 415 for anything but JSON, and for a body packed otherwise."""
    if _packing(request) not in ("identity", "gzip"):
        raise ApiError(415, "Unsupported media type", "A body is packed as gzip, or not.", {"Accept-Encoding": "gzip"})
    kind = request.content_type if "Content-Type" in request.headers else "none"
    if (kind != JSON and kind not in NDJSON) or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        detail = f"Send Content-Type {JSON} or application/x-ndjson, in UTF-8."
        raise ApiError(415, "Unsupported media type", detail)
    return kind in NDJSON


async def read_body(request: web.Request, max_bytes: int) -> bytes:
    """The body as it was sent; never much more than ``max_bytes`` of it are held."""
    body = bytearray()
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > max_bytes:
                    raise too_large(max_bytes)
    except TimeoutError:
        raise ApiError(408, "Request timeout", f"The body was not there within {READ_WITHIN_S:.0f} s.") from None
    except (OSError, web.RequestPayloadError):
        raise ApiError(400, "Bad request", "The body broke off.") from None
    return bytes(body)


def unpacked(request: web.Request, body: bytes, settings: Settings) -> bytes:
    """What a body holds that may be gzip; no more of it is unpacked than is taken."""
    if _packing(request) != "gzip":
        return body
    max_bytes = settings.ingest_body_max_bytes
    whole = bytearray()
    try:
        while body:
            member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            whole += member.decompress(body, max_bytes + 1 - len(whole))
            if len(whole) > max_bytes:
                raise too_large(max_bytes)
            if not member.eof:
                raise ApiError(400, "Bad request", "The gzip body ends too early.")
            body = member.unused_data
    except zlib.error:
        raise ApiError(400, "Bad request", "The body is not gzip, as its Content-Encoding says.") from None
    return bytes(whole)


def _packing(request: web.Request) -> str:
    return request.headers.get("Content-Encoding", "identity").strip().lower()


def items_of(body: bytes, lines: bool, items_max: int) -> list[Item]:
    """The JSON texts of a body: one a line, or those of an array, or one.

    A line that is no JSON is an item, too: its neighbours are taken. A body that is no JSON is refused as a whole.
    """
    if lines:
        items = [(number, line) for number, line in enumerate(map(bytes.strip, body.split(b"\n"))) if line]
    elif body.lstrip()[:1] == b"[":
        items = [(number, bytes(item)) for number, item in enumerate(_decoded(body, list[msgspec.Raw]))]
    else:
        _decoded(body, msgspec.Raw)
        items = [(0, body)]
    if not items and not body.strip():
        raise ApiError(400, "Bad request", "The body is empty.")
    if len(items) > items_max:
        detail = f"A push has at most {items_max} items (INGEST_ITEMS_MAX), not {len(items)}: send several."
        raise ApiError(413, "Content too large", detail)
    return items


def _decoded(body: bytes, kind: Any) -> Any:
    if not body.strip():
        raise ApiError(400, "Bad request", "The body is empty.")
    try:
        return msgspec.json.decode(body, type=kind)
    except RecursionError:
        detail = "The JSON is nested too deeply."
    except msgspec.DecodeError as error:
        detail = f"The body is no JSON: {error}{_line_of(body, str(error))}."
    raise ApiError(400, "Bad request", detail)


def _line_of(body: bytes, message: str) -> str:
    """Where the byte is that an error of msgspec names."""
    found = _BYTE.search(message)
    if found is None:
        return ""
    before = body[: int(found[1])]
    newline = b"\n"
    return f", line {before.count(newline) + 1}, column {len(before) - before.rfind(newline)}"


def _told(index: int, refused: Refused) -> dict[str, Any]:
    named = {} if refused.event_id is None else {"event_id": refused.event_id}
    return {"index": index, **named, "rule": refused.rule, "reason": refused.reason}
