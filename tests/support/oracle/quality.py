"""Data quality checks and their daily summary (contract §2; identity table_name + check_name + check_timestamp)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from math import fsum
from typing import Any

from .settle import Stored, as_date, day_number, moment


def check_rows(winners: Iterable[Stored]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """metadata.data_quality_checks: one row per (table_name, check_name, check_timestamp)."""
    return {
        (stored.event.table_name, stored.event.check_name, moment(stored.event.time_us)): {
            "total_records": stored.event.total_records,
            "valid_records": stored.event.valid_records,
            "invalid_records": stored.event.invalid_records,
            "quality_percentage": stored.event.quality_percentage,
            "details": stored.event.extra or {},
            "topic": stored.topic,
            **stored.provenance(),
        }
        for stored in winners
    }


def daily_rows(winners: Iterable[Stored]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """gold.quality_daily: one row per checked table and UTC day."""
    days: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for stored in winners:
        days[stored.event.table_name, day_number(stored.event.time_us)].append(stored.event)
    return {
        (table_name, as_date(day)): {
            "checks_count": len(checks),
            "avg_quality": fsum(check.quality_percentage for check in checks) / len(checks),
            "min_quality": min(check.quality_percentage for check in checks),
            "last_check": moment(max(check.time_us for check in checks)),
        }
        for (table_name, day), checks in days.items()
    }
