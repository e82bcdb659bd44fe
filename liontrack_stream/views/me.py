"""Who asks, and what that opens."""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.views.bodies.me import MeBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.routes import Access, Route


async def me(call: Call) -> web.Response:
    """The asker as its token tells, and how it sees positions."""
    settings, access = call.site.settings, call.position_access(call.now)
    body = {
        "user_id": call.viewer.user_id,
        "roles": sorted(call.viewer.roles),
        "positions": access.precision,
        "grid_deg": access.grid_deg,
        "delay_h": None if access.exact else settings.position_delay_h,
        "demo": settings.liontrack_demo,
        "timestamp": call.now,
    }
    return call.json(body, headers=access.headers)


ROUTES = (Route("/api/analytics/me", me, Access.PUBLIC, (), MeBody),)
