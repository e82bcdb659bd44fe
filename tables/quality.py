"""Live state of each checked table: its newest check.

Key: table_name (str).
Value: {"check_name": str, "quality_percentage": 0-100, "check_timestamp": ISO-8601 UTC}.
Postgres holds the same; this table is a copy of it for reads without a query, never a source.
"""

from __future__ import annotations

from liontrack_stream.app import LionTrackApp
from liontrack_stream.contract.topics import QUALITY
from tables.reconcile import read_state


def register(app: LionTrackApp) -> None:
    """Declare the table."""
    # A late batch brings an older one.
    app.live_table(
        QUALITY, read_state("quality"), help="Each checked table: its newest check", newest_by="check_timestamp"
    )
