"""Lions: the list, one lion, where it was, what it weighed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from aiohttp import web

from liontrack_stream.views.bodies.lions import LionBody, LionsBody, PositionHistoryBody, WeightTrendBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.errors import UnknownLion
from liontrack_stream.views.parameters import AS_OF, Id, Instant, WholeNumber
from liontrack_stream.views.positions import iso_z
from liontrack_stream.views.routes import Access, Route

LIONS_MAX = 1_000
POSITIONS_MAX = 10_000
HOURS_MAX = 10 * 366 * 24
DAYS_MAX = 10 * 366

_HISTORY = ("lion_id", "metric_date", "avg_weight", "weight_trend", "health_score", "tracking_frequency")
_LION = ("lion_id", "name", "status", "position_lat", "position_lng", *_HISTORY[2:], "metric_date")


AFTER = Id("after", "The lion_id after which the list goes on; see the header Link.", None)
LIONS_LIMIT = WholeNumber("limit", "At most so many lions.", LIONS_MAX, low=1, high=LIONS_MAX)
HOURS = WholeNumber("hours", "The length of the period that ends with as_of.", 24, low=1, high=HOURS_MAX)
POSITIONS_LIMIT = WholeNumber("limit", "At most so many fixes.", POSITIONS_MAX, low=1, high=POSITIONS_MAX)
BEFORE = Instant("before", "The instant before which the list goes on; see the header Link.", None)
DAYS = WholeNumber("days", "The number of UTC days that end with the day of as_of.", 30, low=1, high=DAYS_MAX)


async def list_lions(call: Call) -> web.Response:
    """All lions by lion_id: latest position, weight and health up to `as_of`."""
    return await prepared_list(call, _list_response)


async def prepared_list(
    call: Call, respond: Callable[[Call, list[dict[str, Any]], dict[str, str]], web.Response]
) -> web.Response:
    """A page of the lions as this viewer sees them, read once for all who ask alike.

    ``respond`` makes the response of the lions and its headers, in a thread.
    """
    limit, access = call[LIONS_LIMIT], call.position_access()

    def page(rows: Sequence[Mapping[str, Any]]) -> web.Response:
        lions, headers = [access.show(row) for row in rows[:limit]], access.headers
        if len(rows) > limit:
            headers["Link"] = call.next_page(after=lions[-1]["lion_id"])
        return respond(call, lions, headers)

    async def read() -> web.Response:
        rows = await call.site.database.rows("lions", access.as_of, call.as_of, call[AFTER], limit + 1)
        return await asyncio.to_thread(page, rows)

    return await call.prepared(access, read)


def _list_response(call: Call, lions: list[dict[str, Any]], headers: dict[str, str]) -> web.Response:
    return call.json({"count": len(lions), "lions": lions, "timestamp": call.now}, headers=headers)


async def one_lion(call: Call) -> web.Response:
    """One lion, and its latest 30 days with data up to `as_of`, newest first."""
    lion_id, access = call.lion_id, call.position_access()
    rows = await call.site.database.rows("lion", lion_id, access.as_of, call.as_of)
    if not rows:
        raise UnknownLion
    lion = access.show({name: rows[0][name] for name in _LION})
    history = [
        {**{name: row[name] for name in _HISTORY}, "status": row["health_status"]}
        for row in rows
        if row["metric_date"] is not None
    ]
    return call.json({"lion": lion, "history": history}, headers=access.headers)


async def position_history(call: Call) -> web.Response:
    """Accepted fixes of the `hours` up to `as_of`, newest first; delayed viewers: up to the delay."""
    lion_id, hours, limit, before = call.lion_id, call[HOURS], call[POSITIONS_LIMIT], call[BEFORE]
    access = call.position_access()
    since, until = access.as_of - timedelta(hours=hours), access.as_of
    if before is not None:
        until = min(until, before - timedelta(microseconds=1))
    rows = await call.site.database.rows("position_history", lion_id, since, until, limit + 1)
    if not rows:
        raise UnknownLion
    found = [row for row in rows if row["position_date"] is not None]
    positions = [access.show(row) for row in found[:limit]]
    headers = access.headers
    if len(found) > limit:
        # The next page belongs to the same period, so the instant it ends with travels along.
        headers["Link"] = call.next_page(before=iso_z(positions[-1]["position_date"]), as_of=iso_z(call.as_of))
    body = {"lion_id": lion_id, "period_hours": hours, "positions": positions, "count": len(positions)}
    return call.json(body, headers=headers)


async def weight_trend(call: Call) -> web.Response:
    """Days with a weight among the `days` that end with the day of `as_of`, oldest first."""
    lion_id, days = call.lion_id, call[DAYS]
    rows = await call.site.database.rows("weight_trend", lion_id, call.as_of, days)
    if not rows:
        raise UnknownLion
    data = [dict(row) for row in rows if row["date"] is not None]
    return call.json({"lion_id": lion_id, "period_days": days, "data": data, "count": len(data)})


_ONE = "/api/analytics/lions/{lionId}"

ROUTES = (
    Route("/api/analytics/lions", list_lions, Access.POSITIONS, (AS_OF, LIONS_LIMIT, AFTER), LionsBody),
    Route(_ONE, one_lion, Access.POSITIONS, (AS_OF,), LionBody),
    Route(
        f"{_ONE}/position-history",
        position_history,
        Access.POSITIONS,
        (HOURS, AS_OF, POSITIONS_LIMIT, BEFORE),
        PositionHistoryBody,
    ),
    Route(f"{_ONE}/weight-trend", weight_trend, Access.PUBLIC, (DAYS, AS_OF), WeightTrendBody),
)
