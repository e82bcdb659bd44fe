"""What Kafka no longer holds a replay reads from the lake, or from bronze; what nobody holds it names."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.kafka.checks import ClusterState, read_cluster_state
from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.lake.ports import LakeError
from liontrack_stream.replay import run as running
from liontrack_stream.replay.bounds import Bounds
from liontrack_stream.replay.run import Order
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.bronze import headers_from_json, headers_json
from tests.replay.test_replay import lines, run
from tests.support.bad_records import TIME
from tests.support.minio import Minio
from tests.support.oracle import ACTIVITIES, POSITIONS, Consumed
from tests.support.pipeline_kit import PipelineKit
from tests.support.random_cases import random_stream

SECRETS = [
    b'{"user_id":"u","activity_type":"login","timestamp":"%b","password":"x%b"}' % (TIME.encode(), b"y" * 300_000),
    b'{"user_id":"u","password":"s","activity_type":"login","timestamp":"%b","note":"\xff"}' % TIME.encode(),
    b'{"user_id":"u","token":"\\u0000","activity_type":"login","timestamp":"%b"}' % TIME.encode(),
    b'{"user_id":"u","password":"s","activity_type":"login","timestamp":"%b"' % TIME.encode(),
    b'{"user_id":"u","password":"s","activity_type":"login","timestamp":"%b","roles":["a"]}' % TIME.encode(),
]
HEADERS: list[list[tuple[str, bytes | None]]] = [
    [],
    [("source", b"worker"), ("a", b"1")],
    [("a", None), ("b", b"\xff"), ("c", b"\x00"), ("d", "é".encode())],
    [("a", b"1"), ("b", b"2"), ("a", b"\xff"), ("a", None)],
]


async def _delete(settings: Settings, before: dict[tuple[str, int], int]) -> None:
    """Have Kafka forget what lies before these offsets."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_brokers)
    await admin.start()
    try:
        deleted = {TopicPartition(settings.topic(t), p): RecordsToDelete(offset) for (t, p), offset in before.items()}
        await admin.delete_records(deleted)
    finally:
        await admin.close()


def _ends(pipeline: PipelineKit) -> dict[tuple[str, int], int]:
    return {
        (t, p): n for t, p, n in pipeline.fetch("SELECT topic, partition, next_offset FROM metadata.consumed_offsets")
    }


@pytest.mark.parametrize("headers", HEADERS)
def test_headers_survive_bronze(headers: list[tuple[str, bytes | None]]) -> None:
    text = headers_json(headers)
    assert headers_json(headers_from_json(text)) == text
    if text is not None:  # as jsonb has it, in another order
        again = headers_json(headers_from_json(json.dumps(json.loads(text), sort_keys=True)))
        assert again is not None
        assert json.loads(again) == json.loads(text)


def test_what_kafka_has_lost_is_in_the_lake(mixed: PipelineKit, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed.send(Outgoing(ACTIVITIES, b"key-1", value) for value in SECRETS)
    mixed.catch_up()
    mixed.command("simulate", "--lions", "3", "--days", "2", "--users", "2")
    mixed.catch_up()  # a second file of each partition
    ends = _ends(mixed)
    lost = mixed.fetch(
        "SELECT path, first_offset, next_offset FROM metadata.lake_files "
        "WHERE topic = $1 AND partition = 0 ORDER BY first_offset", POSITIONS
    )  # fmt: skip
    assert len(lost) >= 2
    Path(mixed.settings.lake_root, lost[0]["path"]).unlink()
    _unwrite(mixed, lost[-1])  # as if the lake were late

    first = {partition: end if partition[1] else end // 3 for partition, end in ends.items()}
    asyncio.run(_delete(mixed.settings, first))
    meanwhile = {partition: end for partition, end in ends.items() if not partition[1]}

    async def then_more_is_lost(settings: Settings) -> ClusterState:
        state = await read_cluster_state(settings)
        await _delete(settings, meanwhile)
        return state

    monkeypatch.setattr(running, "read_cluster_state", then_more_is_lost)
    said: list[str] = []
    with monkeypatch.context() as broken:  # it ends in the middle, and goes on
        broken.setattr("liontrack_stream.replay.archive.Archive._verdicts", _fail)
        with pytest.raises(OSError, match="broken off"):
            run(mixed.settings.model_copy(update={"batch_max_records": 60}), said=said)
    outcome = run(mixed.settings.model_copy(update={"batch_max_records": 60}), said=said)
    assert outcome.resumed
    assert lines(outcome.diff) == []
    assert 0 < outcome.from_bronze < outcome.from_lake
    topic, end = POSITIONS, ends[POSITIONS, 1]
    assert f"replay: {topic} [1]: offsets 0–{end - 1:,} are read from the lake, Kafka begins at {end:,}" in said
    assert any(f"{topic} [0]: offsets " in one and "are read from bronze, Kafka begins at" in one for one in said)

    monkeypatch.undo()
    found = mixed.fetch('DELETE FROM bronze.lions_raw WHERE partition = 0 AND "offset" = 3 RETURNING 1')
    assert found
    of_positions = Order(Bounds(topics=TOPICS[:1]), anew=True, dry_run=True)
    with pytest.raises(
        LakeError, match=rf"\[0\]: offsets 0–{lost[0]['next_offset'] - 1} are gone.*not in|cannot be read"
    ):
        run(mixed.settings, of_positions)
    mixed.fetch("DELETE FROM metadata.lake_files WHERE path = $1", lost[0]["path"])
    mixed.fetch('DELETE FROM bronze.lions_raw WHERE partition = 0 AND "offset" IN (4, 5)')
    with pytest.raises(LakeError, match=r"\[0\]: offsets 3–5 are gone from Kafka, and neither the lake nor bronze"):
        run(mixed.settings, of_positions)


def test_aborted_transactions_and_their_markers_are_no_loss(pipeline: PipelineKit) -> None:
    """Several markers in a row and records that were taken back: neither live nor replayed, nor missed."""
    sent = [record for seed in (3, 11, 12) for run in random_stream(seed).partitions.values() for record in run]
    fixes = [record for record in sent if record.topic == POSITIONS and record.value]
    parts = [fixes[n : n + 20] for n in range(0, 120, 20)]
    for first in (0, 3):
        asyncio.run(_in_transactions(pipeline.settings, *parts[first : first + 3]))
        pipeline.catch_up()
    records = pipeline.consumed()
    offsets = [record.offset for record in records if record.topic == POSITIONS]
    assert len(offsets) == 4 * 20
    assert max(offsets) > 6 * 20
    pipeline.assert_right(records)
    assert lines(run(pipeline.settings, Order(Bounds(), anew=True)).diff) == []

    asyncio.run(_delete(pipeline.settings, _ends(pipeline)))
    outcome = run(pipeline.settings, Order(Bounds(), anew=True))
    assert (outcome.from_lake, outcome.from_bronze, lines(outcome.diff)) == (len(records), 0, [])
    files = pipeline.fetch(
        "SELECT path, first_offset, next_offset FROM metadata.lake_files WHERE topic = $1 ORDER BY first_offset",
        POSITIONS,
    )
    for file in reversed(files):
        _unwrite(pipeline, file)
    outcome = run(pipeline.settings, Order(Bounds(), anew=True, dry_run=True))
    assert (outcome.from_lake, outcome.from_bronze, lines(outcome.diff)) == (len(records) - 80, 80, [])


async def _in_transactions(settings: Settings, *parts: list[Consumed]) -> None:
    """Into one partition: two transactions that overlap and are committed, around one that is aborted."""
    producers = [
        AIOKafkaProducer(bootstrap_servers=settings.kafka_brokers, transactional_id=f"{settings.topic_prefix}{n}")
        for n in range(3)
    ]
    for producer in producers:
        await producer.start()
    try:
        for producer in producers:
            await producer.begin_transaction()
        for producer, part in zip(producers, parts, strict=True):
            for half in (part[:10], part[10:]):
                for one in half:
                    await producer.send(settings.topic(POSITIONS), one.value, one.key, partition=0)
                await producer.flush()
        await producers[0].commit_transaction()
        await producers[2].commit_transaction()
        await producers[1].abort_transaction()
    finally:
        for producer in producers:
            await producer.stop()


async def _fail(*arguments: Any) -> None:
    if arguments[2]:
        raise OSError("broken off")


def _unwrite(pipeline: PipelineKit, file: Any) -> None:
    """Take back the writing of a partition's last bronze file."""
    Path(pipeline.settings.lake_root, file["path"]).unlink()
    pipeline.fetch("DELETE FROM metadata.lake_files WHERE path = $1", file["path"])
    pipeline.fetch(
        "UPDATE metadata.lake_watermarks SET next_offset = $2 WHERE topic = $1 AND partition = 0", POSITIONS,
        file["first_offset"],
    )  # fmt: skip


def test_in_a_bucket(settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    server: Minio = request.getfixturevalue("minio")
    pipeline = PipelineKit(server.settings(settings), tmp_path)
    try:
        pipeline.command("simulate", "--lions", "2", "--days", "2", "--users", "2", "--bad-fraction", "0.05")
        pipeline.catch_up()
        asyncio.run(_delete(pipeline.settings, _ends(pipeline)))
        outcome = run(pipeline.settings)
        assert lines(outcome.diff) == []
        assert outcome.from_lake == outcome.records
        pipeline.command("generations", "swap", str(outcome.number))
        assert pipeline.command("lake", "verify").stdout == "All well.\n"
        pipeline.command("generations", "rollback")
        pipeline.command("generations", "drop", str(outcome.number))
        assert pipeline.command("lake", "verify").stdout == "All well.\n"
    finally:
        pipeline.end()
