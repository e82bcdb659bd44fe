"""Who asks, and what that opens."""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.views.bodies.me import MeBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.parameters import is_id
from liontrack_stream.views.routes import Access, Route


async def me(call: Call) -> web.Response:
    """The asker as its token tells, whether events named such a user, and how it sees positions."""
    settings, access = call.site.settings, call.position_access(call.now)
    body = {
        "user_id": call.viewer.user_id,
        "known": await _is_known(call),
        "roles": sorted(call.viewer.roles),
        "positions": access.precision,
        "grid_deg": access.grid_deg,
        "delay_h": None if access.exact else settings.position_delay_h,
        "demo": settings.liontrack_demo,
        "timestamp": call.now,
    }
    return call.json(body, headers=access.headers)


async def _is_known(call: Call) -> bool:
    user_id = call.viewer.user_id
    return user_id is not None and is_id(user_id) and bool(await call.site.database.rows("user_known", user_id))


ROUTES = (Route("/api/analytics/me", me, Access.PUBLIC, (), MeBody),)
