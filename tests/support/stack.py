"""Fixtures on the real Kafka and PostgreSQL: one of each for the whole run, a database and topic names for each test.

The servers' data live in ``.cache/test-stack-<pid>`` of the checkout and are deleted when the run ends.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import psycopg
import pytest

from liontrack_stream.local import Stack
from liontrack_stream.settings import Settings, load_settings
from liontrack_stream.warehouse.migrations import migrate, migration_files

_CACHE = Path(__file__).resolve().parents[2] / ".cache"
OWN_VARIABLES = tuple(name.upper() for name in Settings.model_fields)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A running Kafka and PostgreSQL; their settings come from ``load_settings(stack.data_dir)``."""
    _clear_leftovers()
    folder = _CACHE / f"test-stack-{os.getpid()}"
    running = Stack(folder)
    running.up()
    try:
        yield running
    finally:
        running.down()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stack_settings(stack: Stack) -> Settings:
    """Settings of the stack itself: its database is never migrated, its topics have no prefix."""
    outside = {name: os.environ.pop(name) for name in OWN_VARIABLES if name in os.environ}
    try:
        return load_settings(stack.data_dir)
    finally:
        os.environ.update(outside)


@pytest.fixture(scope="session")
def template_database(stack_settings: Settings) -> str:
    """Name of a migrated database that others are copied from. Nothing may be connected to it."""
    contents = hashlib.sha256(b"".join(file.read_bytes() for file in migration_files())).hexdigest()
    name = f"template_{contents[:16]}"
    _admin(stack_settings, f"CREATE DATABASE {name}")
    migrate({**stack_settings.pg_dsn, "database": name})
    return name


@pytest.fixture
def database(stack_settings: Settings, template_database: str) -> Iterator[str]:
    """Name of a migrated, empty database of this test's own."""
    with copied_database(stack_settings, template_database) as name:
        yield name


@contextmanager
def copied_database(stack_settings: Settings, template_database: str) -> Iterator[str]:
    """Name of a migrated, empty database, for as long as the context lasts."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    # Copying files takes half the CPU time of writing every page to the log, which is the default.
    _admin(stack_settings, f"CREATE DATABASE {name} TEMPLATE {template_database} STRATEGY file_copy")
    try:
        yield name
    finally:
        drop_database(stack_settings, name)


@contextmanager
def filled_database(stack_settings: Settings, template_database: str, *files: Path) -> Iterator[str]:
    """Name of a migrated database that holds what some files of SQL put into it."""
    with copied_database(stack_settings, template_database) as name:
        dsn: dict[str, Any] = {**stack_settings.pg_dsn, "dbname": name}
        del dsn["database"]
        with psycopg.connect(**dsn) as connection:
            for file in files:
                connection.execute(file.read_bytes())
        yield name


def drop_database(settings: Settings, name: str) -> None:
    """Drop a database, whoever is connected; only autovacuum has to be waited for."""
    for attempt in range(20):
        try:
            return _admin(settings, f"DROP DATABASE {name} WITH (FORCE)")
        except asyncpg.InsufficientPrivilegeError:
            if attempt == 19:
                raise
            time.sleep(0.5)


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that no other test's topics have."""
    return new_topic_prefix()


def new_topic_prefix() -> str:
    return f"t{uuid.uuid4().hex[:12]}."


@pytest.fixture
def settings(stack_settings: Settings, database: str, topic_prefix: str, tmp_path: Path) -> Settings:
    """Settings for this test: its database, topics, group, lake and data folder. Free web port; two partitions."""
    return settings_of_its_own(stack_settings, database, topic_prefix, tmp_path)


def settings_of_its_own(stack_settings: Settings, database: str, topic_prefix: str, folder: Path) -> Settings:
    """Settings of a pipeline that shares nothing but the servers with others."""
    return stack_settings.model_copy(
        update={
            "pg_database": database,
            "topic_prefix": topic_prefix,
            "liontrack_app_id": f"app-{topic_prefix[:-1]}",
            "lake_root": str(folder / "lake"),
            "liontrack_data_dir": folder / "data",
            "web_port": _free_port(),
            "topic_partitions": 2,
            "log_format": "text",
        }
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of a child process that shall have these settings."""
    values = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is not None:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else value
            values[name.upper()] = text.get_secret_value() if hasattr(text, "get_secret_value") else str(text)
    return values


def _admin(settings: Settings, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(**settings.pg_dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    run_apart(run())


def run_apart(coroutine: Any) -> None:
    """In a thread: fixtures may be set up while an event loop runs."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, coroutine).result()


def _free_port() -> int:
    from liontrack_stream.local.processes import free_ports

    return free_ports(1)[0]


def _clear_leftovers() -> None:
    """Stop and delete the stacks of test runs that were killed."""
    for folder in _CACHE.glob("test-stack-*"):
        pid = folder.name.rsplit("-", 1)[1]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            Stack(folder).down()
            shutil.rmtree(folder, ignore_errors=True)
