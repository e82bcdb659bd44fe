"""``data.quality.events``: a nightly check of each source table."""

from __future__ import annotations

from liontrack_stream.contract.topics import QUALITY
from liontrack_stream.sources.simulator.plan import DAY_MS, HOUR_MS, MINUTE_MS, SOURCE, Plan, Stream, iso, rng_for
from liontrack_stream.sources.simulator.positions import Arriving
from liontrack_stream.sources.simulator.record import event_record

_TABLES = ("silver.lions", "silver.positions", "silver.weight_history", "silver.users", "silver.challenges")
_CHECKS = ("completeness", "freshness", "validity")
_INVALID_SHARE_MAX = 0.12


def quality_of_day(plan: Plan, day: int) -> list[Arriving]:
    """All checks of one day, at 03:00 UTC and the minutes after."""
    rng = rng_for(plan, Stream.QUALITY, day)
    records: list[Arriving] = []
    for table in _TABLES:
        for check in _CHECKS:
            u_total, u_invalid = rng.random(2).tolist()
            time_ms = plan.start_ms + day * DAY_MS + 3 * HOUR_MS + len(records) * MINUTE_MS
            total = 500 + int(u_total * 2000)
            invalid = int(total * _INVALID_SHARE_MAX * u_invalid**3)
            event = {
                "check_timestamp": iso(time_ms),
                "table_name": table,
                "check_name": check,
                "total_records": total,
                "valid_records": total - invalid,
                "invalid_records": invalid,
                "quality_percentage": round(100 * (total - invalid) / total, 2),
                "source": SOURCE,
            }
            records.append((time_ms + 1000, event_record(QUALITY, event, event["check_timestamp"])))  # type: ignore[arg-type]
    return records
