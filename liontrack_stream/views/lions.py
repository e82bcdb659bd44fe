"""Lions: the list, one lion, where it was, what it weighed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aiohttp import web

from liontrack_stream.views.errors import UnknownLion
from liontrack_stream.views.parameters import Parameters, lion_id_of
from liontrack_stream.views.positions import iso_z
from liontrack_stream.views.responses import json_response
from liontrack_stream.views.site import SITE

LIONS_MAX = 1_000
POSITIONS_MAX = 10_000
HOURS_MAX = 10 * 366 * 24
DAYS_MAX = 10 * 366

_HISTORY = ("lion_id", "metric_date", "avg_weight", "weight_trend", "health_score", "tracking_frequency")
_LION = ("lion_id", "name", "status", "position_lat", "position_lng", *_HISTORY[2:], "metric_date")


async def list_lions(request: web.Request) -> web.Response:
    """All lions by lion_id: latest position, weight and health up to `as_of`."""
    site, query = request.app[SITE], Parameters(request.query, "as_of", "limit", "after")
    now = site.now()
    as_of = query.as_of(now)
    limit = query.integer("limit", LIONS_MAX, 1, LIONS_MAX)
    after = query.text("after")
    access = site.position_access(request, as_of, now)
    rows = await site.database.rows("lions", access.as_of, as_of, after, limit + 1)
    lions = [access.show(row) for row in rows[:limit]]
    headers = access.headers
    if len(rows) > limit:
        headers["Link"] = _next_page(request, after=lions[-1]["lion_id"])
    return json_response({"count": len(lions), "lions": lions, "timestamp": now}, headers=headers)


async def one_lion(request: web.Request) -> web.Response:
    """One lion, and its latest 30 days with data up to `as_of`, newest first."""
    site, query = request.app[SITE], Parameters(request.query, "as_of")
    lion_id, now = lion_id_of(request.match_info), site.now()
    as_of = query.as_of(now)
    access = site.position_access(request, as_of, now)
    rows = await site.database.rows("lion", lion_id, access.as_of, as_of)
    if not rows:
        raise UnknownLion
    lion = access.show({name: rows[0][name] for name in _LION})
    history = [
        {**{name: row[name] for name in _HISTORY}, "status": row["health_status"]}
        for row in rows
        if row["metric_date"] is not None
    ]
    return json_response({"lion": lion, "history": history}, headers=access.headers)


async def position_history(request: web.Request) -> web.Response:
    """Accepted fixes of the `hours` up to `as_of`, newest first; delayed viewers: up to the delay."""
    site, query = request.app[SITE], Parameters(request.query, "hours", "as_of", "limit", "before")
    lion_id, now = lion_id_of(request.match_info), site.now()
    hours = query.integer("hours", 24, 1, HOURS_MAX)
    limit = query.integer("limit", POSITIONS_MAX, 1, POSITIONS_MAX)
    as_of, before = query.as_of(now), query.moment("before")
    access = site.position_access(request, as_of, now)
    since, until = access.as_of - timedelta(hours=hours), access.as_of
    if before is not None:
        until = min(until, before - timedelta(microseconds=1))
    rows = await site.database.rows("position_history", lion_id, since, until, limit + 1)
    if not rows:
        raise UnknownLion
    found = [row for row in rows if row["position_date"] is not None]
    positions = [access.show(row) for row in found[:limit]]
    headers = access.headers
    if len(found) > limit:
        # The next page belongs to the same period, so the instant it ends with travels along.
        headers["Link"] = _next_page(request, before=iso_z(positions[-1]["position_date"]), as_of=iso_z(as_of))
    body = {"lion_id": lion_id, "period_hours": hours, "positions": positions, "count": len(positions)}
    return json_response(body, headers=headers)


async def weight_trend(request: web.Request) -> web.Response:
    """Days with a weight among the `days` that end with the day of `as_of`, oldest first."""
    site, query = request.app[SITE], Parameters(request.query, "days", "as_of")
    lion_id = lion_id_of(request.match_info)
    days = query.integer("days", 30, 1, DAYS_MAX)
    rows = await site.database.rows("weight_trend", lion_id, query.as_of(site.now()), days)
    if not rows:
        raise UnknownLion
    data = [dict(row) for row in rows if row["date"] is not None]
    return json_response({"lion_id": lion_id, "period_days": days, "data": data, "count": len(data)})


def _next_page(request: web.Request, **changed: Any) -> str:
    """A Link header (RFC 8288) to the rest of a list that was cut at its limit."""
    return f'<{request.rel_url.update_query(changed)}>; rel="next"'
