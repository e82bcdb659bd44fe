"""What a viewer may see of positions. Exact positions are what poachers want.

    event time ─────────────────────●───────────────────────┼────────────► now (wall clock)
                                    │◄── delay, e.g. 24 h ──►│
      on a grid, for everyone       │   rangers and admins only: exact

A delayed viewer sees the world as it was at ``min(as_of, now - delay)``: a client's ``as_of`` can go further back,
never shorten the delay.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

LATITUDES = frozenset({"lat", "position_lat", "mean_lat", "min_lat", "max_lat"})
LONGITUDES = frozenset({"lng", "position_lng", "mean_lng", "min_lng", "max_lng"})
FORWARDED_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
HEADER = "X-Position-Precision"


@dataclass(frozen=True, slots=True)
class PositionAccess:
    """How one request sees positions: up to which event time, and on which grid (None: exact)."""

    as_of: datetime
    grid_deg: float | None
    note: str

    @property
    def exact(self) -> bool:
        """Whether positions are shown as they are."""
        return self.grid_deg is None

    @property
    def precision(self) -> str:
        """In one word, for bodies."""
        return "exact" if self.exact else "generalised"

    @property
    def headers(self) -> dict[str, str]:
        """Says in the response how precise its positions are."""
        return {HEADER: self.note, "Vary": "Authorization"}

    def show(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row (and rows inside it) with its coordinates as this viewer may see them."""
        if self.grid_deg is None:
            return dict(row)
        return {name: self._show(name, value, self.grid_deg) for name, value in row.items()}

    def _show(self, name: str, value: Any, grid_deg: float) -> Any:
        if isinstance(value, Mapping):
            return self.show(value)
        if name == "accuracy" or value is None:
            return None  # metres of an exact fix say nothing of a grid's point
        if name in LATITUDES:
            return on_grid(value, grid_deg, 90.0)
        return on_grid(value, grid_deg, 180.0) if name in LONGITUDES else value


def exact_access(as_of: datetime, reason: str = "") -> PositionAccess:
    """Positions as they are, up to ``as_of``."""
    return PositionAccess(as_of, None, f"exact; {reason}" if reason else "exact")


def reduced_access(as_of: datetime, now: datetime, grid_deg: float, delay_h: float) -> PositionAccess:
    """Positions on a grid, never younger than the delay."""
    seen_until = min(as_of, now - timedelta(hours=delay_h))
    return PositionAccess(
        seen_until, grid_deg, f"generalised; grid_deg={grid_deg:g}; delay_h={delay_h:g}; as_of={iso_z(seen_until)}"
    )


def on_grid(degrees: float, grid_deg: float, limit_deg: float) -> float:
    """The nearest point of the grid through 0, within ±``limit_deg``."""
    point = round(round(degrees / grid_deg) * grid_deg, 9) + 0.0  # + 0.0: no negative zero
    return max(-limit_deg, min(limit_deg, point))


def is_loopback(host: str) -> bool:
    """Whether an address, or a host with or without port, is this machine's loopback."""
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def asked_on_loopback(bind: str, remote: str | None, host: str, headers: Mapping[str, str]) -> bool:
    """Whether server and asker are on this machine, with no proxy between and no foreign name in the address bar."""
    local = is_loopback(bind) and is_loopback(remote or "") and is_loopback(host)
    return local and not any(header in headers for header in FORWARDED_HEADERS)


def iso_z(moment: datetime) -> str:
    """ISO-8601 with ``Z`` of an aware UTC time."""
    return moment.isoformat().replace("+00:00", "Z")
