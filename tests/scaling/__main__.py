"""``make scale``: claims and commits by number of workers, then a hundred workers under faults.

WORKERS (1,10,100), PARTITIONS per topic (200), LOAD_SECONDS of batches for each (10), FAULTS (400), SEED (of the
clock).
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from liontrack_stream.settings import Settings
from liontrack_stream.warehouse import offsets
from liontrack_stream.warehouse.offsets import CLAIM_PATIENCE_S

from .load import dealing_ms, lines, measure
from .server import many_connections
from .simulation import Found, Plan, Simulation
from .watch import watched

SIMULATED_PATIENCE_S = 0.5


def main() -> int:
    """0: nothing lost, doubled, out of order or written by who may not; no deadlock. 1 otherwise."""
    workers = [int(part) for part in os.environ.get("WORKERS", "1,10,100").split(",")]
    partitions, seconds = int(os.environ.get("PARTITIONS", "200")), float(os.environ.get("LOAD_SECONDS", "10"))
    seed, faults = int(os.environ.get("SEED") or time.time()), int(os.environ.get("FAULTS", "400"))
    plan = Plan(max(workers), partitions, records=500, faults=faults, seed=seed, within_s=1_800.0)
    logging.disable(logging.WARNING)  # connections that are ended are wanted here
    folder = Path(tempfile.mkdtemp(prefix="liontrack-scale-"))
    try:
        with many_connections(folder) as settings:
            return asyncio.run(_run(settings, workers, plan, seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _run(settings: Settings, workers: list[int], plan: Plan, seconds: float) -> int:
    await watched(settings)
    loads = [await measure(settings, number, plan.partitions_per_topic, seconds) for number in workers]
    print("\n".join(lines(loads)))
    print(
        f"\nBatches of no rows: an offset is moved, a note is made. All workers are one process (driver: its share of "
        f"a core) beside PostgreSQL, on {os.cpu_count()} cores. Waits are connections at a time. Faust's assignor "
        f"takes {dealing_ms(plan.workers, plan.partitions_per_topic):,.0f} ms of CPU to deal all out.\n",
        flush=True,
    )
    offsets.CLAIM_PATIENCE_S = SIMULATED_PATIENCE_S
    found = await Simulation(settings, plan).run()
    print("\n".join(_lines(plan, found)))
    problems = [text for load in loads for text in load.problems] + found.problems
    stuck = found.deadlocks + sum(load.deadlocks for load in loads)
    print("\n".join(problems[:20]) or "Every offset once, in order, by the lease's holder.")
    print(f"Deadlocks: {stuck}.")
    return int(bool(problems or stuck))


def _lines(plan: Plan, found: Found) -> list[str]:
    counts = ", ".join(f"{name} {number:,}" for name, number in sorted(found.tally.counts.items()))
    claims = sorted(found.tally.claims_s)
    return [
        f"{plan.workers} workers, {len(plan.partitions):,} partitions, {plan.records:,} records each, "
        f"SEED={plan.seed}: {found.rebalances} rebalances; {counts}.",
        f"{len(claims):,} claims came through, the longest in {claims[-1]:.1f} s (a paused worker's batch is ended "
        f"after {SIMULATED_PATIENCE_S:g} s here, after {CLAIM_PATIENCE_S:g} s in life).",
    ]


if __name__ == "__main__":
    sys.exit(main())
