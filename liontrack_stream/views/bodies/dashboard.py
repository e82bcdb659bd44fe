"""The figures of the whole."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict


class Totals(TypedDict):
    """Lions and users that are not deleted; quality 0-100, null without checks."""

    total_lions: int
    total_users: int
    data_quality_score: float | None
    timestamp: datetime


class DashboardBody(TypedDict):
    """The figures of the whole."""

    dashboard: Totals
