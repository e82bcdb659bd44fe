"""The figures of the whole."""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.views.parameters import Parameters
from liontrack_stream.views.responses import json_response
from liontrack_stream.views.site import SITE


async def dashboard(request: web.Request) -> web.Response:
    """Lions, users, and the mean quality (0-100, null without checks) of all checked tables up to `as_of`."""
    site, query = request.app[SITE], Parameters(request.query, "as_of")
    now = site.now()
    (row,) = await site.database.rows("dashboard", query.as_of(now))
    return json_response({"dashboard": {**dict(row), "timestamp": now}})
