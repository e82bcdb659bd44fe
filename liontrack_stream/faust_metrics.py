"""Faust's own figures for Prometheus, read from the monitor that Faust keeps anyway, when Prometheus asks.

Faust's `faust.sensors.prometheus` would count the same a second time, at each event, key and changelog record, and
under labels of which some count for nothing here (decision 19). One *event* is a fetched run of records (decision 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp


class FaustCollector(Collector):
    """Gives out what was `taken` last; nothing before that, and outside a worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._families: list[Metric] = []
        registry.register(self)

    def take(self, families: list[Metric]) -> None:
        """Replace what is given out."""
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """What the registry asks."""
        return self._families


def families(app: LionTrackApp) -> list[Metric]:
    """What the worker's monitor holds now; to be called in the worker's loop."""
    monitor = app.monitor
    sent = _counter("faust_messages_sent", "Records given to the producer", ["topic"])
    for topic, count in monitor.messages_sent_by_topic.items():
        sent.add_metric([topic], count)
    keys = _counter("faust_table_keys", "Keys of a live table that were used", ["table", "operation"])
    for table, state in monitor.tables.items():
        for operation, count in state.asdict().items():
            keys.add_metric([table, operation.removeprefix("keys_")], count)
    full = _counter("faust_topic_buffer_full", "How often an agent's buffer was full", ["topic"])
    for tp, count in monitor.topic_buffer_full.items():
        full.add_metric([tp.topic], count)
    events = _counter("faust_events", "Runs of records that an agent has taken", ["agent"])
    for agent, count in _events_by_agent(app):
        events.add_metric([agent], count)
    assignments = _counter("faust_assignments", "Partitions assigned", ["result"])
    assignments.add_metric(["completed"], monitor.assignments_completed)
    assignments.add_metric(["failed"], monitor.assignments_failed)
    return [
        events,
        keys,
        sent,
        full,
        assignments,
        _one(_counter("faust_send_errors", "Records that the producer could not send"), monitor.send_errors),
        _one(_counter("faust_rebalances", "Rebalances of the consumer group"), monitor.rebalances),
        _median("faust_event_runtime_seconds", "An agent's time for a run", monitor.events_runtime),
        _median("faust_send_latency_seconds", "The producer's time for a record", monitor.send_latency),
        _median("faust_assignment_latency_seconds", "Time to assign partitions", monitor.assignment_latency),
        _median("faust_rebalance_latency_seconds", "Time of a rebalance", monitor.rebalance_end_latency),
    ]


def _events_by_agent(app: LionTrackApp) -> Iterator[tuple[str, int]]:
    for name, agent in app.agents.items():
        streams = [app.monitor.stream_lookup.get(actor.stream) for actor in agent._actors]
        yield name, sum(app.monitor.events_by_stream[stream] for stream in set(streams) if stream is not None)


def _counter(name: str, what: str, labels: list[str] | None = None) -> CounterMetricFamily:
    return CounterMetricFamily(name, what, labels=labels)


def _one(family: CounterMetricFamily, value: float) -> CounterMetricFamily:
    family.add_metric([], value)
    return family


def _median(name: str, what: str, seconds: Iterable[float]) -> GaugeMetricFamily:
    """The median of the last ones that Faust keeps; no sample while there are none."""
    family = GaugeMetricFamily(name, f"{what}: median of the last ones")
    values = list(seconds)
    if values:
        family.add_metric([], median(values))
    return family
