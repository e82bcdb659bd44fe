"""The batch transport on real Kafka and Postgres: each record stored once, whatever happens to the workers."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from liontrack_stream.settings import Settings
from tests.support.fake_kit import TransportKit
from tests.support.worker_process import wait_until

BACK_WITHIN_S = 10.0
START_WITHIN_S = 40.0  # on a machine that runs other tests too


@pytest.fixture
def kit(settings: Settings, tmp_path: Path) -> Iterator[TransportKit]:
    kit = TransportKit(settings, tmp_path)
    yield kit
    kit.end()


def test_backlog_makes_big_batches(kit: TransportKit) -> None:
    kit.produce(200_000, ("positions",))
    report = kit.catch_up()
    kit.assert_each_stored_once()
    assert report["records"]["lions.position.events"] == report["bronze"] == 200_000
    batches = kit.execute("SELECT sum(1.0 / batch_records) FROM fake.records")[0][0]
    assert 200_000 / batches > 2_000, "records per batch"


def test_kill_9_under_load_stores_each_record_once(kit: TransportKit) -> None:
    random.seed(1)
    back_s = []
    with kit.producing(per_second=5_000):
        for _ in range(3):
            worker = kit.worker(FAKE_DELAY_S=0.1)
            wait_until(partial(kit.stored_by, worker), START_WITHIN_S, "the first stored batch")
            back_s.append(time.monotonic() - worker.started_at)
            time.sleep(random.uniform(0.1, 0.6))
            worker.kill()
    kit.catch_up()
    kit.assert_each_stored_once()
    assert min(back_s[1:]) < BACK_WITHIN_S, back_s  # other load only adds to it


def test_partitions_move_between_two_workers(kit: TransportKit) -> None:
    with kit.producing(per_second=3_000):
        first = kit.worker(FAKE_DELAY_S=0.05)
        wait_until(partial(kit.stored_by, first), START_WITHIN_S, "the first worker's batch")
        second = kit.worker(instance="2", FAKE_DELAY_S=0.05)
        wait_until(partial(kit.stored_by, second), START_WITHIN_S, "the second worker's batch")
        time.sleep(1.0)
        second.kill()
    kit.wait_stored(kit.produced)
    kit.assert_each_stored_once()
    assert first.stop()[0] == 0


def test_offsets_without_records_are_passed_over(kit: TransportKit) -> None:
    kit.produce(3_000, ("positions", "weights"), transaction=100)
    kit.catch_up()
    kit.assert_each_stored_once()


def test_gap_is_read_again(kit: TransportKit) -> None:
    kit.produce(5_000, ("positions",))
    worker = kit.worker()
    kit.wait_stored(5_000)
    kit.execute('DELETE FROM fake.records WHERE "offset" >= 100')
    kit.execute("UPDATE fake.offsets SET next_offset = least(next_offset, 100)")
    kit.produce(1_000, ("positions",))
    kit.wait_stored(6_000)
    kit.assert_each_stored_once()
    assert "reading again" in worker.log_text()
    assert worker.stop()[0] == 0


def test_stored_records_are_skipped(kit: TransportKit) -> None:
    worker = kit.worker()
    kit.produce(1_000, ("positions",))
    kit.wait_stored(1_000)
    kit.execute(
        """WITH moved AS (UPDATE fake.offsets SET next_offset = next_offset + 3 WHERE next_offset > 0
           RETURNING topic, partition, next_offset)
           INSERT INTO fake.records (topic, partition, "offset")
           SELECT topic, partition, o FROM moved, generate_series(next_offset - 3, next_offset - 1) AS o"""
    )
    kit.produce(1_000, ("positions",))
    kit.wait_stored(2_000)
    kit.assert_each_stored_once()
    assert "stored already" in worker.log_text()
    assert worker.stop()[0] == 0


def test_lost_connections_are_outlived(kit: TransportKit) -> None:
    worker = kit.worker(FAKE_DELAY_S=0.1)
    kit.produce(1_000)
    kit.wait_stored(1_000)
    with kit.producing(per_second=5_000):
        for _ in range(8):
            time.sleep(0.6)
            kit.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND datname = current_database() "
                "AND pid <> pg_backend_pid()"
            )
    kit.wait_stored(kit.produced)
    kit.assert_each_stored_once()
    assert "trying again" in worker.log_text()
    assert worker.stop()[0] == 0


def test_sigterm_ends_cleanly_and_fast(kit: TransportKit) -> None:
    with kit.producing(per_second=10_000):
        worker = kit.worker(FAKE_DELAY_S=0.2)
        wait_until(partial(kit.stored_by, worker), START_WITHIN_S, "a stored batch")
        code, seconds = worker.stop()
    assert (code, seconds < 5.0) == (0, True), seconds
    kit.catch_up()
    kit.assert_each_stored_once()
