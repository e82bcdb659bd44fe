"""The record of runs: a row per run and pipeline, a row per step, the oracle's counts; kill -9 leaves 'aborted'."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.core.lineage import STEPS
from liontrack_stream.kafka.producer import Outgoing
from tests.support.oracle import compute
from tests.support.pipeline_kit import PipelineKit
from tests.support.records import fix
from tests.support.worker_process import free_port, wait_until

SIMULATE = ["simulate", "--lions", "4", "--days", "6", "--users", "4", "--seed", "5", "--bad-fraction", "0.03"]
NOUNS = {topic.noun for topic in TOPICS}
IN_ONE_BATCH = {"BATCH_MAX_RECORDS": 100_000}


def test_a_run_over_everything_counts_what_the_oracle_counts(pipeline: PipelineKit) -> None:
    pipeline.command(*SIMULATE)
    pipeline.catch_up(**IN_ONE_BATCH)
    records = pipeline.consumed()
    expected = compute(records)
    places = Counter(record.topic for record in records)
    runs = {row["pipeline_name"]: row for row in pipeline.fetch("SELECT * FROM metadata.pipeline_logs")}
    assert runs.keys() == NOUNS
    for topic in TOPICS:
        run, logs = runs[topic.noun], json.loads(runs[topic.noun]["logs"])
        assert (run["status"], run["processed_records"]) == ("success", places[topic.name])
        bad = sum(place[0] == topic.name for place in expected["metadata.dead_letters"])
        assert (run["error_count"], logs["stats"]["dead_letters"], logs["retries"]) == (bad, bad, 0)
        assert run["start_time"] < run["end_time"]
        assert logs["offsets"] == _offsets(records, topic.name)
        assert logs["stats"]["bronze"] == places[topic.name]
        assert logs["rule_version"] == 1

    steps = _steps(pipeline)
    assert steps.keys() == {(noun, step.source, step.target) for noun in NOUNS for step in STEPS[noun]}
    for noun in NOUNS:
        for step in STEPS[noun]:
            row = steps[noun, step.source, step.target]
            assert (row["source_system"], row["transformation_type"], row["status"]) == (
                step.source_system, step.kind, "success",
            )  # fmt: skip
    written = Counter[str]()
    for (_, _, target), row in steps.items():
        written[target] += row["record_count"]
    assert sum(row["execution_time_ms"] for row in steps.values()) > 0
    for table in ("silver.positions", "silver.weight_history", "silver.user_activities", "silver.challenge_events",
                  "metadata.data_quality_checks"):  # fmt: skip
        assert written[table] == len(expected[table]), table
    for table in expected:
        if table in written:
            assert written[table] >= len(expected[table]), f"{table}: what several batches change is written again"
    for topic in TOPICS:
        assert written[f"lake/bronze/{topic.name}"] == places[topic.name]
    assert written["lake/gold/lions_metrics"] >= len(expected["gold.lions_metrics"])


def test_every_run_has_rows_of_its_own(pipeline: PipelineKit) -> None:
    for _ in range(2):
        pipeline.catch_up()
    rows = pipeline.fetch(
        "SELECT pipeline_name, count(*) FROM metadata.pipeline_logs WHERE status = 'success' GROUP BY 1"
    )
    assert dict(rows) == dict.fromkeys(NOUNS, 2)
    (steps,) = pipeline.fetch("SELECT count(*), count(DISTINCT pipeline_run_id) FROM metadata.data_lineage")
    assert tuple(steps) == (2 * sum(map(len, STEPS.values())), 10)


def test_a_killed_worker_is_aborted_by_its_successor_alone(pipeline: PipelineKit) -> None:
    other = pipeline.worker(instance="other", WEB_PORT=free_port())
    killed = pipeline.worker(WEB_PORT=free_port())
    running = "SELECT instance, pipeline_run_id FROM metadata.pipeline_logs WHERE status = 'running' ORDER BY 1"
    wait_until(lambda: len(pipeline.fetch(running)) == 10, 40.0, "both workers' runs")
    killed.kill()
    former = {row[1] for row in pipeline.fetch(running) if row[0].endswith("-1")}
    assert len(former) == 5
    pipeline.worker()
    aborted = "SELECT pipeline_run_id FROM metadata.pipeline_logs WHERE status = 'aborted' AND end_time >= start_time"
    wait_until(lambda: {row[0] for row in pipeline.fetch(aborted)} == former, 40.0, "the killed worker's runs")
    ended = pipeline.fetch("SELECT DISTINCT pipeline_run_id FROM metadata.data_lineage WHERE status = 'aborted'")
    assert {row[0] for row in ended} == former
    wait_until(lambda: len(pipeline.fetch(running)) == 10, 40.0, "the successor's runs")
    other.stop()
    assert len(pipeline.fetch(running)) == 5
    assert {row[0] for row in pipeline.fetch(aborted)} == former


def test_a_worker_that_breaks_has_failed(pipeline: PipelineKit, tmp_path: Path) -> None:
    """Somebody sets an offset back: the records are in bronze already, and the worker ends."""
    file = tmp_path / "events.ndjson"
    worker = pipeline.worker(OPENLINEAGE_FILE=file)
    pipeline.send(
        Outgoing(r.topic, r.key, r.value) for r in (fix("a", "2025-03-01 12:00"), fix("a", "2025-03-01 12:30"))
    )
    wait_until(lambda: pipeline.stored() == 2, 40.0, "the first fixes")
    running = "SELECT count(*) FROM metadata.pipeline_logs WHERE status = 'running'"
    wait_until(lambda: pipeline.fetch(running)[0][0] == 5, 20.0, "the runs")
    pipeline.fetch("UPDATE metadata.consumed_offsets SET next_offset = 0")
    pipeline.send([Outgoing(r.topic, r.key, r.value) for r in (fix("a", "2025-03-01 13:00"),)])
    code, _ = worker.wait(60.0)
    assert code == 70
    message = "Unexpected error: UniqueViolationError"
    rows = pipeline.fetch("SELECT status, end_time IS NOT NULL, logs ->> 'error' FROM metadata.pipeline_logs")
    assert [tuple(row) for row in rows] == [("failed", True, message)] * 5
    assert {tuple(row) for row in pipeline.fetch("SELECT status, error_message FROM metadata.data_lineage")} == {
        ("failed", message)
    }
    events = [json.loads(line) for line in file.read_text().splitlines()]
    errors = [event["run"]["facets"]["errorMessage"]["message"] for event in events if event["eventType"] == "FAIL"]
    assert errors == [message] * 5


def _steps(pipeline: PipelineKit) -> dict[tuple[str, str, str], Any]:
    rows = pipeline.fetch(
        "SELECT p.pipeline_name, l.* FROM metadata.data_lineage l JOIN metadata.pipeline_logs p USING (pipeline_run_id)"
    )
    return {(row["pipeline_name"], row["source_table"], row["target_table"]): row for row in rows}


def _offsets(records: list[Any], topic: str) -> dict[str, dict[str, int]]:
    ends: dict[str, int] = {}
    for record in records:
        if record.topic == topic:
            ends[str(record.partition)] = max(ends.get(str(record.partition), 0), record.offset + 1)
    return {number: {"from": 0, "to": end} for number, end in sorted(ends.items())}
