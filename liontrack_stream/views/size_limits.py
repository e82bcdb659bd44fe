"""How much a request may say. Nothing here takes a body; one that is sent all the same is not waited for."""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.views.errors import ApiError, Handler

ADDRESS_MAX_CHARACTERS = 8_190
BODY_MAX_BYTES = 1_024


@web.middleware
async def of_some_size(request: web.Request, handler: Handler) -> web.StreamResponse:
    """414 for an endless address; 413 for a body of some size, or of a size that is not told."""
    if request.match_info.http_exception is not None:
        return await handler(request)  # another method, or no route: that is the better answer
    if len(request.raw_path) > ADDRESS_MAX_CHARACTERS:
        raise ApiError(414, "URI too long", f"An address has at most {ADDRESS_MAX_CHARACTERS} characters.")
    length = request.content_length
    if request.body_exists and (length is None or length > BODY_MAX_BYTES):
        raise ApiError(413, "Content too large", f"This server takes no body of more than {BODY_MAX_BYTES} bytes.")
    return await handler(request)
