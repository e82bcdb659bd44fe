"""Ends the process when records wait and nothing moves although Postgres answers, when it has partitions that it does
not begin to read, when the group membership is gone, or when the event loop hangs.

    lag > 0 all the time, no offset moved for N s ──► Postgres answers? ──no──► keep waiting (lanes are trying again)
                                                              │yes
                                                              ▼ exit 75, the supervisor starts it again
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from faust.types import TP
from mode import Service, get_logger

from liontrack_stream.kafka.claims import added_partition
from liontrack_stream.kafka.exits import ExitCode, StuckError, end_process
from liontrack_stream.kafka.ports import Partition

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp

logger = get_logger(__name__)

PROBE_TIMEOUT_S = 5.0
LOOK_FOR_PARTITIONS_S = 15.0
_TELL_WITHIN_S = 2.0
START_WITHIN_S = 90.0  # a session timeout, twice, and time to spare


class Watchdog(Service):
    """Watches one worker."""

    def __init__(self, app: LionTrackApp, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.app = app
        self._stuck_after_s = app.settings.stuck_after_s
        self._beat_at = monotonic()
        self._waiting_since: float | None = None  # from when records wait, and none was stored
        self._unread_since: float | None = None  # from when it has partitions, and does not claim them
        self._ended = threading.Event()

    async def on_start(self) -> None:
        """Start the thread that sees a hanging event loop."""
        self._beat_at = monotonic()
        threading.Thread(target=self._watch_loop, name="watchdog", daemon=True).start()

    async def on_stop(self) -> None:
        """End the thread."""
        self._ended.set()

    def _watch_loop(self) -> None:
        while not self._ended.wait(1.0):
            if monotonic() - self._beat_at > self._stuck_after_s:
                end_process(ExitCode.STUCK, self._tell_hung, _TELL_WITHIN_S)

    def _tell_hung(self) -> None:
        stacks = "".join(
            f"\nThread {number}:\n{''.join(traceback.format_stack(frame))}"
            for number, frame in sys._current_frames().items()
        )
        logger.critical("The event loop has hung for %.0f s, ending the process:%s", self._stuck_after_s, stacks)

    @Service.task
    async def _watch_progress(self) -> None:
        while not self.should_stop:
            await self.sleep(1.0)
            self._beat_at = monotonic()
            lost = self.app.batch_consumer.group_error()
            if lost is not None:
                self.app.fail(StuckError(f"The place in Kafka's consumer group is gone: {lost!r}"))
            ready = cast(Any, self.app.tables).recovery.completed.is_set() or self.app.in_recovery
            if not ready and monotonic() - self.app.progress.started_at > START_WITHIN_S:
                self.app.fail(StuckError(f"The worker did not get its partitions within {START_WITHIN_S:.0f} s."))
            unread_s = self._unread_s()
            if unread_s >= self._stuck_after_s:
                self.app.fail(StuckError(f"It has partitions that it has not begun to read for {unread_s:.0f} s."))
            waiting = {partition: n for partition, n in lag_records(self.app).items() if n > 0}
            if self._waited_s(bool(waiting)) >= self._stuck_after_s and await self._postgres_answers():
                waited_s = self._waited_s(True)  # something may have been stored meanwhile
                if waited_s >= self._stuck_after_s:
                    self.app.fail(
                        StuckError(f"Nothing was stored for {waited_s:.0f} s although records wait: {waiting}.")
                    )

    @Service.task
    async def _watch_partitions(self) -> None:
        """A partition that was added since the start ends the worker. What nobody has claimed is shared out anew: Kafka
        gives a returning static member what it had, and tells nobody of partitions that were added meanwhile."""
        while not self.should_stop:
            await self.sleep(LOOK_FOR_PARTITIONS_S)
            known = self.app.cluster.partitions.keys() if self.app.cluster is not None else set()
            added = self.app.batch_consumer.partitions_seen() - known
            if added and known:
                self.app.fail(added_partition(min(added)))
                return
            try:
                unclaimed = known - (await self.app.offsets.stored()).keys()
            except Exception as error:
                logger.info("Postgres does not tell which partitions are claimed: %r", error)
                continue
            if unclaimed and not self.app.batch_consumer.claiming:
                logger.warning("Nobody reads %s: the group shares out anew", sorted(unclaimed))
                self.app.batch_consumer.share_out_anew()

    @property
    def waited_s(self) -> float:
        """How long records have waited without one being stored, as seen a moment ago; 0 while none waits."""
        since = self._waiting_since
        return 0.0 if since is None or self.app.progress.moved_at > since else monotonic() - since

    def _waited_s(self, waiting: bool) -> float:
        """How long records have waited without one being stored; a quiet topic's first record has just come."""
        now = monotonic()
        if not waiting:
            self._waiting_since = None
            return 0.0
        if self._waiting_since is None or self.app.progress.moved_at > self._waiting_since:
            self._waiting_since = now
        return now - self._waiting_since

    def _unread_s(self) -> float:
        """How long partitions are this worker's without being claimed, tables that are being restored aside."""
        consumer, claimed = self.app.batch_consumer, self.app.progress.next_offset.keys()
        if self.app.in_recovery or consumer.claiming or consumer.partitions_held() <= claimed:
            self._unread_since = None
            return 0.0
        now = monotonic()
        if self._unread_since is None:
            self._unread_since = now
        return now - self._unread_since

    async def _postgres_answers(self) -> bool:
        try:
            await asyncio.wait_for(self.app.offsets.stored(), PROBE_TIMEOUT_S)
        except Exception as error:
            logger.info("Postgres does not answer: %r", error)
            return False
        return True


def lag_records(app: LionTrackApp) -> dict[Partition, int]:
    """Records in Kafka not yet stored, per assigned partition; offsets without records (markers) do not count
    once they have been read past."""
    lag = {}
    for partition, next_offset in app.progress.next_offset.items():
        tp = TP(app.settings.topic(partition[0]), partition[1])
        end, position = app.batch_consumer.log_state(tp)
        if end is not None:
            done = max(next_offset, position or 0) if app.lanes.idle(partition) else next_offset
            lag[partition] = max(0, end - done)
    return lag
