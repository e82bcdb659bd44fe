"""Headers that each response carries, so that a browser does no more with it than it is meant for."""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.views.rate_limit import is_of
from liontrack_stream.views.site import SITE

_HSTS = "max-age=31536000"
_DEFAULTS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",  # pages bring their own
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


async def add_safe_headers(request: web.Request, response: web.StreamResponse) -> None:
    """What the handler did not set itself; also for what it sends as a stream."""
    for name, value in _DEFAULTS.items():
        response.headers.setdefault(name, value)
    if asked_by_https(request):
        response.headers["Strict-Transport-Security"] = _HSTS
    response.headers["Server"] = "LionTrack"  # no versions


def asked_by_https(request: web.Request) -> bool:
    """Whether the client came by TLS: to us, or to a proxy that we trust and that says so."""
    if request.secure:
        return True
    said = request.headers.getall("X-Forwarded-Proto", [])
    if not said or not is_of(request.remote or "", request.app[SITE].settings.trusted_proxies):
        return False
    return said[-1].rpartition(",")[2].strip().lower() == "https"
