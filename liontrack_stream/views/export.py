"""Tables as files. What a token shows depends on the table; see `liontrack_stream.warehouse.export_tables`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from liontrack_stream.views.bodies.export import ExportBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.errors import BadParameter, Forbidden, unauthorized
from liontrack_stream.views.export_formats import CSV, JSON, PARQUET, Format
from liontrack_stream.views.export_response import send
from liontrack_stream.views.parameters import Choice, Id, Instant, Parameter, WholeNumber, shown
from liontrack_stream.views.positions import HEADER
from liontrack_stream.views.routes import Access, Route
from liontrack_stream.warehouse.export_rows import Question
from liontrack_stream.warehouse.export_tables import MOVEBANK, TABLES, Exported

ROWS_MAX = 999_999_999


@dataclass(frozen=True)
class RowLimit(Parameter[int | None]):
    """How many rows at most; all where it is not given."""

    def parse(self, text: str) -> int:
        """The number that decimal digits say."""
        return WholeNumber(self.name, self.description, 1, low=1, high=ROWS_MAX).parse(text)

    def schema(self) -> dict[str, Any]:
        """A positive integer."""
        return {"type": "integer", "minimum": 1, "maximum": ROWS_MAX}


TABLE = Choice("table", "The table.", None, True, "silver.lions", values=tuple(TABLES))
SINCE = Instant("since", "The first instant of the rows; a day's row counts as its first moment.", None)
UNTIL = Instant("until", "The instant before which the rows end.", None)
LIMIT = RowLimit("limit", "At most so many rows, the first in storage order; all where it is not given.", None)
LION = Id("lion_id", "Fixes of this lion alone.", None)


async def export_csv(call: Call) -> web.StreamResponse:
    """A table as CSV (RFC 4180, UTF-8). Null is empty, an empty text is `""`; text that a spreadsheet would run as a
    formula begins with an apostrophe; numbers stay numbers."""
    return await _export(call, CSV)


async def export_json(call: Call) -> web.StreamResponse:
    """A table as JSON. The number of rows comes after them."""
    return await _export(call, JSON)


async def export_parquet(call: Call) -> web.StreamResponse:
    """A table as Parquet, with typed columns as in the lake."""
    return await _export(call, PARQUET)


async def export_movebank(call: Call) -> web.StreamResponse:
    """Fixes as CSV under Movebank's attribute names. `visible` is false for fixes with a flag; text that a spreadsheet
    would run as a formula begins with an apostrophe, which `liontrack import movebank` takes away."""
    return await _send(call, MOVEBANK, CSV, lion_id=call[LION])


async def _export(call: Call, form: Format) -> web.StreamResponse:
    table = TABLES[call[TABLE] or ""]
    if table.time is None and (call[SINCE] or call[UNTIL]):
        raise BadParameter(f"{table.name} has no time that since and until could cut.")
    return await _send(call, table, form)


async def _send(call: Call, table: Exported, form: Format, lion_id: str | None = None) -> web.StreamResponse:
    since, until = call[SINCE], call[UNTIL]
    if since is not None and until is not None and since >= until:
        raise BadParameter(f"since must lie before until, not at {shown(since.isoformat())}.")
    access = call.position_access(call.now)
    question = Question(
        table,
        _source(call, table, access.exact),
        viewer=call.viewer.user_id,
        seen_until=access.as_of,
        grid_deg=access.grid_deg,
        since=since,
        until=until,
        lion_ids=None if lion_id is None else (lion_id,),
        limit=call[LIMIT],
    )
    return await send(call, question, form, {HEADER: access.note} if table.subject == "lion" else {})


def _source(call: Call, table: Exported, exact: bool) -> str:
    """The query for who asks; 401 for nobody, 403 for somebody who may see nothing of the table."""
    viewer = call.viewer
    sees_whole = exact if table.subject == "lion" else viewer.is_admin
    if sees_whole:
        return table.whole
    if viewer.user_id is None:
        raise unauthorized("An export takes a token.")
    if table.others is None:
        raise Forbidden(f"{table.name} takes a token of role admin.")
    return table.others


_PERIOD = (SINCE, UNTIL, LIMIT)


def _route(form: Format, handler: Any, answer: Any = None) -> Route:
    return Route(
        f"/api/analytics/export/{form.suffix}",
        handler,
        Access.BY_ROW,
        (TABLE, *_PERIOD),
        answer,
        media_types=(form.media_type.partition(";")[0],),
        errors=(403,),
        tag="export",
    )


ROUTES = (
    _route(CSV, export_csv),
    _route(JSON, export_json, ExportBody),
    _route(PARQUET, export_parquet),
    Route(
        "/api/analytics/export/movebank",
        export_movebank,
        Access.BY_ROW,
        (LION, *_PERIOD),
        media_types=("text/csv",),
        tag="export",
    ),
)
