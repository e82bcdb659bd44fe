"""Where a row comes from. A lion's rows lead to exact positions, a user's to the user's life: not for everyone."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from liontrack_stream.views.access import Viewer
from liontrack_stream.views.errors import BadParameter, Forbidden, unauthorized
from liontrack_stream.views.parameters import Parameters
from liontrack_stream.views.responses import json_response
from liontrack_stream.views.site import SITE, Site
from liontrack_stream.warehouse.explain import LIMIT, LIMIT_MAX, Explanation, explain
from liontrack_stream.warehouse.explain_tables import KEY_NAMES, Explained, ExplainError, Key, key_of, table_of

_HEADERS = {"Vary": "Authorization"}


async def explain_row(request: web.Request) -> web.Response:
    """Where a row of silver or gold comes from: `table` and its key; rangers see lions', users see their own."""
    site, parameters = request.app[SITE], Parameters(request.query, "table", "limit", *KEY_NAMES)
    viewer = site.viewer(request)
    limit = parameters.integer("limit", LIMIT, 1, LIMIT_MAX)
    try:
        table = table_of(parameters.given("table").get("table", ""))
        key = key_of(table, parameters.given(*KEY_NAMES))
    except ExplainError as error:
        raise BadParameter(str(error)) from None
    _check_viewer(site, request, viewer, table, key)
    explanation = await explain(site.database.fetch, table, key, limit)
    if table.subject == "challenge":
        _check_owner(viewer, explanation)
    if explanation["row"] is None:
        body: dict[str, Any] = {"error": "No such row", "detail": f"{table.name} has no row with this key."}
        return json_response(body | explanation, 404, _HEADERS)
    return json_response(explanation, headers=_HEADERS)


def _check_viewer(site: Site, request: web.Request, viewer: Viewer, table: Explained, key: Key) -> None:
    """401 or 403 for whom the table's rows, or this one, do not concern."""
    match table.subject:
        case "checks":
            return
        case "lion":
            allowed = viewer.sees_exact_positions or site.is_open_demo(request)
            needed = "A lion's rows lead to exact positions: that takes a token of role ranger or admin."
        case "user":
            allowed = viewer.is_admin or viewer.user_id == key["user_id"]
            needed = "A user's rows take a token of that user, or of role admin."
        case "challenge":
            allowed = viewer.user_id is not None  # whose it is, the row says
            needed = "A challenge's rows take a token of its user, or of role admin."
    if not allowed:
        raise unauthorized(needed) if viewer.user_id is None else Forbidden(needed)


def _check_owner(viewer: Viewer, explanation: Explanation) -> None:
    row = explanation["row"]
    if not viewer.is_admin and (row is None or row["user_id"] != viewer.user_id):
        raise Forbidden("This is no challenge of yours.")
