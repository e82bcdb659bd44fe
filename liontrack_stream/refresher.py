"""Refreshes the materialized views on a schedule, and when the worker ends.

Of several workers one refreshes at a time; a view that nothing was committed since is left alone.
"""

from __future__ import annotations

from typing import Any

from mode import Service, get_logger

from liontrack_stream.settings import Settings
from liontrack_stream.sidecars import Sidecar
from liontrack_stream.warehouse.refreshing import refresh_views

logger = get_logger(__name__)


class Refresher(Sidecar):
    """Tries again at the next turn when Postgres is away; a streak of failures is logged once."""

    def __init__(self, settings: Settings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._failing = False

    @Service.task
    async def _refresh_on_schedule(self) -> None:
        while not self.should_stop:
            await self.sleep(self._settings.refresh_interval_s)
            if not self.should_stop:
                await self._refresh()

    async def finish(self) -> None:
        """Bring the views up to what is committed."""
        await self._refresh()

    async def _refresh(self) -> None:
        try:
            done = await refresh_views(self._settings, self._settings.pg_ingest_role, if_stale=True)
        except Exception as error:
            if not self._failing:
                logger.warning("The views of analytics are not refreshed, and tried again: %r", error)
            self._failing = True
            return
        self._failing = False
        for view in done:
            logger.debug("Refreshed %s: %d rows in %.3f s", view.view, view.rows, view.seconds)
