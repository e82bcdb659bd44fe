"""The worker's resident memory over backlogs of different sizes, one after the other into the same warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from liontrack_stream.settings import Settings
from tests.bench.aims.aim import Aim, Finding
from tests.bench.aims.scene import START, Say, Scene

PEAK_MB = 500.0
_FIXES_PER_LION_DAY = 40  # fewer than a simulated collar sends: the next backlog begins after this one
_HEAD = ("backlog", "produced in s", "stored in s", "events/s", "peak MB", "peak MB until stored")


def measure(settings: Settings, folder: Path, say: Say, backlogs: Sequence[int], lions: int) -> Finding:
    """Peak memory of a new worker for each backlog, from its start to the end of its last file."""
    rows, peaks, sent, start = [], [], 0, date.fromisoformat(START)
    with Scene(settings, "memory", folder, say) as scene:
        for events in backlogs:
            produced_s = scene.produce(lions, events, start.isoformat())
            life = scene.catch_up()
            begin, end = life.working
            stored_s = end.at_s - begin.at_s
            until_stored = max(moment.workers_mb for moment in life.moments if moment.at_s <= end.at_s)
            figures = (events, produced_s, stored_s, events / stored_s, life.peak_mb, until_stored)
            rows.append(tuple(f"{figure:,.0f}" for figure in figures))
            peaks.append(life.peak_mb)
            sent += events
            start += timedelta(days=events // (lions * _FIXES_PER_LION_DAY) + 2)
        problems = scene.problems(sent)
    return Finding(
        f"Memory by backlog, {lions:,} lions",
        _HEAD,
        rows,
        [Aim(f"peak of the worker ≤ {PEAK_MB:g} MB at any backlog", f"{max(peaks):,.0f} MB", max(peaks) <= PEAK_MB)],
        ["Peaks are those of resident memory, looked at 20 times a second; the last column leaves the lake's end out."],
        problems,
    )
