"""Cost per event for few and for many lions: equally large backlogs, a warehouse of its own for each.

Fixes come every half hour, so that few lions' backlogs reach over more days than many lions': partitions and files
are in the cost of the former, lions that are seen once a batch in that of the latter.

A machine's speed changes within minutes, and what is compared here runs one after the other. So all of it is run
several times, and of each backlog the cheapest run counts: what slows a run down adds to its cost, nothing lowers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liontrack_stream.settings import Settings
from tests.bench.aims.aim import Aim, Finding
from tests.bench.aims.scene import Life, Say, Scene

FLAT = 1.5  # the dearest by the cheapest; issue 10 says "flat" and no number
_HEAD = ("lions", "days", "events/s", "worker µs", "PostgreSQL µs", "both µs", "× first", "peak MB", "runs, both µs")


@dataclass(frozen=True, slots=True)
class _Cost:
    lions: int
    days: int
    events_per_s: float
    worker_us: float
    postgres_us: float
    peak_mb: float

    @property
    def us(self) -> float:
        return self.worker_us + self.postgres_us


def measure(settings: Settings, folder: Path, say: Say, lions: Sequence[int], events: int, rounds: int) -> Finding:
    """CPU time of worker and PostgreSQL per event, for each number of lions; the least of some rounds."""
    runs: dict[int, list[_Cost]] = {number: [] for number in lions}
    backlogs: dict[int, Scene] = {}
    problems = []
    for round_ in range(1, rounds + 1):
        for number in lions:
            with Scene(settings, f"lions_{number}_{round_}", folder, say, backlogs.get(number)) as scene:
                if number not in backlogs:
                    scene.produce(number, events)
                    backlogs[number] = scene
                life = scene.catch_up()
                runs[number].append(_cost(number, scene.days, events, life))
                problems += scene.problems(events)
                say(f"{number:,} lions: {runs[number][-1].us:,.0f} µs per event")
    costs = [min(several, key=lambda cost: cost.us) for several in runs.values()]
    ratio = max(cost.us for cost in costs) / min(cost.us for cost in costs)
    return Finding(
        f"Cost per event by lions, {events:,} events each",
        _HEAD,
        [(*_row(cost, costs[0]), ", ".join(f"{one.us:,.0f}" for one in runs[cost.lions])) for cost in costs],
        [Aim(f"cost per event flat in lions, dearest / cheapest ≤ {FLAT:g}", f"{ratio:.2f}", ratio <= FLAT)],
        ["µs are CPU time from the first commit to the last; the worker's start is left out."],
        problems,
    )


def _cost(lions: int, days: int, events: int, life: Life) -> _Cost:
    begin, end = life.working
    worker_us, postgres_us = end.cost_us(begin, events)
    return _Cost(lions, days, events / (end.at_s - begin.at_s), worker_us, postgres_us, life.peak_mb)


def _row(cost: _Cost, first: _Cost) -> tuple[str, ...]:
    figures = (cost.lions, cost.days, cost.events_per_s, cost.worker_us, cost.postgres_us, cost.us)
    return (*(f"{figure:,.0f}" for figure in figures), f"{cost.us / first.us:.2f}", f"{cost.peak_mb:,.0f}")
