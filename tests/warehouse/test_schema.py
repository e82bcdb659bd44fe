"""The schema: migrated step by step with rows in it, migrated at once, or built from sql/schema.sql, it is the same."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from liontrack_stream.settings import Settings
from liontrack_stream.warehouse import migrations
from liontrack_stream.warehouse.migrations import _connect, migrate, migration_files
from liontrack_stream.warehouse.queries import SQL_ROOT
from tests.support.schema_snapshot import SCHEMAS, SNAPSHOT, dump, snapshot
from tests.support.stack import drop_database

ROWS = Path(__file__).with_name("rows")
_COLUMNS = """
SELECT c.oid::regclass::text, array_agg(quote_ident(attname) ORDER BY attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_attribute ON attrelid = c.oid
WHERE nspname = ANY (%s) AND relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0 AND NOT attisdropped
GROUP BY c.oid
"""
_WITHOUT_GRAIN = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = ANY (%s) AND relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition
  AND coalesce(obj_description(c.oid, 'pg_class'), '') !~ '^One row per ' ORDER BY 1
"""
STATES_GRAIN = re.compile(r"\b[Oo]ne row\b|\b[Tt]rue when\b")


@pytest.fixture
def empty(stack_settings: Settings) -> Iterator[dict[str, Any]]:
    """An empty database's connection settings."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    with _connect(stack_settings.pg_dsn) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    yield {**stack_settings.pg_dsn, "database": name}
    drop_database(stack_settings, name)


def test_steps_over_rows_lead_to_the_fresh_schema_and_keep_the_rows(
    empty: dict[str, Any], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = migration_files()
    monkeypatch.setattr(migrations, "MIGRATIONS", tmp_path / "migrations")
    (tmp_path / "migrations").mkdir()
    kept: dict[str, tuple[list[str], list[tuple[Any, ...]]]] = {}
    for file in files:
        shutil.copy(file, tmp_path / "migrations")
        assert migrate(empty) == [file.stem]
        rows = ROWS / f"{file.name[:4]}.sql"
        if rows.exists():
            with _connect(empty) as connection:
                connection.execute(rows.read_bytes())
                kept = {table: (columns, _rows(connection, table, columns)) for table, columns in _tables(connection)}
            assert [table for table, (_, stored) in kept.items() if not stored] == []
    assert dump(empty) == dump(settings.pg_dsn)
    with _connect(empty) as connection:
        for table, (columns, stored) in kept.items():
            assert _rows(connection, table, columns) == stored, table


def _tables(connection: psycopg.Connection[Any]) -> list[tuple[str, list[str]]]:
    return [(table, columns) for table, columns in connection.execute(_COLUMNS, (list(SCHEMAS),))]


def _rows(connection: psycopg.Connection[Any], table: str, columns: list[str]) -> list[tuple[Any, ...]]:
    text = ", ".join(f"{column}::text" for column in columns)
    return sorted(connection.execute(f"SELECT {text} FROM {table}").fetchall(), key=str)


def test_the_snapshot_is_current(settings: Settings) -> None:
    assert SNAPSHOT.read_text() == snapshot(settings.pg_dsn), "run `make schema`"


def test_the_snapshot_builds_what_the_migrations_build(empty: dict[str, Any], settings: Settings) -> None:
    with _connect(empty) as connection:
        connection.execute(SNAPSHOT.read_bytes())
        assert dump(empty) == dump(settings.pg_dsn)
        refreshed = connection.execute("SELECT view_name FROM analytics.refresh_views()").fetchall()
    assert refreshed == [("lions_current_status",), ("user_engagement_summary",)]


def test_every_table_and_view_states_its_grain(settings: Settings) -> None:
    with _connect(settings.pg_dsn) as connection:
        assert connection.execute(_WITHOUT_GRAIN, (list(SCHEMAS),)).fetchall() == [], "COMMENT ON … 'One row per …'"


def test_every_file_opens_with_its_grain() -> None:
    """A query says what one row of its result, or one row that it writes, is; a migration what it is about."""
    silent = []
    for path in sorted(SQL_ROOT.rglob("*.sql")):
        comment = re.match(r"(--.*\n)*", path.read_text())
        assert comment is not None
        if not (comment[0] if path.parent.name == "migrations" else STATES_GRAIN.search(comment[0])):
            silent.append(str(path.relative_to(SQL_ROOT)))
    assert silent == [], "open with a comment: -- One row per …"
