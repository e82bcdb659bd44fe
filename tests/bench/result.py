"""What a bench found, for the table, the plot and the aims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

from tests.bench.running import Run


@dataclass(frozen=True, slots=True)
class Contender:
    """One or two runs of the same thing. ``group``: floor, windows or whole job."""

    name: str
    group: str
    does: str
    runs: list[Run] = field(default_factory=list)

    @property
    def events(self) -> int:
        return int(self.runs[0].report["events"])

    @property
    def seconds(self) -> float:
        """Mean of the runs."""
        return fmean(run.report["seconds"] for run in self.runs)

    @property
    def events_per_s(self) -> float:
        return self.events / self.seconds

    @property
    def peak_mb(self) -> float:
        return max(run.peak_mb for run in self.runs)

    @property
    def cpu_us_per_event(self) -> float:
        """Of the contender's own process, its start included."""
        return fmean(run.cpu_s for run in self.runs) * 1e6 / self._events_in_all

    @property
    def postgres_us_per_event(self) -> float:
        """CPU time of PostgreSQL meanwhile; where the contender makes no use of it, what it does by itself."""
        return fmean(run.postgres_cpu_s for run in self.runs) * 1e6 / self._events_in_all

    @property
    def _events_in_all(self) -> int:
        """Of a run: Spark runs its query again, warm."""
        return self.events * int(self.runs[0].report.get("queries", 1))

    @property
    def spread(self) -> float:
        """How far the runs lie apart, as a share of their mean; 0 for a single one."""
        seconds = [run.report["seconds"] for run in self.runs]
        return (max(seconds) - min(seconds)) / self.seconds


@dataclass(slots=True)
class Result:
    """``contenders`` by name, in the order in which they ran; ``problems`` is empty when every count matches."""

    events: int
    contenders: dict[str, Contender] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    machine: Mapping[str, str] = field(default_factory=dict)
    took_s: float = 0.0
    disk_gb: float = 0.0

    def add(self, contender: Contender) -> Contender:
        """Keep it, or the runs of one that is there already."""
        known = self.contenders.setdefault(contender.name, contender)
        if known is not contender:
            known.runs.extend(contender.runs)
        return known

    def rate(self, *names: str) -> float | None:
        """Events per second of the fastest of these that ran."""
        rates = [self.contenders[name].events_per_s for name in names if name in self.contenders]
        return max(rates, default=None)

    def floor(self, copy: str) -> float | None:
        """Events per second of reading, copying and writing one after the other."""
        parts = [self.contenders.get(name) for name in ("floor: read", copy, "floor: write")]
        return None if None in parts else 1 / sum(1 / part.events_per_s for part in parts if part)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
