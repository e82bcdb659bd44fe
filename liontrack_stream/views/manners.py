"""What holds for every request and response, whatever the route.

::

    request ─► errors as {error, detail} ─► size limits ─► rate limit ─► gzip ─► If-None-Match ─► access, handler
                                                                                       headers, CORS ◄──┘
"""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.settings import Settings
from liontrack_stream.views.compression import COMPRESSOR, Compressor, compressed
from liontrack_stream.views.conditional import not_modified
from liontrack_stream.views.cors import allow_origins
from liontrack_stream.views.errors import errors_as_json
from liontrack_stream.views.rate_limit import RATE_LIMIT, RateLimit, rate_limited
from liontrack_stream.views.safe_headers import add_safe_headers
from liontrack_stream.views.size_limits import of_some_size


def add_manners(web_app: web.Application, settings: Settings) -> None:
    """Add the middlewares, and headers to each response, of an application that has its routes."""
    web_app[COMPRESSOR] = Compressor()
    web_app[RATE_LIMIT] = RateLimit(settings.api_rate_per_s, settings.api_burst)
    web_app.middlewares.extend([errors_as_json, of_some_size, rate_limited, compressed, not_modified])
    web_app.on_response_prepare.append(add_safe_headers)
    allow_origins(web_app, settings.cors_origins)
