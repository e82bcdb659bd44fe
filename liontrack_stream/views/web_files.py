"""The dashboard's files: the page at ``/``, its manifest and service worker, and what they load from ``/static/``.

A worker answers the files that `static/` held when it was first asked, by their exact names; no path leads elsewhere.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web

from liontrack_stream.views.call import Call
from liontrack_stream.views.compression import takes_gzip
from liontrack_stream.views.errors import ApiError
from liontrack_stream.views.routes import Access, Route

FOLDER = Path(__file__).with_name("static")

# Nothing from elsewhere and no inline script; charts and maps set styles of elements, and draw into blobs.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Vary": "Accept-Encoding",
}
_ASK_AGAIN = "no-cache"  # kept, and asked for with its ETag each time
_FOR_EVER = "public, max-age=31536000, immutable"  # the name has a hash of the content
_HASHED = "assets/"

# Named here: what a system's own list says differs from one to the next.
_TEXT_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
}
_TYPES = {".ico": "image/x-icon", ".png": "image/png", ".webp": "image/webp", ".woff2": "font/woff2"}


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file as it is sent. ``gzipped`` is None where that would not be smaller."""

    body: bytes
    gzipped: bytes | None
    content_type: str
    etag: str
    cache_control: str


@cache
def file_names() -> frozenset[str]:
    """The files that are answered, as paths in `static/`."""
    return frozenset(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())


@cache
def web_file(name: str) -> WebFile:
    """Read one of `file_names()`."""
    body, suffix = (FOLDER / name).read_bytes(), Path(name).suffix
    gzipped = gzip.compress(body, mtime=0) if suffix in _TEXT_TYPES else body
    return WebFile(
        body=body,
        gzipped=gzipped if len(gzipped) < len(body) else None,
        content_type=_TEXT_TYPES.get(suffix) or _TYPES.get(suffix, "application/octet-stream"),
        etag=hashlib.sha256(body).hexdigest()[:32],
        cache_control=_FOR_EVER if name.startswith(_HASHED) else _ASK_AGAIN,
    )


async def send_file(call: Call, name: str, **headers: str) -> web.Response:
    """One of `file_names()`, or 404; compressed beforehand, and once for all."""
    if name not in file_names():
        raise ApiError(404, "Not found", f"{call.request.method} {call.request.path}")
    file = await asyncio.to_thread(web_file, name)
    headers = {**HEADERS, "Cache-Control": file.cache_control, "ETag": f'W/"{file.etag}"', **headers}
    headers["Content-Type"] = file.content_type + ("; charset=utf-8" if file.content_type.startswith("text/") else "")
    if file.gzipped is not None and takes_gzip(call.request):
        return web.Response(body=file.gzipped, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=file.body, headers=headers)


async def dashboard_page(call: Call) -> web.Response:
    """The dashboard, an app for browsers. Its own addresses are behind the `#`."""
    return await send_file(call, "index.html")


async def web_manifest(call: Call) -> web.Response:
    """What a browser needs to install the dashboard."""
    return await send_file(call, "manifest.webmanifest")


async def service_worker(call: Call) -> web.Response:
    """The script that keeps the dashboard and its last data at hand when there is no connection."""
    return await send_file(call, "sw.js", **{"Service-Worker-Allowed": "/"})


async def api_docs(call: Call) -> web.Response:
    """This API as a page to browse and to try."""
    return await send_file(call, "docs/index.html")


async def static_file(call: Call) -> web.Response:
    """A file of the dashboard. Those below `assets/` never change: their names have a hash."""
    return await send_file(call, call.request.match_info["file"])


ROUTES = (
    Route("/", dashboard_page, Access.OPEN, media_types=("text/html",), tag="app", any_query=True),
    Route(
        "/manifest.webmanifest",
        web_manifest,
        Access.OPEN,
        media_types=("application/manifest+json",),
        tag="app",
        any_query=True,
    ),
    Route("/sw.js", service_worker, Access.OPEN, media_types=("text/javascript",), tag="app", any_query=True),
    Route("/docs", api_docs, Access.OPEN, media_types=("text/html",), tag="app", any_query=True),
    Route("/static/{file:.+}", static_file, Access.OPEN, media_types=("*/*",), tag="app", any_query=True),
)
