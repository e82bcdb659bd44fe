"""Bodies of responses: JSON with numbers as numbers and times as ISO-8601 with ``Z``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON response that no cache keeps: the same address shows a ranger more than a passer-by."""
    return web.Response(
        body=orjson.dumps(body, option=_OPTIONS),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})},
    )
