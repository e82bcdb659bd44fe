"""The embedded servers, as clients see them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from liontrack_stream.local import Stack, StackError
from liontrack_stream.settings import Settings


def test_up_again_changes_nothing(stack: Stack) -> None:
    before = stack.status()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: Stack(stack.data_dir).up(), range(3)))
    assert all(answer == answers[0] for answer in answers)
    assert [(part.pid, part.port) for part in stack.status()] == [(part.pid, part.port) for part in before]


def test_another_port_while_it_runs_is_refused(stack: Stack) -> None:
    with pytest.raises(StackError, match=r"postgres runs on port \d+ already: run `liontrack down`"):
        Stack(stack.data_dir, pg_port=1).up()


def test_a_taken_port_is_refused_before_anything_starts(stack: Stack, tmp_path: Path) -> None:
    taken = stack.status()[0].port
    with pytest.raises(StackError, match=rf"Port {taken} is taken .* --kafka-port"):
        Stack(tmp_path / "other", kafka_port=taken).up()
    assert not any(part.running for part in Stack(tmp_path / "other").status())


def test_down_in_a_folder_that_never_ran(tmp_path: Path) -> None:
    assert Stack(tmp_path / "none").down() == []
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match=r"choose one with --data-dir"):
        Stack(tmp_path / "file" / "below").up()


async def test_postgres_is_configured_for_the_warehouse(stack_settings: Settings) -> None:
    connection = await asyncpg.connect(**stack_settings.pg_dsn)
    try:
        names = ("TimeZone", "jit", "fsync", "synchronous_commit", "listen_addresses", "max_locks_per_transaction")
        shown = [await connection.fetchval(f"SHOW {name}") for name in names]
        assert shown == ["UTC", "off", "on", "on", "127.0.0.1", "256"]
        assert not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert (await connection.fetchval("SHOW server_version")).startswith("18.")
        assert await connection.fetchval("SHOW wal_segment_size") == "4MB"
    finally:
        await connection.close()


async def test_postgres_wants_the_password(stack_settings: Settings) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(**{**stack_settings.pg_dsn, "password": "guess"})


async def test_kafka_keeps_records_forever_and_creates_no_topic_unasked(stack_settings: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack_settings.kafka_brokers)
    await admin.start()
    try:
        fields = {"auto.create.topics.enable": "", "log.retention.ms": "", "log.retention.bytes": ""}
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1", fields)])
        values = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    finally:
        await admin.close()
    assert values == {"auto.create.topics.enable": "false", "log.retention.ms": "-1", "log.retention.bytes": "-1"}
