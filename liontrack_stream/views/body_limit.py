"""Nothing here takes a body. One that is sent all the same is not waited for."""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.views.errors import ApiError, Handler

BODY_MAX_BYTES = 1_024


@web.middleware
async def without_body(request: web.Request, handler: Handler) -> web.StreamResponse:
    """413 for a body of some size, or of a size that is not told."""
    length = request.content_length
    if request.body_exists and (length is None or length > BODY_MAX_BYTES):
        raise ApiError(413, "Content too large", f"This server takes no body of more than {BODY_MAX_BYTES} bytes.")
    return await handler(request)
