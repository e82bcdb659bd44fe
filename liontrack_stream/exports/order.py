"""What an export shall hold, and what it held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

Kind = Literal["movebank", "darwin-core", "geojson", "gpx"]
SIMULATED_SOURCE = "simulator"


@dataclass(frozen=True, slots=True)
class Order:
    """Which fixes: of these lions (None: all), in [since, until), younger ones than ``delay_h`` hours withheld.

    ``grid_deg``: positions on this grid and without what would narrow them down; None: as they are. ``flagged``: what
    the rules flagged, too. ``points``: of GeoJSON, a point per fix instead of tracks.
    """

    now: datetime
    lion_ids: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    grid_deg: float | None = None
    delay_h: float = 0.0
    flagged: bool = False
    points: bool = False

    @property
    def seen_until(self) -> datetime:
        """No fix is younger, where some are withheld."""
        return self.now - timedelta(hours=self.delay_h)

    @property
    def precision(self) -> str:
        """How positions are told, in the words of the API's header."""
        if self.grid_deg is None:
            return f"exact; delay_h={self.delay_h:g}" if self.delay_h else "exact"
        return f"generalised; grid_deg={self.grid_deg:g}; delay_h={self.delay_h:g}"


@dataclass(slots=True)
class Tally:
    """What went into a file. Latitudes and longitudes are those that the file tells."""

    fixes: int = 0  # that were read
    rows: int = 0  # rows, points or positions that the file has
    flagged: int = 0
    simulated: int = 0
    lions: set[str] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None
    notes: list[str] = field(default_factory=list)

    def add_fix(self, lion_id: str, time: datetime, flags: int, source: str | None) -> None:
        """Count a fix."""
        self.add(lion_id, time, 1, int(flags != 0), int(source == SIMULATED_SOURCE))

    def add_lion(self, row: Mapping[str, Any]) -> None:
        """Count a lion's fixes by a row of ``sql/export/tally.sql``."""
        self.add(row["lion_id"], row["first"], row["fixes"], row["flagged"], row["simulated"])
        self.add(row["lion_id"], row["last"], 0, 0, 0)

    def add(self, lion_id: str, time: datetime, fixes: int, flagged: int, simulated: int) -> None:
        """Count fixes of a lion, one of them at this time."""
        self.fixes += fixes
        self.flagged += flagged
        self.simulated += simulated
        self.lions.add(lion_id)
        if self.first is None or time < self.first:
            self.first = time
        if self.last is None or time > self.last:
            self.last = time


def told(moment: datetime) -> str:
    """An aware UTC time as files tell it: ISO-8601 with ``Z``, a fraction only where there is one."""
    return moment.isoformat().replace("+00:00", "Z")
