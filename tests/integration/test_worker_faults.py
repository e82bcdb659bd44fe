"""Servers restarted under load, and a worker that takes over another's partitions: nothing lost, nothing twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from liontrack_stream.local import Stack
from liontrack_stream.settings import load_settings
from liontrack_stream.warehouse.migrations import migrate
from tests.support.pipeline_kit import PipelineKit
from tests.support.quality_counts import bronze_counts, published_counts
from tests.support.stack import OWN_VARIABLES
from tests.support.worker_process import free_port, wait_until

FAULTS = (("postgres", "stopped"), ("kafka", "stopped"), ("postgres", "crashed"), ("kafka", "crashed"))
LOAD = ["simulate", "--lions", "12", "--days", "60", "--users", "6", "--seed", "5", "--bad-fraction", "0.01"]


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A Kafka and PostgreSQL that this test may restart."""
    stack = Stack(tmp_path / "stack")
    stack.up()
    yield stack
    stack.down()


@pytest.mark.slow
def test_worker_outlives_restarts_of_postgres_and_kafka(
    own_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in OWN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    settings = load_settings(own_stack.data_dir).model_copy(
        update={"topic_partitions": 2, "web_port": free_port(), "lake_root": str(tmp_path / "lake")}
    )
    migrate(settings.pg_dsn)
    pipeline = PipelineKit(settings, tmp_path)
    try:
        with pipeline.load(LOAD, records_per_s=200):
            worker = pipeline.worker(BATCH_MAX_RECORDS=40, QUALITY_INTERVAL_S=0.5)
            wait_until(lambda: pipeline.stored() > 0, 30.0, "the first batch")
            for part, how in FAULTS:
                time.sleep(1.0)
                if how == "crashed":
                    _crash(own_stack, part)
                own_stack.down([part])
                time.sleep(1.0)
                own_stack.up()
                _wait_for_progress(pipeline, f"after {part} was {how} and came back")
            assert worker.running
        code, _ = worker.stop()
        assert code == 0, worker.log_text()[-3000:]
        pipeline.catch_up()
        records = pipeline.consumed()
        pipeline.assert_right(records)
        assert published_counts(pipeline) == bronze_counts(records), "a check was lost, or counted twice"
    finally:
        pipeline.end()


def test_a_worker_takes_over_from_a_killed_one(pipeline: PipelineKit) -> None:
    owners = "SELECT DISTINCT lease_owner FROM metadata.consumed_offsets WHERE lease_owner IS NOT NULL"
    with pipeline.load(LOAD, records_per_s=200):
        first = pipeline.worker(instance="1", BATCH_MAX_RECORDS=40, LAKE_INTERVAL_S=0.2)
        wait_until(lambda: pipeline.stored() > 0, 30.0, "the first worker's batch")
        second = pipeline.worker(instance="2", WEB_PORT=free_port(), BATCH_MAX_RECORDS=40, LAKE_INTERVAL_S=0.2)
        wait_until(lambda: len(pipeline.fetch(owners)) == 2, 40.0, "partitions shared by two workers")
        time.sleep(1.0)
        first.kill()
        wait_until(lambda: len(pipeline.fetch(owners)) == 1, 40.0, "the second worker's takeover")
        _wait_for_progress(pipeline, "after the takeover")
    code, _ = second.stop()
    assert code == 0, second.log_text()[-3000:]
    pipeline.catch_up()
    pipeline.assert_right()


def _crash(stack: Stack, part: str) -> None:
    """End a server of this test's stack as a power cut would; PostgreSQL's children are ended with it."""
    (pid,) = [status.pid for status in stack.status() if status.name == part]
    assert pid is not None
    server = psutil.Process(pid)
    children = server.children()
    for process in (server, *children):
        process.kill()
    psutil.wait_procs([server, *children], 10.0)


def _wait_for_progress(pipeline: PipelineKit, when: str) -> None:
    enough = pipeline.stored() + 200
    wait_until(lambda: pipeline.stored() > enough, 60.0, f"progress {when}")
