"""Does storing get slower as the warehouse grows? One backlog of 20 million events, one worker's life.

::

    events/s   ├ first slice ┤                              ├ last slice ┤
    stored     0 ─────────── 1 M ──────────────────────── end−1 M ─────── end: the first partition has run dry

The whole backlog is in Kafka before the worker starts, so nothing else produces while it is measured. The last slice
ends when the first partition runs dry: what comes after has fewer lanes, and would look slow for that. CPU time stands
beside the rates, since it minds other programs of the machine less.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

from liontrack_stream.settings import Settings
from tests.bench.aims.aim import Aim, Finding
from tests.bench.aims.memory import PEAK_MB
from tests.bench.aims.scene import Moment, Say, Scene
from tests.bench.rates import dry_from, rate

SLICE = 1_000_000
RATIO = 0.8
_HEAD = ("events stored", "events/s", "worker µs", "PostgreSQL µs", "both µs", "peak MB")
_TABLES = ("bronze.lions_raw", "silver.positions", "gold.lion_windows")
_PARTITIONS = "SELECT inhparent::regclass::text, count(*) FROM pg_inherits GROUP BY 1"
_SIZE = "SELECT pg_database_size(current_database())"


def measure(settings: Settings, folder: Path, say: Say, lions: int, events: int, slice_events: int = SLICE) -> Finding:
    """Rate and CPU time of each slice of the backlog, and the worker's peak memory over all of it."""
    with Scene(settings, "growth", folder, say) as scene:
        scene.produce(lions, events)
        life = scene.catch_up()
        moments = life.moments
        full_until = dry_from(moments)
        size = min(slice_events, full_until // 2)
        slices = [(mark, mark + size) for mark in range(0, full_until - size + 1, size)]
        rates = [rate(moments, *ends) for ends in slices]
        last = rate(moments, full_until - size, full_until)
        parts = dict(scene.rows(_PARTITIONS))
        notes = [
            f"The first partition ran dry at {full_until:,}; the last {size:,} until then: {last:,.0f} events/s.",
            f"Partitions: {', '.join(f'{name} {parts[name]:,}' for name in _TABLES)}."
            f" Warehouse: {scene.rows(_SIZE)[0][0] / 1e9:.1f} GB.",
        ]
        problems = scene.problems(events)
    ratio = last / rates[0]
    return Finding(
        f"Growth, {events:,} events of {lions:,} lions",
        _HEAD,
        [_row(moments, *ends, events_per_s) for ends, events_per_s in zip(slices, rates, strict=True)],
        [
            Aim(f"events/s at the end ≥ {RATIO:g} of the start's", f"{ratio:.2f}", ratio >= RATIO),
            Aim(f"peak of the worker ≤ {PEAK_MB:g} MB", f"{life.peak_mb:,.0f} MB", life.peak_mb <= PEAK_MB),
        ],
        notes,
        problems,
    )


def _row(moments: Sequence[Moment], start: int, end: int, events_per_s: float) -> tuple[str, ...]:
    before, after = (_when(moments, stored) for stored in (start, end))
    worker_us, postgres_us = after.cost_us(before, end - start)
    figures = (end, events_per_s, worker_us, postgres_us, worker_us + postgres_us, after.workers_mb)
    return tuple(f"{figure:,.0f}" for figure in figures)


def _when(moments: Sequence[Moment], stored: int) -> Moment:
    """The first moment at which so many were stored; for 0 the last at which nothing was."""
    place = bisect_left(moments, max(stored, 1), key=lambda moment: moment.stored)
    return moments[place if stored else max(place - 1, 0)]
