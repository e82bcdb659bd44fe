"""From the moment an event was due to be produced to the one at which another connection sees its offset committed.

The sender is the one of ``tests.bench.api``; the offset of an event is its place among those of its partition. Offsets
are read some 200 times a second, and a latency ends when the answer is there: it is too long by up to 5 ms, never too
short.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from liontrack_stream.settings import Settings
from tests.bench.aims.aim import Aim, Finding
from tests.bench.aims.scene import Say, Scene
from tests.bench.api.children import Child
from tests.bench.api.found import percentile
from tests.bench.rates import Sample, connect, stored_offsets
from tests.bench.running import ContenderFailed
from tests.support.worker_process import WorkerProcess

P99_MS = 250.0
_WARM_UP_S = 5.0
_LOOK_S = 0.005
_STORED_WITHIN_S = 120.0
_HEAD = ("events/s", "p50 ms", "p90 ms", "p99 ms", "max ms", "events", "sender late ms")
Tick = tuple[float, Sequence[int]]


def measure(settings: Settings, folder: Path, say: Say, lions: int, events_per_s: float, seconds: float) -> Finding:
    """A steady pace after a warm-up. No backlog, no requests."""
    with Scene(settings, "latency", folder, say) as scene:
        worker = WorkerProcess(scene.worker_environment(1), scene.folder / "worker.log", module="liontrack_stream")
        try:
            _send(scene, lions, events_per_s, _WARM_UP_S, "2025-01-01")
            say(f"{events_per_s:,.0f} events/s for {seconds:g} s")
            moments: list[Sample] = []
            report = _send(scene, lions, events_per_s, seconds, "2025-06-01", moments)
            code, _ = worker.stop()
            if code != 0:
                raise ContenderFailed(f"The worker ended with {code}:\n{worker.log_text()[-2000:]}")
        finally:
            if worker.running:
                worker.kill()
        found = latencies_ms(report["ticks"], moments)
        problems = scene.problems(int(events_per_s * _WARM_UP_S) + report["sent"])
    p99 = percentile(found, 0.99)
    shares = [f"{percentile(found, share):,.0f}" for share in (0.5, 0.9, 0.99, 1.0)]
    row = (f"{events_per_s:,.0f}", *shares, f"{len(found):,}", f"{report['late_s'] * 1e3:,.0f}")
    says = f"latency produced → committed p99 ≤ {P99_MS:g} ms at {events_per_s:,.0f} events/s"
    aim = Aim(says, f"{p99:,.0f} ms", p99 <= P99_MS)
    notes = ["Latencies count from the moment at which an event was due, by an open loop."]
    return Finding(f"Latency, {lions:,} lions", _HEAD, [row], [aim], notes, problems)


def _send(
    scene: Scene, lions: int, rate: float, seconds: float, start: str, moments: list[Sample] | None = None
) -> dict[str, Any]:
    """Send, and read what is committed, until all of it is; ``moments`` begin before the first event."""
    looked = [] if moments is None else moments
    arguments = ("--lions", lions, "--start", start, "--rate", rate, "--events", int(rate * seconds), "--watched", "")
    command = ["tests.bench.api.events", *(str(part) for part in arguments)]
    with (
        connect(scene.settings) as connection,
        Child(command, scene.environment, scene.folder / "events.log") as sender,
    ):

        def look() -> int:
            offsets = stored_offsets(connection)
            looked.append(Sample(time.monotonic(), offsets))
            return looked[-1].stored

        sender.wait_until_ready()
        wanted = look() + int(rate * seconds)
        sender.begin()
        give_up = time.monotonic() + seconds + _STORED_WITHIN_S
        while look() < wanted:
            if time.monotonic() > give_up:
                raise ContenderFailed(f"The worker did not store {wanted:,} events within {_STORED_WITHIN_S:g} s.")
            time.sleep(_LOOK_S)
        return sender.report(60.0)


def latencies_ms(ticks: Sequence[Tick], moments: Sequence[Sample]) -> list[float]:
    """One per event. ``ticks``: when they were due, and how many of each partition; the first moment is before them."""
    found: list[float] = []
    for partition in range(len(ticks[0][1])):
        stored = [moment.offsets.get(partition, 0) for moment in moments]
        offset = stored[0]
        for due_s, counts in ticks:
            for _ in range(counts[partition]):
                found.append((moments[bisect_right(stored, offset)].at_s - due_s) * 1e3)
                offset += 1
    return found
