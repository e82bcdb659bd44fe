"""What the stream tells: a position, a revision, or that it is better to read anew; and who may see which.

A delayed viewer sees positions of event times up to ``until``, on the grid, and of revisions what says nothing of
where a lion was, of periods that are wholly over by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import orjson

from liontrack_stream.core.windows import WINDOW_US
from liontrack_stream.views.access import Viewer
from liontrack_stream.views.positions import reduced_access
from liontrack_stream.views.stream_point import Point

_PERIODS = {"gold.lion_windows": timedelta(microseconds=WINDOW_US), "gold.lions_metrics": timedelta(days=1)}
_LION_TABLES = frozenset(_PERIODS)
_USER_TABLES = frozenset({"gold.user_windows", "gold.users_activity"})
_OPEN_TABLES = frozenset({"gold.quality_daily"})
_SAYS_NO_PLACE = frozenset(
    {"avg_weight", "min_weight", "max_weight", "weight_count", "weight_trend", "health_score", "status", "rule_version"}
    | {"tracking_frequency", "fixes"}
)


@dataclass(frozen=True, slots=True)
class Item:
    """One event, as each kind of viewer gets it; None where it does not concern that kind.

    ``user_id``: the only user, besides admins, who gets ``exact``; ``lion_id``: what the filter looks at, but
    ``for_all``.
    """

    exact: bytes | None
    reduced: bytes | None
    lion_id: str | None = None
    user_id: str | None = None
    for_all: bool = False

    def of(self, viewer: Viewer, sees_exact: bool, lion_id: str | None) -> bytes | None:
        """The event as this viewer gets it, who may have asked for one lion only."""
        if lion_id is not None and self.lion_id != lion_id and not self.for_all:
            return None
        if self.user_id is not None:
            return self.exact if viewer.is_admin or viewer.user_id == self.user_id else None
        return self.exact if sees_exact else self.reduced


RESET = b'event: reset\ndata: {"detail":"Too much changed to tell each: read the lists anew."}\n'


def event(name: str, data: Any) -> bytes:
    """An event without its id and its end."""
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data, option=orjson.OPT_UTC_Z) + b"\n"


def at(point: Point) -> bytes:
    """What ends an event, or stands alone, and tells the client how far it has come."""
    return b"id: " + point.text().encode() + b"\n\n"


def position(row: Mapping[str, Any], until: datetime, grid_deg: float, exact: bool = True) -> Item:
    """A fix. ``exact`` False: rangers had it when it came."""
    told = {name: row[name] for name in ("lion_id", "position_date", "lat", "lng")}
    told |= {"accuracy": row.get("accuracy"), "fixes": row.get("fixes", 1)}
    reduced = None
    if row["position_date"] <= until:
        reduced = event("position", reduced_access(until, until, grid_deg, 0.0).show(told))
    return Item(event("position", told) if exact else None, reduced, row["lion_id"])


def revision(row: Mapping[str, Any], until: datetime) -> Item | None:
    """A row of gold that had been told and says something else now; None where nobody is told of its table."""
    table, entity, start = row["table_name"], row["entity_id"], row["period_start"]
    changes: dict[str, list[Any]] = msgspec.json.decode(row["changes"])
    exact = event("revision", _revision(row, changes))
    if table in _LION_TABLES:
        harmless = {name: pair for name, pair in changes.items() if name in _SAYS_NO_PLACE}
        over = start + _PERIODS[table] <= until
        return Item(exact, event("revision", _revision(row, harmless)) if over else None, entity)
    if table in _USER_TABLES:
        return Item(exact, None, user_id=entity)
    return Item(exact, exact) if table in _OPEN_TABLES else None


def _revision(row: Mapping[str, Any], changes: Mapping[str, list[Any]]) -> dict[str, Any]:
    names = ("table_name", "entity_id", "period_start", "kind", "cause")
    return {
        **{name: row[name] for name in names},
        "from": {name: pair[0] for name, pair in changes.items()},
        "to": {name: pair[1] for name, pair in changes.items()},
    }
