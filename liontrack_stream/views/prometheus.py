"""``/metrics``: what `liontrack_stream.metrics` holds, with the figures that are read when Prometheus asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING

import asyncpg
from aiohttp import web
from mode import get_logger
from prometheus_client import Metric

from liontrack_stream import certificates, metrics
from liontrack_stream.faust_metrics import families
from liontrack_stream.kafka.ports import Partition
from liontrack_stream.kafka.watchdog import lag_records
from liontrack_stream.lake.ports import LakeStatus
from liontrack_stream.views.call import Call
from liontrack_stream.views.database import Database
from liontrack_stream.views.routes import Access, Route
from liontrack_stream.views.worker_loop import in_loop
from liontrack_stream.warehouse.trouble import LOST

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp

logger = get_logger(__name__)

KEEP_FIGURES_S = 15.0
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def prometheus(call: Call) -> web.Response:
    """Metrics in Prometheus's text format."""
    await call.request.app[FIGURES].refresh()
    await call.site.measure()
    metrics.set_certificates(await asyncio.to_thread(certificates.expiries, call.site.settings))
    return web.Response(body=metrics.exposition(), headers={"Content-Type": _CONTENT_TYPE, "Cache-Control": "no-store"})


class Figures:
    """The warehouse's figures, read at most every 15 seconds; without Postgres there are none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read_at = -KEEP_FIGURES_S

    async def refresh(self) -> None:
        """Bring quality scores, table sizes, runs that ended badly and replays up to date."""
        if monotonic() - self._read_at < KEEP_FIGURES_S:
            return
        self._read_at = monotonic()
        try:
            rows = await self._database.rows("metrics")
        except (OSError, asyncpg.PostgresError, *LOST) as error:
            logger.info("The warehouse's figures are not read: %r", error)
            rows = []
        else:
            metrics.set_runs_ended(
                {(row["name"], row["layer"]): int(row["figure"]) for row in rows if row["kind"] == "ended"}
            )
        metrics.set_data_quality((row["name"], row["figure"]) for row in rows if row["kind"] == "quality")
        metrics.set_table_records(
            (row["name"], row["layer"], row["figure"]) for row in rows if row["kind"] == "records"
        )
        metrics.set_replays(
            (row["name"], row["figure"], row["layer"] == "running") for row in rows if row["kind"] == "replay"
        )


FIGURES = web.AppKey("figures", Figures)

ROUTES = (Route("/metrics", prometheus, Access.OPEN, media_types=("text/plain",), tag="operation"),)


def worker_measure(app: LionTrackApp) -> Callable[[], Awaitable[None]]:
    """Takes a worker's lag, its lake's, and Faust's figures into the metrics."""

    def look() -> tuple[dict[Partition, int], float, LakeStatus | None, list[Metric]]:
        lake = app.lake.status() if app.lake is not None else None
        return lag_records(app), app.watchdog.waited_s if app.watchdog is not None else 0.0, lake, families(app)

    async def measure() -> None:
        lag, waited_s, lake, of_faust = await in_loop(app.loop, look)
        metrics.FAUST.take(of_faust)
        metrics.set_waiting(waited_s)
        metrics.set_lag(lag)  # here, not in the worker's loop: no scrape sees it half replaced
        if lake is not None:
            metrics.set_lake_lag(lake.lag_records, lake.lag_s)

    return measure
