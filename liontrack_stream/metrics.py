"""Every Prometheus metric, once: its name, its labels, its unit. Parts record by the functions here.

A *pipeline* is one topic's path into the warehouse, named by its noun; a *run* of it is one stored batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from time import time

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.faust_metrics import FaustCollector

# A series more for each one, and process_start_time_seconds tells it.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
FAUST = FaustCollector(REGISTRY)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_LATENCY_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86400.0)
_RECORDS = (1, 4, 16, 64, 256, 1024, 4096, 8192, 16384)
_RECENT_MAX = 20_000
_NOUNS = {topic.name: topic.noun for topic in TOPICS}

PIPELINE_RUNS = Counter(
    "liontrack_pipeline_runs",
    "Batches stored (success), or tried in vain and tried again (retried); and, of all time and all workers, workers' "
    "lives that ended because of an error (failed) or without a word (aborted)",
    ["pipeline_name", "status"],
    registry=REGISTRY,
)
PIPELINE_DURATION_S = Histogram(
    "liontrack_pipeline_duration_seconds",
    "Storing one batch, its transaction included",
    ["pipeline_name"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
BATCH_RECORDS = Histogram(
    "liontrack_batch_records", "Records of one batch", ["pipeline_name"], buckets=_RECORDS, registry=REGISTRY
)
END_TO_END_S = Histogram(
    "liontrack_end_to_end_latency_seconds",
    "From the Kafka append time of a batch's oldest record to its commit in the warehouse",
    ["pipeline_name"],
    buckets=_LATENCY_S,
    registry=REGISTRY,
)
DEAD_LETTERS = Counter(
    "liontrack_dead_letters", "Records that broke the contract", ["pipeline_name"], registry=REGISTRY
)
PUSHED = Counter(
    "liontrack_pushed_items",
    "Items pushed over HTTP: acknowledged, refused, or not acknowledged because Kafka is away",
    ["pipeline_name", "result"],
    registry=REGISTRY,
)
CONSUMER_LAG = Gauge(
    "liontrack_consumer_lag_records",
    "Records in Kafka that are not in the warehouse yet, of the partitions this worker reads",
    ["topic", "partition"],
    registry=REGISTRY,
)
WAITING_S = Gauge(
    "liontrack_seconds_since_progress",
    "How long records have waited without one being stored; 0 while none waits",
    registry=REGISTRY,
)
LAKE_LAG_RECORDS = Gauge(
    "liontrack_lake_export_lag_records", "Records in the warehouse whose bronze file is not written", registry=REGISTRY
)
LAKE_LAG_S = Gauge(
    "liontrack_lake_export_lag_seconds", "Age of the oldest record whose bronze file is not written", registry=REGISTRY
)
DATA_QUALITY = Gauge(
    "liontrack_data_quality_score", "0-100: mean of a table's latest day of checks", ["table_name"], registry=REGISTRY
)
TABLE_RECORDS = Gauge(
    "liontrack_table_records", "Rows of a table, as PostgreSQL estimates", ["table_name", "layer"], registry=REGISTRY
)
REPLAY_ROWS = Gauge(
    "liontrack_replay_rows_written",
    "Rows written into a generation whose replay is not complete, as PostgreSQL counts; standing still, it is stuck",
    ["generation"],
    registry=REGISTRY,
)
REPLAY_RUNNING = Gauge(
    "liontrack_replay_running",
    "1 while a process works at a generation whose replay is not complete",
    ["generation"],
    registry=REGISTRY,
)
CERTIFICATE_EXPIRY = Gauge(
    "liontrack_certificate_expiry_timestamp_seconds",
    "When a certificate that the settings name expires; 0 for a file that cannot be read",
    ["certificate"],
    registry=REGISTRY,
)


_recent: deque[tuple[float, float]] = deque(maxlen=_RECENT_MAX)  # seconds to store, from Kafka's append to commit


def take_recent() -> list[tuple[float, float]]:
    """Of the batches stored since the last call: seconds each took, and seconds from its append to its commit."""
    return [_recent.popleft() for _ in range(len(_recent))]


def batch_stored(topic: str, records: int, seconds: float, oldest_append_ms: float, dead_letters: int) -> None:
    """A batch of a contract topic is committed; ``seconds`` it took."""
    noun = _NOUNS[topic]
    PIPELINE_RUNS.labels(noun, "success").inc()
    PIPELINE_DURATION_S.labels(noun).observe(seconds)
    BATCH_RECORDS.labels(noun).observe(records)
    latency_s = max(0.0, time() - oldest_append_ms / 1000)
    END_TO_END_S.labels(noun).observe(latency_s)
    _recent.append((seconds, latency_s))
    DEAD_LETTERS.labels(noun).inc(dead_letters)


def batch_retried(topic: str) -> None:
    """A batch was not stored because the infrastructure is away; it is tried again."""
    PIPELINE_RUNS.labels(_NOUNS[topic], "retried").inc()


def items_pushed(topic: str, result: str, count: int) -> None:
    """So many items of a push for a contract topic ended as ``acknowledged``, ``refused`` or ``not_acknowledged``."""
    PUSHED.labels(_NOUNS[topic], result).inc(count)


def set_lag(lag: Mapping[tuple[str, int], int]) -> None:
    """Replace the lag: (topic, partition) -> records."""
    CONSUMER_LAG.clear()
    for (topic, partition), records in lag.items():
        CONSUMER_LAG.labels(topic, partition).set(records)


def set_waiting(seconds: float) -> None:
    """How long records have waited without one being stored."""
    WAITING_S.set(seconds)


def set_lake_lag(records: int, seconds: float) -> None:
    """How far the lake is behind the warehouse."""
    LAKE_LAG_RECORDS.set(records)
    LAKE_LAG_S.set(max(0.0, seconds))


def set_data_quality(scores: Iterable[tuple[str, float]]) -> None:
    """Replace the quality of all tables: (table, 0-100)."""
    DATA_QUALITY.clear()
    for table, score in scores:
        DATA_QUALITY.labels(table).set(score)


def set_table_records(counts: Iterable[tuple[str, str, int]]) -> None:
    """Replace the sizes of all tables: (schema.table, layer, rows)."""
    TABLE_RECORDS.clear()
    for table, layer, rows in counts:
        TABLE_RECORDS.labels(table, layer).set(rows)


_ended: dict[tuple[str, str], int] = {}


def set_runs_ended(counts: Mapping[tuple[str, str], int]) -> None:
    """The runs that the warehouse knows to have ended badly: (pipeline, failed or aborted) -> how many ever.

    There is no series before the first call: one that began at 0 while Postgres is away would seem to grow afterwards.
    """
    for noun in _NOUNS.values():
        for status in ("failed", "aborted"):
            count, known = counts.get((noun, status), 0), _ended.get((noun, status), 0)
            PIPELINE_RUNS.labels(noun, status).inc(max(0, count - known))
            _ended[noun, status] = max(count, known)


def set_replays(replays: Iterable[tuple[str, float, bool]]) -> None:
    """Replace the replays that are not complete: (generation, rows written, whether a process works at it)."""
    REPLAY_ROWS.clear()
    REPLAY_RUNNING.clear()
    for generation, rows, running in replays:
        REPLAY_ROWS.labels(generation).set(rows)
        REPLAY_RUNNING.labels(generation).set(running)


def set_certificates(expiries: Mapping[str, float]) -> None:
    """Replace the certificates: name -> when it expires, in seconds since 1970."""
    CERTIFICATE_EXPIRY.clear()
    for certificate, expires_at in expiries.items():
        CERTIFICATE_EXPIRY.labels(certificate).set(expires_at)


def exposition() -> bytes:
    """All metrics in Prometheus's text format."""
    return generate_latest(REGISTRY)


for _noun in _NOUNS.values():  # a series that is there from the start can be alerted on
    for _status in ("success", "retried"):
        PIPELINE_RUNS.labels(_noun, _status)
    DEAD_LETTERS.labels(_noun)
    PIPELINE_DURATION_S.labels(_noun)
