"""The figures of the whole."""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.views.bodies.dashboard import DashboardBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.parameters import AS_OF
from liontrack_stream.views.routes import Access, Route


async def dashboard(call: Call) -> web.Response:
    """Lions, users, and the mean quality (0-100, null without checks) of all checked tables up to `as_of`."""
    (row,) = await call.site.database.rows("dashboard", call.as_of)
    return call.json({"dashboard": {**dict(row), "timestamp": call.now}})


ROUTES = (Route("/api/analytics/dashboard", dashboard, Access.PUBLIC, (AS_OF,), DashboardBody),)
