"""Bodies of responses: JSON with numbers as numbers and times as ISO-8601 with ``Z``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import xxhash
from aiohttp import web

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def json_response(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None, now: datetime | None = None
) -> web.Response:
    """A JSON response; see `encoded_response`."""
    return encoded_response(encode(body), status, headers, now)


def encode(body: Any) -> bytes:
    """The JSON of a body."""
    return orjson.dumps(body, option=_OPTIONS)


def encoded_response(
    body: bytes, status: int = 200, headers: Mapping[str, str] | None = None, now: datetime | None = None
) -> web.Response:
    """A response of a body that is JSON already, for its asker only: the same address shows a ranger more.

    With ``now``, the time that the body was made at, it gets a validator, and its asker may keep it and ask whether
    it still holds. Without, nobody keeps it.
    """
    kept = {"Cache-Control": "no-store"}
    if now is not None and status == 200:
        kept = {"Cache-Control": "private, no-cache", "ETag": etag(body, now), "Vary": "Authorization"}
    return web.Response(
        body=body,
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers={**kept, **(headers or {})},
    )


def etag(body: bytes, now: datetime) -> str:
    """A weak validator: bodies have the same when they differ in nothing but the time that they were made at."""
    return f'W/"{xxhash.xxh3_128_hexdigest(body.replace(encode(now), b""))}"'


def add_vary(response: web.StreamResponse, name: str) -> None:
    """Say that the response depends on a header of the request, too."""
    named = [part.strip() for part in ",".join(response.headers.getall("Vary", [])).split(",") if part.strip()]
    if name not in named:
        response.headers["Vary"] = ", ".join([*named, name])
