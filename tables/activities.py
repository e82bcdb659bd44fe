"""Live state of each user: the latest activity.

Key: user_id (str).
Value: {"activity_type": str, "event_time": ISO-8601 UTC}.
Postgres holds the same; this table is a copy of it for reads without a query, never a source.
"""

from __future__ import annotations

from liontrack_stream.app import LionTrackApp
from liontrack_stream.contract.topics import ACTIVITIES
from tables.reconcile import read_state


def register(app: LionTrackApp) -> None:
    """Declare the table."""
    # A late batch brings an older one.
    app.live_table(ACTIVITIES, read_state("activities"), help="Each user: the latest activity", newest_by="event_time")
