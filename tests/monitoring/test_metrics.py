"""What a real Prometheus gets from the worker and from the exporters of production."""

from __future__ import annotations

import re
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from liontrack_stream.contract.topics import TOPICS
from tests.support.alert_rules import FOLDER
from tests.support.monitored import Monitored

NOUNS = {topic.noun for topic in TOPICS}
LABELS = {  # of the worker's own series: none whose values grow with lions, users or requests
    "pipeline_name", "status", "result", "le", "topic", "partition", "table_name", "layer", "agent", "table",
    "operation", "generation", "certificate",
}  # fmt: skip
OF_PROMETHEUS = {"__name__", "instance", "job"}
SERIES_MAX = 600


def test_each_job_is_scraped(monitored: Monitored) -> None:
    up = {series["metric"]["job"]: series["value"][1] for series in monitored.query("up")}
    assert up == dict.fromkeys(monitored.targets, "1")
    assert set(up) == {"liontrack", "kafka", "postgres", "node", "minio", "prometheus"}


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("liontrack_pipeline_runs_total", {"pipeline_name", "status"}),
        ("liontrack_data_quality_score", {"table_name"}),
        ("liontrack_pipeline_duration_seconds_bucket", {"pipeline_name", "le"}),
        ("liontrack_table_records", {"table_name", "layer"}),
        ("liontrack_consumer_lag_records", {"topic", "partition"}),
        ("liontrack_end_to_end_latency_seconds_bucket", {"pipeline_name", "le"}),
        ("liontrack_dead_letters_total", {"pipeline_name"}),
        ("liontrack_batch_records_bucket", {"pipeline_name", "le"}),
        ("liontrack_lake_export_lag_records", set()),
        ("liontrack_lake_export_lag_seconds", set()),
        ("liontrack_seconds_since_progress", set()),
        ("liontrack_replay_rows_written", {"generation"}),
        ("liontrack_replay_running", {"generation"}),
        ("liontrack_certificate_expiry_timestamp_seconds", {"certificate"}),
        ("faust_events_total", {"agent"}),
        ("faust_table_keys_total", {"table", "operation"}),
        ("faust_messages_sent_total", {"topic"}),
        ("faust_event_runtime_seconds", set()),
        ("process_resident_memory_bytes", set()),
    ],
)
def test_the_worker_tells(monitored: Monitored, name: str, labels: set[str]) -> None:
    found = monitored.query(f'{name}{{job="liontrack"}}')
    assert found, f"no series of {name}"
    for series in found:
        assert set(series["metric"]) - OF_PROMETHEUS == labels
    if "pipeline_name" in labels:
        assert {series["metric"]["pipeline_name"] for series in found} == NOUNS


def test_runs_by_status(monitored: Monitored) -> None:
    statuses = monitored.query('sum by (status) (liontrack_pipeline_runs_total{pipeline_name="positions"})')
    assert {s["metric"]["status"] for s in statuses} == {"success", "retried", "failed", "aborted"}
    assert monitored.values('sum(liontrack_pipeline_runs_total{status="failed"})') == [0]
    assert monitored.values('sum(liontrack_pipeline_runs_total{status="success"})')[0] > 0


def test_dead_letters_of_each_topic(monitored: Monitored) -> None:
    found = {
        s["metric"]["pipeline_name"]: float(s["value"][1]) for s in monitored.query("liontrack_dead_letters_total")
    }
    assert found == {"positions": 3, "weights": 3, "activities": 3, "challenges": 3, "quality": 0}


def test_faust_counts_by_agent(monitored: Monitored) -> None:
    events = {s["metric"]["agent"]: float(s["value"][1]) for s in monitored.query("faust_events_total")}
    assert set(events) == NOUNS
    assert events["positions"] > 0
    assert monitored.values('faust_table_keys_total{table="positions", operation="updated"}')[0] > 0


def test_the_number_of_series_is_bounded(monitored: Monitored) -> None:
    series = monitored.prometheus.get("series", **{"match[]": '{job="liontrack"}'})
    assert {label for one in series for label in one} - OF_PROMETHEUS <= LABELS
    assert len(series) < SERIES_MAX


def test_the_readme_lists_what_the_worker_tells(monitored: Monitored) -> None:
    listed = set(re.findall(r"`((?:liontrack|faust)_\w+)`", (FOLDER / "README.md").read_text()))
    with urllib.request.urlopen(f"http://{monitored.targets['liontrack']}/metrics", timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        told = {f"{f.name}_total" if f.type == "counter" else f.name for f in families}
    assert {name for name in told if not name.startswith("process_")} == listed


def test_exporters_tell_of_the_servers(monitored: Monitored) -> None:
    for expression in (
        "kafka_brokers",
        "kafka_topic_partition_current_offset",
        "kafka_consumergroup_lag",
        "pg_up == 1",
        "pg_stat_database_numbackends",
        "pg_settings_max_connections",
        "node_memory_MemAvailable_bytes",
        "minio_cluster_capacity_usable_total_bytes",
        "prometheus_tsdb_head_series",
    ):
        assert monitored.query(expression), expression
