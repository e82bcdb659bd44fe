"""One worker and two on the same backlog, each time into an empty warehouse: do two store more, where cores allow?

What cores allow is what the one leaves: with all programs of the machine busy on ``b`` of ``n`` cores, two can be
min(2, n / b) times as fast, and no more.
"""

from __future__ import annotations

import os
from pathlib import Path

from liontrack_stream.settings import Settings
from tests.bench.aims.aim import Aim, Finding
from tests.bench.aims.scene import Life, Say, Scene
from tests.bench.rates import dry_from, rate

OF_WHAT_CORES_ALLOW = 0.8
_HEAD = ("workers", "events/s", "workers' µs", "PostgreSQL µs", "cores busy", "partitions each")
_OWNERS = """
SELECT count(*) FROM metadata.consumed_offsets WHERE topic = 'lions.position.events' GROUP BY lease_owner ORDER BY 1
"""


def measure(settings: Settings, folder: Path, say: Say, lions: int, events: int) -> Finding:
    """Rates from a tenth of the backlog, when both have joined, until the first partition has run dry."""
    cores = os.cpu_count() or 1
    with Scene(settings, "one_worker", folder, say) as one:
        one.produce(lions, events)
        alone, problems = one.catch_up(), one.problems(events)
        first = _row(1, alone, events, one)
        with Scene(settings, "two_workers", folder, say, topics=one) as two:
            both = two.catch_up(workers=2)
            problems += two.problems(events)
            second = _row(2, both, events, two)
    ratio, allowed = _rate(both) / _rate(alone), min(2.0, max(1.0, cores / alone.cores_busy))
    return Finding(
        f"Two workers on one machine, {events:,} events of {lions:,} lions",
        _HEAD,
        [first, second],
        [
            Aim(
                f"two workers scale where cores allow: at least {OF_WHAT_CORES_ALLOW:g} of what they do",
                f"{ratio:.2f} × one worker's rate, where {cores} cores allow {allowed:.2f} ×",
                ratio >= OF_WHAT_CORES_ALLOW * allowed,
            )
        ],
        problems=problems,
    )


def _rate(life: Life) -> float:
    until = dry_from(life.moments)
    return rate(life.moments, until // 10, until)


def _row(workers: int, life: Life, events: int, scene: Scene) -> tuple[str, ...]:
    begin, end = life.working
    workers_us, postgres_us = end.cost_us(begin, events)
    shares = ", ".join(str(count) for (count,) in scene.rows(_OWNERS))
    figures = (f"{_rate(life):,.0f}", f"{workers_us:,.0f}", f"{postgres_us:,.0f}", f"{life.cores_busy:.2f}", shares)
    return (str(workers), *figures)
