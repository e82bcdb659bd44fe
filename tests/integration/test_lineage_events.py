"""OpenLineage: events of a real worker's runs in a file, and from the sender to a server on loopback."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from dateutil import parser as dates
from pydantic import SecretStr

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.core.lineage import STEPS
from liontrack_stream.lineage_events import LineageEvents, Phase, open_lineage_events
from liontrack_stream.run_stats import RunStats
from liontrack_stream.settings import Settings
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import REPOSITORY

SIMULATE = ["simulate", "--lions", "2", "--days", "2", "--users", "2"]
KEY = "a key that nobody may read"


@pytest.fixture
def offline() -> Settings:
    """Settings of no stack at all: the sender asks neither Kafka nor Postgres."""
    return Settings(
        kafka_brokers="one:9092,two:9092", pg_host="db", pg_user="lions", pg_password=SecretStr("hidden"),
        lake_root="s3://bucket/prefix", topic_prefix="p.",
    )  # fmt: skip


def test_a_worker_tells_of_its_runs_in_a_file(pipeline: PipelineKit, tmp_path: Path) -> None:
    file = tmp_path / "lineage" / "events.ndjson"
    pipeline.command(*SIMULATE)
    pipeline.catch_up(OPENLINEAGE_FILE=file)
    events = [json.loads(line) for line in file.read_text().splitlines()]
    runs = {str(row[0]): row for row in pipeline.fetch(
        "SELECT pipeline_run_id, pipeline_name, processed_records FROM metadata.pipeline_logs"
    )}  # fmt: skip
    assert sorted(event["eventType"] for event in events) == ["COMPLETE"] * 5 + ["START"] * 5
    assert {event["run"]["runId"] for event in events} == runs.keys()
    counts = {(str(row[0]), row[1]): row[2] for row in pipeline.fetch(
        "SELECT pipeline_run_id, target_table, record_count FROM metadata.data_lineage"
    )}  # fmt: skip
    for event in events:
        _check(event)
        run = runs[event["run"]["runId"]]
        assert event["job"]["name"] == run[1]
        (source,) = event["inputs"]
        assert source["namespace"] == f"kafka://{pipeline.settings.kafka_brokers}"
        assert source["name"].startswith(pipeline.settings.topic_prefix)
        if event["eventType"] == "COMPLETE":
            assert source["inputFacets"]["inputStatistics"]["rowCount"] == run[2]
        for output in event["outputs"]:
            if not output["namespace"].startswith("postgres://"):
                assert output["namespace"] == "file"
                assert output["name"].startswith(str(pipeline.settings.lake_root))
                continue
            database, table = output["name"].split(".", 1)
            assert database == pipeline.settings.pg_database
            assert output["facets"]["schema"]["fields"], table
            if event["eventType"] == "COMPLETE":
                rows = output["outputFacets"]["outputStatistics"]["rowCount"]
                assert rows == counts[event["run"]["runId"], table]
    columns = {
        field["name"]
        for event in events
        for output in event["outputs"]
        if output["name"].endswith("gold.lions_metrics") and output["namespace"] != "file"
        for field in output["facets"]["schema"]["fields"]
    }
    assert {"lion_id", "metric_date", "rule_version"} <= columns


def test_events_reach_a_server(offline: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with _server() as (url, received):
        settings = offline.model_copy(update={"openlineage_url": url, "openlineage_api_key": SecretStr(KEY)})
        events = open_lineage_events(settings, {"gold.quality_daily": [("table_name", "text")]})
        assert events is not None
        runs = list(RunStats().runs.values())
        events.tell(runs, Phase.START)
        events.tell(runs[:1], Phase.FAIL, "The topic is gone.")
        events.tell_aborted(UUID(int=7), "weights", 1_700_000_000.0)
        events.close()
    assert [(path, key) for path, key, _ in received] == [("/api/v1/lineage", f"Bearer {KEY}")] * 7
    bodies = [body for _, _, body in received]
    for body in bodies:
        _check(body)
        assert KEY not in json.dumps(body)
        assert "hidden" not in json.dumps(body)
    assert [body["eventType"] for body in bodies] == ["START"] * 5 + ["FAIL", "ABORT"]
    assert bodies[5]["run"]["facets"]["errorMessage"]["message"] == "The topic is gone."
    assert bodies[6]["run"]["runId"] == str(UUID(int=7))
    first = bodies[0]
    assert (first["inputs"][0]["namespace"], first["inputs"][0]["name"]) == (
        "kafka://one:9092",
        "p.lions.position.events",
    )
    named = {(output["namespace"], output["name"]) for output in first["outputs"]}
    assert ("postgres://db:5432", "liontrack_warehouse.gold.lions_metrics") in named
    assert ("s3://bucket", "prefix/bronze/lions.position.events") in named
    assert len(named) == len({step.target for step in STEPS["positions"]})
    assert KEY not in caplog.text


def test_a_server_that_is_away_is_one_warning(offline: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://user:word@127.0.0.1:{unheard.getsockname()[1]}"
        events = LineageEvents(offline.model_copy(update={"openlineage_url": url}), {})
        with caplog.at_level(logging.WARNING):
            events.tell(RunStats().runs.values(), Phase.START)
            events.tell(RunStats().runs.values(), Phase.COMPLETE)
            events.close()
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1, warnings
    assert "OpenLineage events cannot be delivered" in warnings[0]
    assert "word" not in caplog.text


def test_nothing_is_imported_while_nobody_asks(offline: Settings) -> None:
    assert open_lineage_events(offline, {}) is None
    code = (
        "import sys, liontrack_stream.app; sys.exit('openlineage.client' in sys.modules or 'requests' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def _check(event: dict[str, Any]) -> None:
    """What OpenLineage's specification requires of a run event and its facets."""
    assert dates.isoparse(event["eventTime"]).tzinfo is not None
    assert event["eventType"] in {phase.value for phase in Phase}
    assert event["schemaURL"].endswith("#/$defs/RunEvent")
    assert event["producer"].startswith("urn:liontrack-stream:")
    UUID(event["run"]["runId"])
    assert event["job"]["namespace"]
    assert event["job"]["name"] in {topic.noun for topic in TOPICS}
    datasets = [*event["inputs"], *event["outputs"]]
    assert all(dataset["namespace"] and dataset["name"] for dataset in datasets)
    holders = [event["run"], event["job"], *datasets]
    kinds = ("facets", "inputFacets", "outputFacets")
    for facet in (facet for holder in holders for kind in kinds for facet in (holder.get(kind) or {}).values()):
        assert facet["_producer"] == event["producer"]
        assert facet["_schemaURL"].startswith("https://openlineage.io/spec/facets/")


@contextmanager
def _server() -> Iterator[tuple[str, list[tuple[str, str | None, dict[str, Any]]]]]:
    received: list[tuple[str, str | None, dict[str, Any]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append((self.path, self.headers.get("Authorization"), body))
            self.send_response(201)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
