"""Live state of each lion: its latest weighing.

Key: lion_id (str).
Value: {"weight": kg, "measured_at": ISO-8601 UTC}.
Postgres holds the same; this table is a copy of it for reads without a query, never a source.
"""

from __future__ import annotations

from liontrack_stream.app import LionTrackApp
from liontrack_stream.contract.topics import WEIGHTS
from tables.reconcile import read_state


def register(app: LionTrackApp) -> None:
    """Declare the table."""
    # A late batch brings an older one.
    app.live_table(WEIGHTS, read_state("weights"), help="Each lion: its latest weighing", newest_by="measured_at")
