"""How good the data are, by the quality checks."""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.views.bodies.quality import DataQualityBody, SystemHealthBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.parameters import AS_OF
from liontrack_stream.views.routes import Access, Route

GOOD_QUALITY = 80.0


async def system_health(call: Call) -> web.Response:
    """Quality checks and pipeline runs of the hour that ends at `as_of`.

    `healthy`: there were checks, their mean is at least 80, and no run failed; else `degraded`. What takes in nothing
    checks nothing, so it is degraded, too.
    """
    (row,) = await call.site.database.rows("system_health", call.as_of)
    health = dict(row)
    failed = health.pop("failed_runs")
    good = health["avg_quality"] is not None and health["avg_quality"] >= GOOD_QUALITY and failed == 0
    return call.json({"health": health, "status": "healthy" if good else "degraded", "timestamp": call.now})


async def data_quality(call: Call) -> web.Response:
    """Checked tables in the 7 UTC days that end with the day of `as_of`, by name."""
    rows = await call.site.database.rows("data_quality", call.as_of)
    return call.json({"data_quality": [dict(row) for row in rows], "period": "7_days", "timestamp": call.now})


ROUTES = (
    Route("/api/analytics/system-health", system_health, Access.PUBLIC, (AS_OF,), SystemHealthBody),
    Route("/api/analytics/data-quality", data_quality, Access.PUBLIC, (AS_OF,), DataQualityBody),
)
