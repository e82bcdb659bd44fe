"""How much a request may say. Only pushes take a body; another one that is sent all the same is not waited for."""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.views.errors import ApiError, Handler

ADDRESS_MAX_CHARACTERS = 8_190
BODY_MAX_BYTES = 1_024

BODY_LIMITS: web.AppKey[dict[tuple[str, str], int]] = web.AppKey(
    "body_limits", dict
)  # method and path of what takes one


@web.middleware
async def of_some_size(request: web.Request, handler: Handler) -> web.StreamResponse:
    """414 for an endless address; 413 for a body that is too large, or where none is taken one of some size.

    A body whose size is not told is counted while it is read (`pushes`), where one is taken.
    """
    if request.match_info.http_exception is not None:
        return await handler(request)  # another method, or no route: that is the better answer
    if len(request.raw_path) > ADDRESS_MAX_CHARACTERS:
        raise ApiError(414, "URI too long", f"An address has at most {ADDRESS_MAX_CHARACTERS} characters.")
    resource = request.match_info.route.resource
    limit = request.app[BODY_LIMITS].get((request.method, resource.canonical if resource is not None else ""))
    length = request.content_length
    if limit is not None and length is not None and length > limit:
        raise too_large(limit)
    if limit is None and request.body_exists and (length is None or length > BODY_MAX_BYTES):
        raise ApiError(413, "Content too large", f"This server takes no body of more than {BODY_MAX_BYTES} bytes.")
    return await handler(request)


def too_large(limit: int) -> ApiError:
    """413 for a push."""
    detail = f"A push has at most {limit} bytes, unpacked (INGEST_BODY_MAX_BYTES): send several."
    return ApiError(413, "Content too large", detail)
