"""``/api/analytics/pipeline``: lag, dead letters, lake and runs, without what any record holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from liontrack_stream.kafka.watchdog import lag_records
from liontrack_stream.views.bodies.pipeline import BrokenRule, DeadLetters, LakeState, PartitionState, PipelineBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.database import Database
from liontrack_stream.views.routes import Access, Route
from liontrack_stream.views.site import LakeLag, WorkerState
from liontrack_stream.views.worker_loop import in_loop

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp


async def pipeline(call: Call) -> web.Response:
    """The pipeline at present: partitions with this worker's lag, dead letters by rule, the lake, the latest runs."""

    async def read() -> web.Response:  # counts dead letters: once for all who ask
        database, state = call.site.database, await call.site.worker_state()
        body = {
            "lag_records": sum(state.lag_records.values()) if state.lag_records else None,
            "partitions": await _partitions(database, state),
            "dead_letters": await _dead_letters(database, call.now),
            "lake": await _lake(database, state.lake),
            "runs": [dict(row) for row in await database.rows("pipeline_runs")],
        }
        return call.json({"pipeline": body, "timestamp": call.now})

    return await call.site.prepared.get(call.route.path, read)


async def _partitions(database: Database, state: WorkerState) -> list[PartitionState]:
    rows = await database.rows("pipeline_partitions")
    return [
        PartitionState(
            topic=row["topic"],
            partition=row["partition"],
            next_offset=row["next_offset"],
            lag_records=state.lag_records.get((row["topic"], row["partition"])),
            updated_at=row["updated_at"],
        )
        for row in rows
    ]


async def _dead_letters(database: Database, now: datetime) -> DeadLetters:
    rows = await database.rows("pipeline_dead_letters", now - timedelta(hours=24))
    return DeadLetters(
        total=sum(row["records"] for row in rows),
        last_24h=sum(row["recent"] for row in rows),
        rules=[
            BrokenRule(topic=row["topic"], rule=row["rule"], records=row["records"], last_seen=row["last_seen"])
            for row in rows
        ],
    )


async def _lake(database: Database, lag: LakeLag | None) -> LakeState:
    (row,) = await database.rows("pipeline_lake")
    return LakeState(
        files=row["files"],
        bytes=row["bytes"],
        rows=row["rows"],
        lag_records=None if lag is None else lag.records,
        lag_s=None if lag is None else lag.seconds,
        error=lag is not None and lag.in_trouble,
    )


ROUTES = (Route("/api/analytics/pipeline", pipeline, Access.PUBLIC, (), PipelineBody),)


def worker_state(app: LionTrackApp) -> Callable[[], Awaitable[WorkerState]]:
    """Tells a worker's lag and its lake's."""

    def take() -> WorkerState:
        lake = None
        if app.lake is not None:
            status = app.lake.status()
            lake = LakeLag(status.lag_records, status.lag_s, status.error is not None)
        return WorkerState(lag_records(app), lake)

    return lambda: in_loop(app.loop, take)
