"""How workers end when Kafka, Postgres or their own files are not what they should be."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.settings import Settings
from tests.support.fake_kit import TransportKit
from tests.support.kafka_admin import add_partitions, delete_records, recreate
from tests.support.worker_process import wait_until


@pytest.fixture
def kit(settings: Settings, tmp_path: Path) -> Iterator[TransportKit]:
    kit = TransportKit(settings, tmp_path)
    yield kit
    kit.end()


def test_lost_records_end_it_with_their_range(kit: TransportKit) -> None:
    kit.produce(2_000, ("positions",))
    kit.catch_up()
    kit.produce(4_000, ("positions",))
    asyncio.run(delete_records(kit.settings, POSITIONS.name, 0, 1_200))
    stored = kit.next_offset(POSITIONS.name, 0)
    worker = kit.worker("--until-caught-up")
    code, stdout = worker.wait()
    assert (code, stdout) == (78, "")
    assert f"lions.position.events/0: offsets {stored} to 1199 were never stored" in worker.log_text()


def test_recreated_topic_ends_it(kit: TransportKit) -> None:
    kit.produce(2_000, ("positions",))
    kit.catch_up()
    asyncio.run(recreate(kit.settings, POSITIONS.name))
    kit.produce(8_000, ("positions",))
    worker = kit.worker("--until-caught-up")
    assert worker.wait()[0] == 78
    assert "deleted and created again" in worker.log_text()


def test_other_cluster_ends_it(kit: TransportKit) -> None:
    kit.produce(2_000, ("positions",))
    kit.catch_up()
    kit.execute("UPDATE fake.offsets SET cluster_id = 'another'")
    worker = kit.worker("--until-caught-up")
    assert worker.wait()[0] == 78
    assert "of Kafka cluster another" in worker.log_text()


def test_missing_topics_end_it_with_what_to_do(kit: TransportKit) -> None:
    worker = kit.worker(TOPIC_PREFIX="nowhere.")
    assert worker.wait()[0] == 2
    assert "create the topics with `liontrack topics`" in worker.log_text()


def test_a_lost_lease_stops_storing_and_the_watchdog_ends_it(kit: TransportKit) -> None:
    worker = kit.worker(STUCK_AFTER_S=4)
    kit.produce(1_000)
    kit.wait_stored(1_000)
    kit.execute("UPDATE fake.offsets SET epoch = epoch + 1000000")
    kit.produce(1_000)
    assert worker.wait()[0] == 75
    assert kit.stored() == 1_000
    kit.execute("SELECT setval('fake.epochs', 2000000)")
    kit.catch_up()
    kit.assert_each_stored_once()


def test_a_record_after_a_quiet_time_is_not_taken_for_a_stuck_worker(kit: TransportKit) -> None:
    worker = kit.worker(STUCK_AFTER_S=5)
    kit.produce(1_000)
    kit.wait_stored(1_000)
    time.sleep(6.0)  # nothing comes for longer than that
    dsn = {"dbname" if name == "database" else name: value for name, value in kit.settings.pg_dsn.items()}
    with psycopg.connect(**dsn) as held:
        held.execute("LOCK fake.offsets IN EXCLUSIVE MODE")  # read it may be, so that PostgreSQL answers
        kit.produce(1_000)
        time.sleep(2.5)  # the watchdog looks twice
    kit.wait_stored(2_000)
    worker.stop()
    kit.assert_each_stored_once()


def test_broken_tables_are_built_anew(kit: TransportKit) -> None:
    kit.produce(2_000)
    kit.catch_up()
    for file in _tables(kit).rglob("*"):
        if file.is_file():
            file.write_bytes(b"garbage")
    kit.produce(2_000)
    kit.catch_up()
    kit.assert_each_stored_once()


def test_deleted_tables_do_not_stop_a_running_worker(kit: TransportKit) -> None:
    worker = kit.worker()
    kit.produce(2_000)
    kit.wait_stored(2_000)
    tables = 5 * kit.settings.topic_partitions
    wait_until(lambda: len(list(_tables(kit).glob("*.db"))) == tables, what=f"{tables} tables")
    shutil.rmtree(_tables(kit))
    kit.produce(20_000)
    kit.wait_stored(22_000)
    assert worker.stop()[0] == 0
    kit.produce(2_000)
    kit.catch_up()
    kit.assert_each_stored_once()


def test_an_added_partition_is_read_once_workers_know_of_it(kit: TransportKit) -> None:
    """Its records have live tables' changelogs of as many partitions."""
    kit.produce(2_000)
    kit.catch_up()
    count = kit.settings.topic_partitions + 1
    asyncio.run(add_partitions(kit.settings, count))
    kit.produce(2_000)
    worker = kit.worker("--until-caught-up")
    code, _ = worker.wait()
    assert code == 2
    assert f"set TOPIC_PARTITIONS={count}" in worker.log_text()
    kit.catch_up(TOPIC_PARTITIONS=count)
    assert kit.next_offset(POSITIONS.name, count - 1) > 0
    kit.assert_each_stored_once()


def _tables(kit: TransportKit) -> Path:
    return kit.folder / "worker-1" / "v1" / "tables"
