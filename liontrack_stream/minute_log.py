"""One line a minute of what the worker did; while nothing comes, one line and then none."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
from mode import Service, get_logger

from liontrack_stream import metrics
from liontrack_stream.kafka.watchdog import lag_records
from liontrack_stream.sidecars import Sidecar

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp

logger = get_logger(__name__)


class MinuteLog(Sidecar):
    """Sums up each ``LOG_SUMMARY_INTERVAL_S`` of one worker."""

    def __init__(self, app: LionTrackApp, generation: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._app, self._generation = app, generation
        self._told = (0, 0, 0)
        self._told_at = monotonic()
        self._quiet = False

    @Service.task
    async def _tell_regularly(self) -> None:
        while not self.should_stop:
            await self.sleep(self._app.settings.log_summary_interval_s)
            if not self.should_stop:
                self._tell()

    async def on_stop(self) -> None:
        """The last minute, and what all of them came to."""
        if any(self._counts()):
            records, batches, dead_letters = self._counts()
            figures = {"records": records, "batches": batches, "dead_letters": dead_letters}
            logger.info(
                "Since its start: %(records)d records in %(batches)d batches, %(dead_letters)d dead letters",
                figures,
                extra={**figures, "generation": self._generation},
            )

    def _counts(self) -> tuple[int, int, int]:
        progress = self._app.progress
        return sum(progress.records.values()), progress.batches, progress.stats.dead_letters

    def _tell(self) -> None:
        counts = self._counts()
        records, batches, dead_letters = (now - before for now, before in zip(counts, self._told, strict=True))
        self._told = counts
        now = monotonic()
        seconds, self._told_at = now - self._told_at, now
        recent = metrics.take_recent()
        lag = sum(lag_records(self._app).values())
        lake = self._app.lake.status() if self._app.lake is not None else None
        quiet, self._quiet = self._quiet, not (records or lag)
        if quiet and self._quiet:
            return
        figures: dict[str, float] = {
            "records": records,
            "batches": batches,
            "dead_letters": dead_letters,
            "seconds": round(seconds, 1),
            "lag_records": lag,
            "lake_lag_records": lake.lag_records if lake is not None else 0,
            "lake_lag_seconds": round(max(0.0, lake.lag_s), 1) if lake is not None else 0.0,
        }
        if recent:
            storing, latency = np.quantile(np.array(recent), 0.99, axis=0).tolist()
            figures |= {"batch_seconds_p99": round(storing, 4), "latency_seconds_p99": round(latency, 3)}
        if records:
            text = "%(records)d records in %(batches)d batches, %(dead_letters)d dead letters, in %(seconds).0f s"
        elif lag:
            text = "Nothing stored in %(seconds).0f s"
        else:
            text = "Quiet: no record in %(seconds).0f s, and no more lines until one comes"
        text += "; %(lag_records)d wait in Kafka, %(lake_lag_records)d for the lake (%(lake_lag_seconds).0f s)"
        if recent:
            text += "; 99 %% of batches took %(batch_seconds_p99).3f s at most, %(latency_seconds_p99).2f s from append"
        logger.info(text, figures, extra={**figures, "generation": self._generation})
