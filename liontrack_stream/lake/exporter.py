"""The lake's exporter: background tasks of a worker that follow the warehouse and never hold it up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from liontrack_stream.kafka.ports import Written
from liontrack_stream.lake.background import BackgroundCompaction
from liontrack_stream.lake.bronze import BronzeExporter
from liontrack_stream.lake.days import DayExporter
from liontrack_stream.lake.delta import DeltaLogs
from liontrack_stream.lake.manifest import Manifest
from liontrack_stream.lake.ports import BronzeRows, LakeStatus, LakeUnavailable, TopicPartition
from liontrack_stream.lake.reader import Reader
from liontrack_stream.lake.resources import Resources
from liontrack_stream.lake.store import Store, open_store
from liontrack_stream.memory import forget_frames
from liontrack_stream.settings import Settings

log = logging.getLogger(__name__)

_MAX_BACKOFF_S = 30.0
_PAUSE_PER_PASS = 0.5  # a pass over the days that took two seconds, rests included, is followed by one without any
_PAUSE_PER_PASS_IN_BACKLOG = 3.0  # storing comes first, and days are written once, not at each pass
_OTHER_LEADER_S = 3.0
_FINISH_WITHIN_S = 3.0


class LakeExporter:
    """``start``, ``offer`` and ``assigned``/``revoked`` while working, ``close`` at the end; all from one event loop.

    ``has_backlog`` says that records wait in number: days that are still being filled are then let be for longer.
    ``live``: the generation whose lake it is, see `Manifest`.
    Trouble with the store or the warehouse delays files, is logged once per streak, and shows in ``status``.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store | None = None,
        has_backlog: Callable[[], bool] = bool,
        live: int | None = None,
    ) -> None:
        self._settings = settings
        self._has_backlog = has_backlog
        self._resources = Resources(store or open_store(settings), Reader(settings))
        self._store_is_ready = False
        self._tasks: list[asyncio.Task[None]] = []
        self._wake_bronze = asyncio.Event()
        self._stopping = asyncio.Event()
        self._streaks: dict[str, str] = {}
        self._manifests = tuple(Manifest(settings, live) for _ in range(3))
        self.bronze = BronzeExporter(self._resources, self._manifests[0], settings.lake_interval_s)
        self.days = DayExporter(
            self._resources, self._manifests[1], settings.lake_compact_max_bytes, has_backlog=has_backlog
        )
        self._delta = DeltaLogs(self._resources.store, self._manifests[2], self._resources.in_thread)
        self._compaction = BackgroundCompaction(
            settings, self._resources.store, lambda: has_backlog() or self._stopping.is_set()
        )

    @property
    def files_written(self) -> int:
        return self.bronze.files_written + self.days.files_written

    @property
    def _done(self) -> tuple[int, int]:
        """Grows while anything is completed."""
        return self.files_written, self.days.parts_read

    @property
    def exported(self) -> dict[str, Written]:
        """``lake/layer/table`` -> rows that this worker has written, and the time that took."""
        return {**self.bronze.exported, **self.days.exported}

    def status(self) -> LakeStatus:
        return LakeStatus(
            files_written=self.files_written,
            lag_records=self.bronze.lag_records,
            lag_s=self.bronze.lag_s,
            dirty_days=self.days.dirty_days,
            held_rows=self.bronze.buffer.held_rows,
            held_bytes=self.bronze.buffer.held_bytes,
            error="; ".join(self._streaks.values()) or None,
        )

    async def start(self) -> None:
        """Begin to follow the warehouse. Returns at once and never raises: an outage is retried."""
        interval_s = self._settings.lake_interval_s
        self._tasks = [
            asyncio.create_task(self._follow("bronze", self.bronze.run_once, min(interval_s, 1.0), self._wake_bronze)),
            asyncio.create_task(self._follow("silver and gold", self.days.run_once, interval_s, None)),
        ]
        if self._settings.lake_delta:
            level = self._follow("the Delta logs", self._delta.run_once, interval_s, None)
            self._tasks.append(asyncio.create_task(level))
        if self._compaction.wanted:
            compact, every_s = self._compaction.run_once, self._settings.lake_compact_interval_s
            self._tasks.append(asyncio.create_task(self._follow("compaction", compact, every_s, None)))

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions are this worker's: clear up after their last exporter, then go on from their watermarks."""
        self.bronze.assigned(partitions)
        self._wake_bronze.set()

    def revoked(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions are another worker's now, unless we are closing: then their files are still completed."""
        if not self._stopping.is_set():
            self.bronze.revoked(partitions)

    def offer(self, batch: BronzeRows) -> None:
        """Hand over a batch after its COMMIT; costs some 0.4 µs a row."""
        if self.bronze.offer(batch):
            self._wake_bronze.set()

    async def close(self, timeout_s: float = 60.0) -> int:
        """Write everything that is committed, stop, and return how many files this exporter wrote in its life.

        ``timeout_s``: how long nothing may be completed; what a long backlog left takes as long as it takes.

        Raises
        ------
        LakeUnavailable
            The lake or the warehouse could not be written in time. Nothing is lost: the next worker goes on.
        """
        self._stopping.set()
        self._wake_bronze.set()
        self.days.hurry.set()
        finishing = asyncio.ensure_future(self._finish())
        try:
            done = (-1, 0)
            while not finishing.done() and done != self._done:
                done = self._done
                await asyncio.wait([finishing], timeout=timeout_s)
            if not finishing.done():
                trouble = self.status().error or "it took too long"
                raise LakeUnavailable(f"No file of the lake was completed within {timeout_s:g} s: {trouble}.")
            finishing.result()
        finally:
            finishing.cancel()
            await asyncio.gather(finishing, return_exceptions=True)
            await self._release()
        return self.files_written

    async def _finish(self) -> None:
        await asyncio.gather(*self._tasks)
        await asyncio.gather(
            self._flush("bronze", self.bronze.run_once), self._flush("silver and gold", self._flush_days)
        )
        if self._settings.lake_delta:
            await self._attempt("the Delta logs", self._delta.run_once)  # no reason to stay: the next one levels them

    async def stop(self) -> None:
        """End without a flush; files under way are completed, what is not begun, the next worker writes."""
        self._stopping.set()
        self.bronze.halted = self.days.halted = True
        self.days.hurry.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_FINISH_WITHIN_S)
        await self._release()

    async def _release(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._compaction.close()
        self._resources.close()
        for manifest in self._manifests:
            await manifest.close()

    async def _follow(
        self, name: str, run_once: Callable[[], Awaitable[int]], interval_s: float, wake: asyncio.Event | None
    ) -> None:
        backoff_s = 0.0
        while not self._stopping.is_set():
            began = time.monotonic()
            backoff_s = 0.0 if await self._attempt(name, run_once) else min(_MAX_BACKOFF_S, 2 * backoff_s or 1.0)
            pause_per_pass = _PAUSE_PER_PASS_IN_BACKLOG if self._has_backlog() else _PAUSE_PER_PASS
            rest_s = max(interval_s, pause_per_pass * (time.monotonic() - began)) if wake is None else interval_s
            await self._rest(backoff_s or rest_s, None if backoff_s else wake)

    async def _attempt(self, name: str, run_once: Callable[[], Awaitable[int]]) -> bool:
        try:
            if not self._store_is_ready:
                await self._resources.in_thread(self._resources.store.prepare)
                self._store_is_ready = True
            await run_once()
        except Exception as error:
            if name not in self._streaks:
                log.exception("Lake: export of %s failed and is retried until it works", name)
            self._streaks[name] = f"{name}: {error!r}"
            forget_frames(error)
            return False
        if self._streaks.pop(name, None):
            log.info("Lake: export of %s works again", name)
        return True

    async def _rest(self, seconds: float, wake: asyncio.Event | None) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._stopping, wake) if event]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            if wake:
                wake.clear()

    async def _flush(self, name: str, run_once: Callable[[bool], Awaitable[int]]) -> None:
        backoff_s = 0.2
        while not await self._attempt(name, lambda: run_once(True)):
            await asyncio.sleep(backoff_s)
            backoff_s = min(2.0, 2 * backoff_s)

    async def _flush_days(self, flush: bool) -> int:
        """Flush while leading; when another worker keeps the lead for a while, the days are in its hands."""
        until = time.monotonic() + _OTHER_LEADER_S
        while not await self.days.leads():
            if time.monotonic() > until:
                return 0
            await asyncio.sleep(0.1)
        return await self.days.run_once(flush)
