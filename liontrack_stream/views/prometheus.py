"""``/metrics``: what `liontrack_stream.metrics` holds, with the figures that are read when Prometheus asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING

import asyncpg
from aiohttp import web
from mode import get_logger

from liontrack_stream import metrics
from liontrack_stream.kafka.watchdog import lag_records
from liontrack_stream.views.call import Call
from liontrack_stream.views.database import Database
from liontrack_stream.views.routes import Access, Route
from liontrack_stream.views.worker_loop import in_loop

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp

logger = get_logger(__name__)

KEEP_FIGURES_S = 15.0
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def prometheus(call: Call) -> web.Response:
    """Metrics in Prometheus's text format."""
    await call.request.app[FIGURES].refresh()
    await call.site.measure()
    return web.Response(body=metrics.exposition(), headers={"Content-Type": _CONTENT_TYPE, "Cache-Control": "no-store"})


class Figures:
    """The warehouse's figures, read at most every 15 seconds; without Postgres there are none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read_at = -KEEP_FIGURES_S

    async def refresh(self) -> None:
        """Bring quality scores and table sizes up to date."""
        if monotonic() - self._read_at < KEEP_FIGURES_S:
            return
        self._read_at = monotonic()
        try:
            rows = await self._database.rows("metrics")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            logger.info("The warehouse's figures are not read: %r", error)
            rows = []
        metrics.set_data_quality((row["table_name"], row["figure"]) for row in rows if row["kind"] == "quality")
        metrics.set_table_records(
            (row["table_name"], row["layer"], row["figure"]) for row in rows if row["kind"] == "records"
        )


FIGURES = web.AppKey("figures", Figures)

ROUTES = (Route("/metrics", prometheus, Access.OPEN, media_types=("text/plain",), tag="operation"),)


def worker_measure(app: LionTrackApp) -> Callable[[], Awaitable[None]]:
    """Takes a worker's lag and its lake's into the metrics."""

    def take() -> None:
        metrics.set_lag(lag_records(app))
        if app.lake is not None:
            status = app.lake.status()
            metrics.set_lake_lag(status.lag_records, status.lag_s)

    async def measure() -> None:
        await in_loop(app.loop, take)

    return measure
