"""Live state of each lion: the 5-minute window of its last accepted fix.

Key: lion_id (str).
Value: {"window_start": ISO-8601 UTC, "fixes": int, "mean_lat": deg, "mean_lng": deg,
    "first": {"time": ISO-8601 UTC, "lat": deg, "lng": deg}, "last": {…},
    "min_lat", "max_lat", "min_lng", "max_lng": deg}.
Postgres holds the same; this table is a copy of it for reads without a query, never a source.
"""

from __future__ import annotations

from liontrack_stream.app import LionTrackApp
from liontrack_stream.contract.topics import POSITIONS
from tables.reconcile import read_state


def register(app: LionTrackApp) -> None:
    """Declare the table."""
    app.live_table(POSITIONS, read_state("positions"), help="Each lion: the 5-minute window of its last accepted fix")
