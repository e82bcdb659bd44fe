"""Migrations: each once, in order, whoever else runs them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from liontrack_stream.settings import Settings
from liontrack_stream.warehouse import migrations
from liontrack_stream.warehouse.migrations import MigrationError, migrate, migration_files, pending


@pytest.fixture
def empty(stack_settings: Settings) -> Iterator[dict[str, Any]]:
    """An empty database's connection settings."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    dsn = stack_settings.pg_dsn
    with migrations._connect(dsn) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield {**dsn, "database": name}
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


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
