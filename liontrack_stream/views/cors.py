"""Pages of other origins may read the API where ``CORS_ORIGINS`` names them, and not otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp_cors
from aiohttp import web

from liontrack_stream.views.positions import HEADER
from liontrack_stream.views.responses import add_vary
from liontrack_stream.views.size_limits import BODY_LIMITS

EXPOSED = ("Link", "ETag", HEADER, "Retry-After")
_SENT = ("Authorization", "If-None-Match", "Last-Event-ID")
_PREFLIGHT_KEPT_S = 600


def allow_origins(web_app: web.Application, origins: Sequence[str]) -> None:
    """Answer the preflights of these origins on all routes that are read. Tokens travel in a header, cookies never.

    Pushes are not answered to pages at all.
    """
    if not origins:
        return
    options = aiohttp_cors.ResourceOptions(  # type: ignore[no-untyped-call]
        expose_headers=EXPOSED, allow_headers=_SENT, max_age=_PREFLIGHT_KEPT_S
    )
    cors = aiohttp_cors.setup(web_app, defaults=dict.fromkeys(origins, options))
    pushes = {path for _, path in web_app[BODY_LIMITS]}
    for route in list(web_app.router.routes()):
        if route.resource is None or route.resource.canonical not in pushes:
            cors.add(route)

    async def depends_on_origin(_: web.Request, response: web.StreamResponse) -> None:
        add_vary(response, "Origin")

    web_app.on_response_prepare.append(depends_on_origin)
