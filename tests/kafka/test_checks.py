"""Start-up checks as rules: what Postgres remembers against what Kafka holds."""

from __future__ import annotations

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from liontrack_stream.kafka.checks import LogState, check_partition, head_to_remember, read_cluster_state
from liontrack_stream.kafka.exits import ConsistencyError, StartError
from liontrack_stream.kafka.ports import Head
from liontrack_stream.kafka.topics import create_topics
from liontrack_stream.settings import Settings

PARTITION = ("lions.position.events", 2)
HEAD = Head("cluster-a", "0:aa")


@pytest.mark.parametrize(
    ("stored", "head", "log"),
    [
        (0, None, LogState(0, 0, None)),  # an empty topic
        (0, None, LogState(0, 10, "0:aa")),  # a new warehouse
        (10, HEAD, LogState(0, 10, "0:aa")),  # caught up
        (10, HEAD, LogState(10, 10, None)),  # everything stored, then deleted by retention
        (12, HEAD, LogState(7, 15, "7:bb")),  # another first record, because the start was deleted
    ],
)
def test_what_is_fine(stored: int, head: Head | None, log: LogState) -> None:
    check_partition(PARTITION, stored, head, "cluster-a", log)


@pytest.mark.parametrize(
    ("stored", "head", "cluster_id", "log", "message"),
    [
        (5, HEAD, "cluster-a", LogState(9, 20, "9:bb"), "offsets 5 to 8 were never stored"),
        (0, None, "cluster-a", LogState(3, 20, "3:bb"), "offsets 0 to 2 were never stored"),
        (30, HEAD, "cluster-a", LogState(0, 20, "0:aa"), "offsets 20 to 29 are gone"),
        (5, HEAD, "cluster-a", LogState(0, 20, "0:bb"), "deleted and created again"),
        (5, HEAD, "cluster-b", LogState(0, 20, "0:aa"), "of Kafka cluster cluster-a, but this is cluster cluster-b"),
    ],
)
def test_what_needs_a_person(stored: int, head: Head | None, cluster_id: str, log: LogState, message: str) -> None:
    with pytest.raises(ConsistencyError, match=message):
        check_partition(PARTITION, stored, head, cluster_id, log)


def test_the_first_record_is_remembered_once() -> None:
    assert head_to_remember(None, "cluster-a", LogState(0, 0, None)) == Head("cluster-a", None)
    assert head_to_remember(Head("cluster-a", None), "cluster-a", LogState(0, 5, "0:aa")) == HEAD
    assert head_to_remember(HEAD, "cluster-a", LogState(0, 9, "0:aa")) is None
    assert head_to_remember(HEAD, "cluster-a", LogState(3, 9, "3:cc")) is None


@pytest.mark.parametrize("step", ["topics", "beginning_offsets", "end_offsets"])
async def test_a_kafka_that_falls_silent_at_the_start_is_told_of(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Reading is answered no more, after the connection was made: no defect, so no traceback and no exit with 70."""
    await create_topics(settings)

    async def silent(*_: object) -> None:
        raise KafkaError("Unable to get cluster metadata over all known brokers")

    monkeypatch.setattr(AIOKafkaConsumer, step, silent)
    with pytest.raises(StartError, match=r"does not answer .*cluster metadata"):
        await read_cluster_state(settings)
