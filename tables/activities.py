"""Live state of each user: the newest 5-minute window of activities.

Key: user_id (str).
Value: {"user_id": str, "window": {"window_start": ISO-8601 UTC, "events": int, "activities": {type: count}}}.
Postgres holds the same; this table is a copy of it for reads without a query, never a source.
"""

from __future__ import annotations

from liontrack_stream.app import LionTrackApp
from liontrack_stream.contract.topics import ACTIVITIES
from tables.reconcile import read_state


def register(app: LionTrackApp) -> None:
    """Declare the table."""
    app.live_table(ACTIVITIES, read_state("activities"), help="Each user: the newest 5-minute window of activities")
