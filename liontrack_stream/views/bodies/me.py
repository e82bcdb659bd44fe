"""Who asks."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict


class MeBody(TypedDict):
    """The asker, and how it sees positions: `exact` or `generalised`, then on a grid and after a delay.

    `known`: whether the routes of a user have something to say of it.
    """

    user_id: str | None
    known: bool
    roles: list[str]
    positions: str
    grid_deg: float | None
    delay_h: float | None
    demo: bool
    timestamp: datetime
