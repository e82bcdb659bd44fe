"""Live state of each challenge: its latest status.

Key: challenge_id (str).
Value: {"status": str, "user_id": str, "updated_at": ISO-8601 UTC}.
Postgres holds the same; this table is a copy of it for reads without a query, never a source.
"""

from __future__ import annotations

from liontrack_stream.app import LionTrackApp
from liontrack_stream.contract.topics import CHALLENGES
from tables.reconcile import read_state


def register(app: LionTrackApp) -> None:
    """Declare the table."""
    app.live_table(CHALLENGES, read_state("challenges"), help="Each challenge: its latest status")
