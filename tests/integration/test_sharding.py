"""Two real workers on the same topics, and five agents in one: the same gold keys at once, nothing lost or twice.

The stream is ``tests/support/crowds.py``: users, lions and days so few that batches of all partitions meet in them.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from liontrack_stream.kafka.producer import EventProducer, Outgoing
from liontrack_stream.settings import Settings
from tests.support.crowds import LIONS, USERS, bursts
from tests.support.oracle import TOPICS, compute
from tests.support.pipeline_kit import PipelineKit, report_differences
from tests.support.worker_process import WorkerProcess, free_port, wait_until

OWNERS = "SELECT DISTINCT lease_owner FROM metadata.consumed_offsets WHERE lease_owner IS NOT NULL"
LEASES = "SELECT topic, partition, lease_owner, lease_epoch FROM metadata.consumed_offsets ORDER BY 1, 2"
CLAIMING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'metadata.consumed_offsets'::regclass"
# One row per user or lion, with the number of workers whose partitions hold records of it.
SHARED = """
SELECT named.id, count(DISTINCT o.lease_owner) FROM (
    SELECT user_id AS id, topic, partition FROM bronze.challenges_raw
    UNION ALL SELECT user_id, topic, partition FROM bronze.users_raw
    UNION ALL SELECT lion_id, topic, partition FROM bronze.weights_raw
    UNION ALL SELECT lion_id, topic, partition FROM bronze.lions_raw) named
JOIN metadata.consumed_offsets o USING (topic, partition)
WHERE named.id IS NOT NULL GROUP BY named.id
"""


@pytest.fixture
def sharded(settings: Settings, tmp_path: Path) -> Iterator[PipelineKit]:
    """Four partitions per topic."""
    kit = PipelineKit(settings.model_copy(update={"topic_partitions": 4}), tmp_path)
    yield kit
    kit.end()


def test_two_workers_write_the_same_gold_at_once(sharded: PipelineKit) -> None:
    workers = _two(sharded)
    leases = sharded.fetch(LEASES)
    load = bursts(seed=1, how_many=12, size=150)
    with _producing(sharded.settings, load):
        pass
    _wait_for_all(sharded, load)
    assert sharded.fetch(LEASES) == leases, "each partition was one worker's all the time"
    assert {row[0]: row[1] for row in sharded.fetch(SHARED)} == dict.fromkeys((*USERS, *LIONS), 2)
    for worker in workers:
        code, _ = worker.stop()
        assert code == 0, worker.log_text()[-3000:]
    for worker in (_catching_up(sharded, "1"), _catching_up(sharded, "2")):
        worker.report(90.0)
    sharded.assert_right()


def test_the_other_goes_on_when_one_is_killed(sharded: PipelineKit) -> None:
    first, second = _two(sharded)
    load = bursts(seed=2, how_many=30, size=100)
    with _producing(sharded.settings, load) as produced:
        wait_until(lambda: produced.count > 10, 30.0, "the first bursts")
        before = {row[0]: row[1] for row in sharded.fetch(SHARED)}
        assert max(before.values()) == 2, "both have stored records of the same users and lions"
        first.kill()
        assert produced.count < len(load), "the load ended before the kill"
    wait_until(lambda: len(sharded.fetch(OWNERS)) == 1, 40.0, "the second worker's takeover")
    _wait_for_all(sharded, load)
    code, _ = second.stop()
    assert code == 0, second.log_text()[-3000:]
    sharded.catch_up(instance="2")
    sharded.assert_right()


def test_two_workers_share_a_backlog_and_count_nothing_twice(sharded: PipelineKit) -> None:
    """The second joins while the first is still claiming, so that the first one's claim is given up for a new one."""
    load = bursts(seed=3, how_many=1, size=5000)
    sharded.send(load[0])
    with sharded.connect() as other, other.transaction():
        # No claim ends: neither worker stores anything before each has its share, however quick the first is.
        other.execute("LOCK TABLE metadata.consumed_offsets IN SHARE MODE")
        first = _catching_up(sharded, "1")
        wait_until(lambda: sharded.fetch(CLAIMING)[0][0] == 1, 60.0, "the first worker's claim, of all partitions")
        second = _catching_up(sharded, "2")
        wait_until(lambda: _sharers(sharded.settings) == 2, 60.0, "partitions dealt out to two workers")
    reports = [first.report(60.0), second.report(60.0)]
    assert all(sum(report["records"].values()) > 0 for report in reports), reports
    records = sharded.consumed()
    expected = compute(records)
    assert report_differences(_sum(reports), expected) == []
    sharded.assert_right(records, expected)


def test_five_agents_in_one_worker_write_the_same_gold_at_once(sharded: PipelineKit) -> None:
    """Twenty partitions at once, all about the same three users and lions, in batches of some forty records."""
    sharded.send(bursts(seed=4, how_many=1, size=2500)[0])
    report = sharded.catch_up(BATCH_MAX_RECORDS=40)
    records = sharded.consumed()
    expected = compute(records)
    assert {(record.topic, record.partition) for record in records} == {(t, n) for t in TOPICS for n in range(4)}
    assert report_differences(report, expected) == []
    sharded.assert_right(records, expected)


def _two(pipeline: PipelineKit) -> tuple[WorkerProcess, WorkerProcess]:
    """Two workers that hold partitions each."""
    options = {"BATCH_MAX_RECORDS": 40, "LAKE_INTERVAL_S": 0.2}
    first = pipeline.worker(instance="1", **options)
    second = pipeline.worker(instance="2", WEB_PORT=free_port(), **options)
    wait_until(lambda: len(pipeline.fetch(OWNERS)) == 2, 40.0, "partitions shared by two workers")
    return first, second


def _catching_up(pipeline: PipelineKit, instance: str) -> WorkerProcess:
    """A worker that runs up to the topics' ends."""
    return pipeline.worker("--until-caught-up", instance=instance, WEB_PORT=free_port(), BATCH_MAX_RECORDS=40)


def _sharers(settings: Settings) -> int:
    """To how many workers Kafka has dealt out the partitions; 0 while it is about to."""

    async def ask() -> int:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_brokers)
        await admin.start()
        try:
            (answer,) = await admin.describe_consumer_groups([settings.liontrack_app_id])
        except GroupCoordinatorNotAvailableError:
            return 0  # the broker's first group ever is not there yet
        finally:
            await admin.close()
        ((_error, _group, state, _kind, _assignor, members, *_),) = answer.groups
        return len(members) if state == "Stable" else 0

    return asyncio.run(ask())


def _sum(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What several workers did together."""
    total: dict[str, Any] = Counter()
    for report in reports:
        for name, value in report.items():
            total[name] = (
                Counter(value) + (total[name] or Counter()) if isinstance(value, dict) else value + total[name]
            )
    return total


class _Produced:
    count = 0


@contextmanager
def _producing(settings: Settings, load: Sequence[Sequence[Outgoing]]) -> Iterator[_Produced]:
    """Produce burst after burst in the background; all of it is in Kafka when the block has ended."""
    produced = _Produced()

    async def run() -> None:
        async with EventProducer(settings) as producer:
            for burst in load:
                await producer.send_many(burst)
                await producer.flush()
                produced.count += 1
                await asyncio.sleep(0.15)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        yield produced
    finally:
        thread.join()
    assert produced.count == len(load)


def _wait_for_all(pipeline: PipelineKit, load: Sequence[Sequence[Outgoing]]) -> None:
    sent = sum(map(len, load))  # the workers' own quality checks come on top
    wait_until(lambda: pipeline.stored() >= sent, 60.0, f"{sent} records stored")
