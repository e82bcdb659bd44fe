"""``python -m tests.bench.api.events``: sends simulated fixes at a constant rate, and notes when it sent some of them.

Everything is made before the first event is sent. Then it prints ``ready``, waits for a line on stdin, sends, and
prints one line of JSON: ``{"sent", "late_s", "produced": [[lion_id, event time, moment], ...], "ticks": [[moment,
[events of partition 0, ...]], ...]}``. Moments are of ``time.monotonic()``, which all processes of a machine share.
``late_s`` is how far it fell behind its schedule.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import time
from collections import Counter
from datetime import date
from itertools import islice
from typing import Any

from liontrack_stream.kafka.producer import EventProducer, Outgoing, partition_of
from liontrack_stream.settings import load_settings
from liontrack_stream.sources.simulator.plan import Plan
from liontrack_stream.sources.simulator.stream import simulate

TICK_S = 0.02


def make(plan: Plan, events: int) -> list[Outgoing]:
    """The first so many records of a simulation, in the order they arrive."""
    return list(islice((record for day in simulate(plan) for record in day), events))


async def send(records: list[Outgoing], rate: float, watched: frozenset[bytes]) -> dict[str, Any]:
    """Send by schedule; see the module."""
    produced: list[tuple[bytes, bytes, float]] = []
    ticks: list[tuple[float, list[int]]] = []
    size, late_s, sent = max(1, round(rate * TICK_S)), 0.0, 0
    settings = load_settings()
    partitions = settings.topic_partitions
    async with EventProducer(settings) as producer:
        began = time.monotonic()
        while sent < len(records):
            due = began + sent / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            late_s = max(late_s, time.monotonic() - due)
            part = records[sent : sent + size]
            produced += [(r.key, r.headers[1][1], due) for r in part if r.key in watched]  # type: ignore[misc]
            homes = Counter(partition_of(record.key or b"", partitions) for record in part)
            ticks.append((due, [homes[partition] for partition in range(partitions)]))
            await producer.send_many(part)
            await producer.push()
            sent += len(part)
    watched_ones = [(key.decode(), at.decode(), due) for key, at, due in produced]
    return {"sent": sent, "late_s": late_s, "produced": watched_ones, "ticks": ticks}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lions", type=int, required=True)
    parser.add_argument("--start", type=date.fromisoformat, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--watched", required=True, help="lion ids, comma-separated")
    options = parser.parse_args()
    days = options.events // (options.lions * 20) + 2
    plan = Plan(options.lions, days, start=options.start, topics=frozenset({"lions.position.events"}))
    records = make(plan, options.events)
    gc.freeze()
    print("ready", flush=True)
    sys.stdin.readline()
    watched = frozenset(name.encode() for name in options.watched.split(","))
    print(json.dumps(asyncio.run(send(records, options.rate, watched))), flush=True)


if __name__ == "__main__":
    main()
