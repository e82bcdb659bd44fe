"""Headers that each response carries, so that a browser does no more with it than it is meant for."""

from __future__ import annotations

from aiohttp import web

_DEFAULTS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",  # pages bring their own
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


async def add_safe_headers(_: web.Request, response: web.StreamResponse) -> None:
    """What the handler did not set itself; also for what it sends as a stream."""
    for name, value in _DEFAULTS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "LionTrack"  # no versions
