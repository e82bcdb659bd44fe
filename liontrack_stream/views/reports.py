"""Reports on all lions or users: health, leaderboards, trends."""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.views.bodies.reports import (
    EngagementsBody,
    HealthReportBody,
    LionLeaderboardBody,
    UserLeaderboardBody,
    WeightsBody,
)
from liontrack_stream.views.call import Call
from liontrack_stream.views.parameters import AS_OF, WholeNumber
from liontrack_stream.views.routes import Access, Route

LIMIT = WholeNumber("limit", "At most so many places.", 10, low=1, high=1_000)


async def health_report(call: Call) -> web.Response:
    """The lions with data on the UTC day of `as_of` by their health score of that day."""
    (row,) = await call.site.database.rows("health_report", call.as_of)
    distribution = dict(row)
    report_date = distribution.pop("report_date")
    return call.json({"report_date": report_date, "health_distribution": distribution, "timestamp": call.now})


async def leaderboard_users(call: Call) -> web.Response:
    """Users by completed challenges, then mean engagement, in the 30 UTC days that end with the day of `as_of`."""
    return await _leaderboard(call, "leaderboard_users")


async def leaderboard_lions(call: Call) -> web.Response:
    """Lions by mean health, then days with a fix, in the 30 UTC days that end with the day of `as_of`."""
    return await _leaderboard(call, "leaderboard_lions")


async def _leaderboard(call: Call, name: str) -> web.Response:
    rows = await call.site.database.rows(name, call.as_of, call[LIMIT])
    return call.json({"leaderboard": [dict(row) for row in rows], "timestamp": call.now})


async def trend_weight(call: Call) -> web.Response:
    """The mean weight of the lions by day, of the 30 UTC days that end with the day of `as_of`, oldest first."""
    rows = await call.site.database.rows("trend_weight", call.as_of)
    data = [{"entity_type": "lions", **row} for row in rows]
    return call.json({"trend": "weight_30days", "data": data, "timestamp": call.now})


async def trend_engagement(call: Call) -> web.Response:
    """Active users and their mean score by day, of the 30 UTC days that end with the day of `as_of`, oldest first."""
    rows = await call.site.database.rows("trend_engagement", call.as_of)
    data = [dict(row) for row in rows]
    return call.json({"trend": "user_engagement_30days", "data": data, "timestamp": call.now})


_ROOT = "/api/analytics"

ROUTES = (
    Route(f"{_ROOT}/lions-health/report", health_report, Access.PUBLIC, (AS_OF,), HealthReportBody),
    Route(f"{_ROOT}/leaderboard/users", leaderboard_users, Access.SIGNED_IN, (LIMIT, AS_OF), UserLeaderboardBody),
    Route(f"{_ROOT}/leaderboard/lions", leaderboard_lions, Access.PUBLIC, (LIMIT, AS_OF), LionLeaderboardBody),
    Route(f"{_ROOT}/trends/weight", trend_weight, Access.PUBLIC, (AS_OF,), WeightsBody),
    Route(f"{_ROOT}/trends/engagement", trend_engagement, Access.PUBLIC, (AS_OF,), EngagementsBody),
)
