"""Data of the events of ``/api/analytics/stream``."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict


class Hello(TypedDict):
    """`hello`, first: whether positions are "exact" or "generalised", and up to when they go at present."""

    positions: str
    as_of: datetime


class NewPosition(TypedDict):
    """`position`: an accepted fix; in a flood the latest of its lion, and `fixes` is how many there were."""

    lion_id: str
    position_date: datetime
    lat: float
    lng: float
    accuracy: float | None
    fixes: int


# `revision`: a row of gold that had been told says something else now. `from` or `to` is null where there was, or is,
# no row, and else holds the columns that differ.
Revision = TypedDict(
    "Revision",
    {
        "table_name": str,
        "entity_id": str,
        "period_start": datetime,
        "from": dict[str, Any] | None,
        "to": dict[str, Any] | None,
    },
)


class Reset(TypedDict):
    """`reset`: more happened than is told one by one. What the client shows may be outdated: it has to ask anew."""

    reason: str
