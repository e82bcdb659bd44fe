"""Where a row comes from. A lion's rows lead to exact positions, a user's to the user's life: not for everyone."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from liontrack_stream.views.access import Viewer
from liontrack_stream.views.bodies.explain import ExplainBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.errors import BadParameter, Forbidden, unauthorized
from liontrack_stream.views.parameters import Text, WholeNumber
from liontrack_stream.views.routes import Access, Route
from liontrack_stream.warehouse.explain import LIMIT as ROWS
from liontrack_stream.warehouse.explain import LIMIT_MAX as ROWS_MAX
from liontrack_stream.warehouse.explain import Explanation, explain
from liontrack_stream.warehouse.explain_tables import KEY_NAMES, Explained, ExplainError, Key, key_of, table_of

_HEADERS = {"Vary": "Authorization"}

TABLE = Text("table", "The table of silver or gold that holds the row.", None, True, "gold.lions_metrics")
LIMIT = WholeNumber("limit", "At most so many entries in each list.", ROWS, low=1, high=ROWS_MAX)
_KEY = {name: Text(name, "Part of the row's key, in the tables that have it.", None) for name in KEY_NAMES}


async def explain_row(call: Call) -> web.Response:
    """Where a row of silver or gold comes from: `table` and its key; rangers see lions', users see their own."""
    given = {name: call[parameter] for name, parameter in _KEY.items()}
    try:
        table = table_of(call[TABLE] or "")
        key = key_of(table, {name: value for name, value in given.items() if value is not None})
    except ExplainError as error:
        raise BadParameter(str(error)) from None
    _check_viewer(call, table, key)
    explanation = await explain(call.site.database.fetch, table, key, call[LIMIT])
    if table.subject == "challenge":
        _check_owner(call.viewer, explanation)
    if explanation["row"] is None:
        body: dict[str, Any] = {"error": "No such row", "detail": f"{table.name} has no row with this key."}
        return call.json(body | explanation, 404, _HEADERS)
    return call.json(explanation, headers=_HEADERS)


def _check_viewer(call: Call, table: Explained, key: Key) -> None:
    """401 or 403 for whom the table's rows, or this one, do not concern."""
    viewer = call.viewer
    match table.subject:
        case "checks":
            return
        case "lion":
            allowed = viewer.sees_exact_positions or call.site.is_open_demo(call.request)
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


ROUTES = (
    Route(
        "/api/analytics/explain",
        explain_row,
        Access.BY_ROW,
        (TABLE, LIMIT, *_KEY.values()),
        ExplainBody,
        errors=(403, 404),
    ),
)
