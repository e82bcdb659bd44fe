"""What ``/ready`` asks of a worker. Cheap: no probe touches the connections that carry records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liontrack_stream.kafka.trouble import connect
from liontrack_stream.kafka.watchdog import lag_records
from liontrack_stream.views.database import Database
from liontrack_stream.views.site import Check, Probe
from liontrack_stream.views.worker_loop import in_loop

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp
    from liontrack_stream.settings import Settings

BROKER_TIMEOUT_MS = 1_000
LAKE_LAG_MAX_S = 600.0


def worker_probes(app: LionTrackApp, database: Database) -> dict[str, Probe]:
    """The four probes of a worker, by name."""

    async def kafka() -> Check:
        await _reach_a_broker(app.settings)
        partitions = len(app.progress.next_offset)
        if partitions == 0:
            return Check(False, "reachable, but this worker has no partition to read yet")
        return Check(True, f"reachable, {partitions} partitions are read here")

    async def postgres() -> Check:
        await database.rows("ping")
        return Check(True, "answers")

    async def lag() -> Check:
        lag, partitions = await in_loop(app.loop, lambda: (lag_records(app), set(app.progress.next_offset)))
        return lag_check(sum(lag.values()), app.settings.ready_max_lag_records, len(partitions - lag.keys()))

    async def lake() -> Check:
        if app.lake is None:
            return Check(True, "this worker exports no files")
        status = await in_loop(app.loop, app.lake.status)
        return lake_check(status.lag_records, status.lag_s, status.error)

    return {"kafka": kafka, "postgres": postgres, "lag": lag, "lake": lake}


def lag_check(lag: int, max_records: int, unknown: int = 0) -> Check:
    """Whether few enough records wait. ``unknown``: partitions of which Kafka has not yet told the end."""
    if unknown:
        return Check(False, f"{lag} records wait, and Kafka has not told the ends of {unknown} partitions yet")
    if lag > max_records:
        return Check(False, f"{lag} records wait, more than READY_MAX_LAG_RECORDS={max_records}")
    return Check(True, f"{lag} records wait")


def lake_check(lag: int, lag_s: float, trouble: str | None) -> Check:
    """Whether the lake's files can be written, and are not far behind the warehouse."""
    if trouble:
        return Check(False, f"files cannot be written at present ({lag} records behind); the log has the reason")
    if lag_s > LAKE_LAG_MAX_S:
        return Check(False, f"{lag_s:.0f} s ({lag} records) behind the warehouse, more than {LAKE_LAG_MAX_S:.0f} s")
    return Check(True, f"{max(lag_s, 0.0):.0f} s ({lag} records) behind the warehouse")


async def _reach_a_broker(settings: Settings) -> None:
    """Have one broker answer Kafka's version question, and let us in; raises the last one's error."""
    failure: Exception | None = None
    for broker in settings.kafka_brokers.split(","):
        try:
            connection = await connect(settings, broker, BROKER_TIMEOUT_MS)
        except Exception as error:
            failure = error
        else:
            connection.close()
            return
    raise failure or ConnectionError("no broker is configured")
