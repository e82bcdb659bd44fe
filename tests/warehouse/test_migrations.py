"""Migrations: each once, in order, whoever else runs them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from liontrack_stream.kafka.exits import SchemaError
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse import migrations
from liontrack_stream.warehouse.migrations import MigrationError, migrate, migration_files, pending
from liontrack_stream.warehouse.opening import open_warehouse
from tests.support.forked import run_forked
from tests.support.stack import drop_database, environment_of
from tests.support.worker_process import REPOSITORY


@pytest.fixture
def empty(stack_settings: Settings) -> Iterator[dict[str, Any]]:
    """An empty database's connection settings."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    dsn = stack_settings.pg_dsn
    with migrations._connect(dsn) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    yield {**dsn, "database": name}
    drop_database(stack_settings, name)


def test_all_in_order_and_once_although_several_start_together(empty: dict[str, Any]) -> None:
    names = [file.stem for file in migration_files()]
    assert pending(empty) == names
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda _: migrate(empty), range(3)))
    assert sorted(runs, key=len) == [[], [], names]
    assert pending(empty) == []


def test_a_failing_file_leaves_nothing_of_itself(
    empty: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0001_good.sql").write_text("CREATE TABLE good (id int);")
    (tmp_path / "0002_bad.sql").write_text("CREATE TABLE half (id int); SELECT 1/0;")
    monkeypatch.setattr(migrations, "MIGRATIONS", tmp_path)
    with pytest.raises(MigrationError, match=r"0002_bad failed: division by zero"):
        migrate(empty)
    with migrations._connect(empty) as connection:
        tables = connection.execute("SELECT relname FROM pg_class WHERE relname IN ('good', 'half')").fetchall()
    assert tables == [("good",)]
    assert pending(empty) == ["0002_bad"]


def test_no_server_is_a_sentence(stack_settings: Settings) -> None:
    with pytest.raises(MigrationError, match=r"cannot be reached .*liontrack up"):
        migrate({**stack_settings.pg_dsn, "port": 9})


def test_the_connection_error_is_psycopgs_own(stack_settings: Settings) -> None:
    with pytest.raises(MigrationError) as caught:
        migrate({**stack_settings.pg_dsn, "password": "guess"})
    assert isinstance(caught.value.__cause__, psycopg.OperationalError)
    assert "guess" not in str(caught.value)


def test_check_names_what_is_pending_and_changes_nothing(empty: dict[str, Any], stack_settings: Settings) -> None:
    settings = stack_settings.model_copy(update={"pg_database": empty["database"]})
    names = [file.stem for file in migration_files()]
    code, told = _migrate(settings, "--check")
    assert code == 3
    assert told.splitlines() == [*(f"pending {name}" for name in names), "Run `liontrack migrate`."]
    with migrations._connect(empty) as connection:
        assert connection.execute("SELECT count(*) FROM pg_class WHERE relname LIKE '%yoyo%'").fetchone() == (0,)
    migrate(empty)
    assert _migrate(settings, "--check") == (0, "The schema is current.\n")
    with migrations._connect(empty) as connection:
        connection.execute("DELETE FROM _yoyo_migration WHERE migration_id = %s", (names[-1],))
        assert _migrate(settings, "--check") == (3, f"pending {names[-1]}\nRun `liontrack migrate`.\n")
        connection.execute(
            "INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('x', '9999_from_tomorrow')"
        )
    for arguments in (["--check"], []):
        code, told = _migrate(settings, *arguments)
        assert code == 4
        assert "newer than LionTrack Stream" in told
        assert "9999_from_tomorrow" in told
    assert pending(empty) == names[-1:], "the newer database was left as it was"
    with pytest.raises(SchemaError, match=r"newer than LionTrack Stream .*: it has 9999_from_tomorrow"):
        asyncio.run(open_warehouse(settings))


def test_check_is_for_a_role_that_only_reads(empty: dict[str, Any], stack_settings: Settings) -> None:
    migrate(empty)
    role = f"reader_{uuid.uuid4().hex[:12]}"
    settings = stack_settings.model_copy(
        update={"pg_database": empty["database"], "pg_user": role, "pg_password": SecretStr(role * 2)}
    )
    with migrations._connect(empty) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{role * 2}'")
        try:
            code, told = _migrate(settings, "--check")
            assert code == 1
            assert f"GRANT SELECT ON _yoyo_migration TO {role}" in told
            admin.execute(f"GRANT liontrack_api TO {role}")
            assert _migrate(settings, "--check") == (0, "The schema is current.\n")
        finally:
            admin.execute(f"DROP ROLE {role}")


def test_a_worker_refuses_an_older_schema(empty: dict[str, Any], stack_settings: Settings) -> None:
    settings = stack_settings.model_copy(update={"pg_database": empty["database"]})
    with pytest.raises(SchemaError, match=r"lacks 0001_metadata, .*: run `liontrack migrate`") as caught:
        asyncio.run(open_warehouse(settings))
    assert caught.value.exit_code == 78


def _migrate(settings: Settings, *arguments: str) -> tuple[int, str]:
    done = run_forked("liontrack_stream", ["migrate", *arguments], environment_of(settings), REPOSITORY, 60.0)
    return done.returncode, done.stdout + done.stderr
