"""A worker's log where a program reads it: each line JSON, one per batch, one per minute, none while all is quiet."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.support.pipeline_kit import PipelineKit
from tests.support.quality_counts import OWN
from tests.support.worker_process import REPOSITORY, wait_until

EVENTS = ["simulate", "--lions", "4", "--days", "4", "--users", "3", "--seed", "3", "--bad-fraction", "0.05"]
SUMMARY_S = 1.0
Lines = list[dict[str, Any]]


@pytest.fixture
def lines(pipeline: PipelineKit) -> Iterator[Lines]:
    """All lines of a worker that Faust's own command started, stored some events, was idle, and met a Ctrl-C."""
    log = pipeline.folder / "worker.log"
    changes = {"LOG_FORMAT": "auto", "LOG_SUMMARY_INTERVAL_S": SUMMARY_S, "QUALITY_INTERVAL_S": 3600}
    command = [sys.executable, "-m", "faust", "-A", "liontrack_stream", "worker", "-l", "debug"]
    with log.open("w") as output:
        environment = pipeline.environment(**changes)
        worker = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: log.exists() and "Ready" in log.read_text(), 40.0, "the worker is ready")
        pipeline.command(*EVENTS)
        wait_until(lambda: pipeline.stored() == len(pipeline.consumed()), 30.0, "all is stored")
        time.sleep(4 * SUMMARY_S)
        worker.send_signal(signal.SIGINT)
        assert worker.wait(15.0) == 0
    finally:
        worker.kill()
    yield [json.loads(line) for line in log.read_text().splitlines()]


def test_every_line_is_json_and_tells_what_was_done(pipeline: PipelineKit, lines: Lines) -> None:
    for line in lines:
        assert datetime.fromisoformat(line["timestamp"]).utcoffset() is not None
        assert {"level", "logger", "message", "instance"} <= line.keys()
    consumed = [record for record in pipeline.consumed() if OWN not in record.headers]  # those come when it stops
    stored = [line for line in lines if line["message"].startswith("Stored ")]
    assert {line["level"] for line in stored} == {"DEBUG"}
    offsets = [
        (line["topic"], line["partition"], offset)
        for line in stored
        for offset in range(line["first_offset"], line["last_offset"] + 1)
    ]
    assert sorted(offsets) == sorted((record.topic, record.partition, record.offset) for record in consumed)
    dead_letters = pipeline.fetch("SELECT count(*) FROM metadata.dead_letters")[0][0]
    assert dead_letters > 0
    for name, total in (("records", len(consumed)), ("dead_letters", dead_letters)):
        assert sum(line[name] for line in stored) == total
        assert sum(line[name] for line in lines if "lag_records" in line) == total, "the lines that sum up"
        assert [line[name] for line in lines if line["message"].startswith("Since its start")] == [total]
    assert all(line["seconds"] > 0 for line in stored)
    sums = [line for line in lines if "lag_records" in line]
    assert {line["level"] for line in sums} == {"INFO"}
    assert {line["generation"] for line in sums} == {0}
    assert sum(line["message"].startswith("Quiet") for line in sums) in (1, 2), "once before the events, once after"
    assert max(line.get("latency_seconds_p99", 0.0) for line in sums) > 0
    assert any(line["message"].startswith("SIGINT: ") for line in lines)
