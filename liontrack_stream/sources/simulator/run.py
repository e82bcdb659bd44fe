"""Sends a simulation to Kafka, as fast as it goes or at a given rate."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from liontrack_stream.kafka.producer import EventProducer, Outgoing
from liontrack_stream.memory import collecting_less
from liontrack_stream.sources.simulator.plan import Plan
from liontrack_stream.sources.simulator.stream import simulate

_TICK_S = 0.05
_SLICE_RECORDS = 5_000


@dataclass(slots=True)
class SimulationReport:
    """Records handed to Kafka so far, by contract topic, and the days of the plan that are done."""

    records: Counter[str] = field(default_factory=Counter)
    days: int = 0

    @property
    def total(self) -> int:
        return self.records.total()


async def produce(
    producer: EventProducer,
    plan: Plan,
    report: SimulationReport,
    rate_per_s: float | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> None:
    """Send the whole plan; ``report`` counts along and tells the truth also after a cancellation.

    ``rate_per_s`` is records per second of all topics together; None is as fast as Kafka takes them.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    size = _SLICE_RECORDS if rate_per_s is None else max(1, int(rate_per_s * _TICK_S))
    with collecting_less():
        for records in simulate(plan):
            for part in _slices(records, size):
                await producer.send_many(part)
                report.records.update(record.topic for record in part)
                if rate_per_s is not None:
                    await producer.push()
                    await asyncio.sleep(max(0.0, began + report.total / rate_per_s - loop.time()))
                on_progress()
            report.days += 1
            on_progress()
        await producer.flush()


def _slices(records: list[Outgoing], size: int) -> Iterator[list[Outgoing]]:
    for begin in range(0, len(records), size):
        yield records[begin : begin + size]
