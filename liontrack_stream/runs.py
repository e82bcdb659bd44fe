"""Keeps ``metadata.pipeline_logs`` and ``data_lineage`` up to date, and tells OpenLineage.

worker starts ─► running ─┬─► success   it caught up, was stopped as asked, or begins anew with another generation
                          ├─► failed    it ended because of an error
                          └─► aborted   it was killed: marked by the next worker of its name
"""

from __future__ import annotations

import asyncio
import json
from time import monotonic
from typing import TYPE_CHECKING, Any

from mode import Service, get_logger

from liontrack_stream import __version__
from liontrack_stream.kafka.exits import SwappedError, WorkerError
from liontrack_stream.lineage_events import LineageEvents, Phase, open_lineage_events
from liontrack_stream.run_stats import PipelineRun, StepTotals
from liontrack_stream.sidecars import Sidecar
from liontrack_stream.warehouse.identities import columns
from liontrack_stream.warehouse.opening import owner_name
from liontrack_stream.warehouse.queries import query

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp

logger = get_logger(__name__)

INTERVAL_S = 10.0
EVENTS_INTERVAL_S = 60.0
TRY_AGAIN_S = 2.0
WRITE_TIMEOUT_S = 5.0
LAST_WRITE_TIMEOUT_S = 1.5
RUNNING, SUCCESS, FAILED = "running", "success", "failed"


class RunLog(Sidecar):
    """The record of one worker's five runs. With Postgres or OpenLineage away it tries again, and holds up nothing."""

    def __init__(self, app: LionTrackApp, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._app = app
        self._instance = f"{app.settings.liontrack_app_id}-{app.settings.liontrack_instance}"
        self._owner = owner_name(app.settings)
        self._runs = list(app.run_stats.runs.values())
        self._registered = False
        self._away = False
        self._writing = asyncio.Lock()
        self._events: LineageEvents | None = None

    @Service.task
    async def _write_regularly(self) -> None:
        self._events = open_lineage_events(self._app.settings, await self._columns())
        self._tell(Phase.START)
        told_at = monotonic()
        while not self.should_stop:
            written = await self._write(RUNNING)
            if monotonic() - told_at >= EVENTS_INTERVAL_S:
                self._tell(Phase.RUNNING)
                told_at = monotonic()
            await self.sleep(INTERVAL_S if written else TRY_AGAIN_S)

    async def finish(self) -> None:
        """The runs have done what they were asked to."""
        await self._write(SUCCESS)

    async def on_stop(self) -> None:
        """The worker ends: the last word on its runs, the lake's files included."""
        error = self._app.error if not isinstance(self._app.error, SwappedError) else None
        await self._write(FAILED if error is not None else SUCCESS, LAST_WRITE_TIMEOUT_S)
        self._tell(Phase.COMPLETE if error is None else Phase.FAIL, None if error is None else sentence_of(error))
        if self._events is not None:
            await asyncio.to_thread(self._events.close)

    def _tell(self, phase: Phase, error: str | None = None) -> None:
        if self._events is not None:
            self._events.tell(self._runs, phase, error)

    async def _write(self, status: str, timeout_s: float = WRITE_TIMEOUT_S) -> bool:
        """Bring all rows up to date; False when Postgres is away. A run's first call marks the runs left behind."""
        if self._app.lake is not None:
            self._app.run_stats.exported(self._app.lake.exported)
        left_behind = query("metadata/runs_abort")
        try:
            async with (
                self._writing,
                asyncio.timeout(timeout_s),
                self._app.pool.acquire() as connection,
                connection.transaction(),
            ):
                left = [] if self._registered else await connection.fetch(left_behind, self._instance)
                await self._put(connection, status)
        except Exception as error:
            if not self._away:
                logger.warning("The runs cannot be written down and are tried again: %r", error)
            self._away = True
            return False
        self._registered, self._away = True, False
        for run_id, pipeline, ended_at in left:
            logger.info("Run %s of %s was left behind by a worker that is gone: aborted", run_id, pipeline)
            if self._events is not None:
                self._events.tell_aborted(run_id, pipeline, ended_at)
        return True

    async def _put(self, connection: Any, status: str) -> None:
        error = self._app.error if status == FAILED else None
        ended_at = None if status == RUNNING else self._app.run_stats.now()
        rows = [self._run_row(run, status, ended_at, error) for run in self._runs]
        mine = await connection.fetch(query("metadata/runs_put"), *columns(rows), self._instance, self._owner)
        known = {row[0] for row in mine}
        message = None if error is None else sentence_of(error)
        steps = [
            (run.run_id, step.source_system, step.source, step.target, step.kind, *_figures(totals), status, message)
            for run in self._runs
            if run.run_id in known
            for step, totals in run.steps.items()
        ]
        if steps:
            await connection.execute(query("metadata/steps_put"), *columns(steps))

    def _run_row(
        self, run: PipelineRun, status: str, ended_at: float | None, error: BaseException | None
    ) -> tuple[Any, ...]:
        app = self._app
        retries = app.lanes.retried[run.topic.name]
        logs = run.logs(retries) | {
            "rule_version": getattr(app.warehouse, "rule_version", None),
            "version": __version__,
        }
        if app.lake is not None:
            logs["lake_files_of_worker"] = app.lake.files_written
        if error is not None:
            logs["error"] = sentence_of(error)
        errors = run.stats.dead_letters + retries
        return (run.run_id, run.topic.noun, run.started_at, ended_at, status, run.records, errors, json.dumps(logs))

    async def _columns(self) -> dict[str, list[tuple[str, str]]]:
        """schema.table -> (column, type), for OpenLineage; nothing while nobody asks, or Postgres is away."""
        if not (self._app.settings.openlineage_url or self._app.settings.openlineage_file):
            return {}
        found: dict[str, list[tuple[str, str]]] = {}
        try:
            for table, column, kind in await self._app.pool.fetch(query("metadata/columns")):
                found.setdefault(table, []).append((column, kind))
        except Exception as error:
            logger.info("The tables' columns could not be read: %r", error)
        return found


def sentence_of(error: BaseException) -> str:
    """What may be told of an error: its sentence where it is written for people, else its kind alone."""
    return str(error) if isinstance(error, WorkerError) else f"Unexpected error: {type(error).__name__}"


def _figures(totals: StepTotals) -> tuple[float, int, int]:
    return totals.last_at, totals.written.rows, round(totals.written.seconds * 1000)
