"""How good the data are."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict


class Checks(TypedDict):
    """Quality checks of an hour, 0-100; `unique_statuses`: of the pipeline runs at work in it. `last_check`: ever."""

    checks_last_hour: int
    avg_quality: float | None
    unique_statuses: int
    last_check: datetime | None


class SystemHealthBody(TypedDict):
    """`healthy` or `degraded`."""

    health: Checks
    status: str
    timestamp: datetime


class TableQuality(TypedDict):
    """A checked table, 0-100."""

    table_name: str
    checks_count: int
    avg_quality: float
    min_quality: float
    last_check: datetime


class DataQualityBody(TypedDict):
    """Checked tables by name."""

    data_quality: list[TableQuality]
    period: str
    timestamp: datetime
