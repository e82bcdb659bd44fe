"""Compaction inside a worker: only while no backlog waits, in one thread that yields to all others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from liontrack_stream.lake.compaction import CompactionRuns, Compactor
from liontrack_stream.lake.manifest import Manifest
from liontrack_stream.lake.resources import yield_to_others
from liontrack_stream.lake.store import Store
from liontrack_stream.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")


class BackgroundCompaction:
    """``run_once`` compacts what is closed by now; a backlog that arises meanwhile ends it after the day under way."""

    def __init__(self, settings: Settings, store: Store, must_rest: Callable[[], bool]) -> None:
        self._settings, self._store, self._must_rest = settings, store, must_rest
        self._thread = ThreadPoolExecutor(1, "lake-compact", initializer=yield_to_others)

    @property
    def wanted(self) -> bool:
        """A bucket is only compacted by hand: see ``Store.swaps_at_once``."""
        return self._settings.lake_compact_interval_s > 0 and self._store.swaps_at_once

    async def run_once(self) -> int:
        """The number of days that were compacted; 0 while another compaction runs. Raises what `Compactor.run` does."""
        if self._must_rest():
            return 0
        manifest = Manifest(self._settings)  # of this run: its lead ends with its connection
        try:
            compactor = Compactor(
                self._settings, self._store, manifest, in_thread=self._in_thread, halted=self._must_rest
            )
            days = await compactor.run()
        except CompactionRuns:
            return 0
        finally:
            await manifest.close()
        done = [day for day in days if day.left_because is None]
        for day in done:
            log.info("Lake: %s %s: %d files became %d", day.topic, day.day, day.files_before, day.files_after)
        return len(done)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
