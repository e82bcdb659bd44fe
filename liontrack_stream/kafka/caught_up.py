"""``worker --until-caught-up``: waits for the topics' ends as they stood at start, closes the lake, and stops."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from faust.types import TP
from mode import Service, get_logger

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.kafka.infrastructure_errors import RETRIED
from liontrack_stream.kafka.ports import Partition

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp

logger = get_logger(__name__)

POLL_S = 0.05
SEEN_TWICE_AFTER_S = 0.5  # a position without records behind it must hold this long


class CaughtUp(Service):
    """Ends the worker when everything up to the targets is stored, by this worker or another."""

    def __init__(self, app: LionTrackApp, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.app = app
        self.report: dict[str, Any] | None = None

    @Service.task
    async def _wait_for_targets(self) -> None:
        assert self.app.cluster is not None
        targets = self.app.cluster.ends
        try:
            await self._reached(targets)
            seconds = monotonic() - self.app.progress.started_at
            await self.app.finish_sidecars()
            parquet_files = await self._close_lake()
            self.report = self._make_report(seconds, parquet_files)
        except Exception as error:
            self.app.fail(error)
            return
        self.app.end()

    async def _reached(self, targets: dict[Partition, int]) -> None:
        """Return when every partition is at its target."""
        stored = await self._stored()
        passed_since: dict[Partition, float] = {}
        while not self.should_stop:
            stored.update(self.app.progress.next_offset)
            open_partitions = [p for p, target in targets.items() if stored.get(p, 0) < target]
            if all(self._read_past(p, targets[p], passed_since) for p in open_partitions):
                return
            await self.sleep(POLL_S)
            if any(p not in self.app.progress.next_offset for p in open_partitions):
                stored = await self._stored()  # another worker's

    def _read_past(self, partition: Partition, target: int, passed_since: dict[Partition, float]) -> bool:
        """Whether only offsets without records (transaction markers) lie between what is stored and the target."""
        tp = TP(self.app.settings.topic(partition[0]), partition[1])
        position = self.app.batch_consumer.log_state(tp)[1]
        if position is None or position < target or not self.app.lanes.idle(partition):
            passed_since.pop(partition, None)
            return False
        return monotonic() - passed_since.setdefault(partition, monotonic()) > SEEN_TWICE_AFTER_S

    async def _stored(self) -> dict[Partition, int]:
        try:
            return dict(await self.app.offsets.stored())
        except RETRIED as error:
            logger.info("Postgres does not answer: %r", error)
            return {}

    async def _close_lake(self) -> int:
        """Write what the lake still lacks; the number of Parquet files this run wrote.

        That includes what this worker stored in partitions that a rebalance took: their next owner may have ended.
        """
        if self.app.lake is None:
            return 0
        self.app.lake.assigned(self.app.progress.written)
        return int(await self.app.lake.close() or 0)

    def _make_report(self, seconds: float, parquet_files: int) -> dict[str, Any]:
        progress = self.app.progress
        stats = progress.stats
        total = sum(progress.records.values())
        total_s = monotonic() - progress.started_at
        return {
            "records": {topic.name: progress.records[topic.name] for topic in TOPICS},
            "bronze": stats.bronze,
            "silver": stats.silver,
            "duplicates": stats.duplicates,
            "conflicts": stats.conflicts,
            "flagged": stats.flagged,
            "dead_letters": stats.dead_letters,
            "late": stats.late,
            "parquet_files": parquet_files,
            "seconds": round(total_s, 3),
            "seconds_to_warehouse": round(seconds, 3),
            "records_per_second": round(total / total_s, 1) if total_s else 0.0,
        }
