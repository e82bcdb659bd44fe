"""What may be exported, and to whom: each table's subject, its time, and the query for each kind of viewer.

Columns are never listed here: who may see a table whole gets what the table has; everyone else exactly what a query of
``sql/export/others_….sql`` names, so that a new column stays unseen until somebody decides otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Subject = Literal["lion", "user", "operation"]


@dataclass(frozen=True, slots=True)
class Exported:
    """One table.

    ``subject``: whom its rows are about. Whole, it is for rangers and admins (lion), or admins (user, operation).
    ``time``: the column of ``since`` and ``until``, None where it has none. ``days_of``: the table with a partition per
    day that holds the rows. ``whole`` and ``others``: ``sql/export/<…>.sql`` for who sees it whole, and for every other
    token; None: for nobody else.
    """

    name: str
    subject: Subject
    time: str | None = None
    days_of: str | None = None
    whole: str = "whole"
    others: str | None = None

    @property
    def relation(self) -> str:
        """What is read where it has no partitions, and what has its columns."""
        return self.days_of or self.name


def _lion(name: str, time: str | None, days_of: str | None = None, whole: str = "whole") -> Exported:
    return Exported(name, "lion", time, days_of, whole, f"others_{name.replace('.', '_')}")


def _user(name: str, time: str | None, days_of: str | None = None) -> Exported:
    return Exported(name, "user", time, days_of, others="own")


def _operation(name: str, time: str | None, whole: str = "whole", others: str | None = None) -> Exported:
    return Exported(name, "operation", time, whole=whole, others=others)


_ADMINS_ONLY = None

_TABLES = (
    _lion("silver.lions", "last_update"),
    _lion("silver.positions", "event_time", "silver.positions"),
    _lion("silver.weight_history", "measured_at"),
    _lion("gold.lions_metrics", "metric_date"),
    _lion("gold.lion_windows", "window_start", "gold.lion_windows"),
    _lion("gold.lions_positions_history", "position_date", "silver.positions", "gold_lions_positions_history"),
    _lion("analytics.lions_current_status", None),
    _user("silver.users", "updated_at"),
    _user("silver.user_activities", "event_time"),
    _user("silver.challenges", "updated_at"),
    _user("silver.challenge_events", "updated_at"),
    _user("gold.users_activity", "activity_date"),
    _user("gold.user_windows", "window_start", "gold.user_windows"),
    _user("analytics.user_engagement_summary", "last_activity"),
    _operation("gold.quality_daily", "check_date", others="whole"),
    _operation("metadata.data_quality_checks", "check_timestamp", others="others_metadata_data_quality_checks"),
    _operation("metadata.pipeline_logs", "start_time", others="others_metadata_pipeline_logs"),
    _operation("metadata.data_lineage", "last_run_timestamp", others="others_metadata_data_lineage"),
    _operation("metadata.consumed_offsets", "updated_at", others="others_metadata_consumed_offsets"),
    _operation("metadata.rule_versions", "registered_at", others="whole"),
    _operation("metadata.view_refreshes", "refreshed_at", others="whole"),
    # These name lions' places, users, or where exact positions lie.
    _operation("metadata.revisions", "revised_at", others=_ADMINS_ONLY),
    _operation("metadata.deletions", "append_time", others=_ADMINS_ONLY),
    _operation("metadata.repeats", "append_time", others=_ADMINS_ONLY),
    _operation("metadata.dead_letters", "append_time", "metadata_dead_letters", others=_ADMINS_ONLY),
    _operation("metadata.lake_files", "written_at", others=_ADMINS_ONLY),
)
TABLES: dict[str, Exported] = {table.name: table for table in _TABLES}

MOVEBANK = Exported("movebank", "lion", None, "silver.positions", "movebank", "others_movebank")
"""Fixes under Movebank's attribute names; its queries cut the period themselves."""

FIXES = Exported("fixes", "lion", None, "silver.positions", "fixes", "others_fixes")
"""Fixes with what files of tracks and occurrences tell of them; its queries cut the period themselves."""
