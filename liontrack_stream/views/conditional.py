"""``If-None-Match``: who has the answer already gets 304 and no body (RFC 9110, 13.1.2)."""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.views.errors import Handler

_ABOUT_THE_BODY = frozenset({"content-type", "content-length", "content-encoding"})


@web.middleware
async def not_modified(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 304 where the response's ETag is one of those that the request names.

    The handler has run: whoever may not see the answer does not learn whether it changed.
    """
    response = await handler(request)
    tag = response.etag
    if tag is None or response.status != 200 or response.prepared or "If-None-Match" not in request.headers:
        return response
    if not any(known.value in (tag.value, "*") for known in request.if_none_match or ()):
        return response
    headers = {name: value for name, value in response.headers.items() if name.lower() not in _ABOUT_THE_BODY}
    return web.Response(status=304, headers=headers)
