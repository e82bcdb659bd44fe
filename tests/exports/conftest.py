"""A warehouse with lions that are hard on files, and the command that exports them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from liontrack_stream.settings import Settings
from tests.support.forked import run_forked
from tests.support.stack import environment_of, filled_database

ROWS = Path(__file__).with_name("rows.sql")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="package")
def filled(stack_settings: Settings, template_database: str) -> Iterator[Settings]:
    """Settings of a database that holds `rows.sql`; nobody writes to it."""
    with filled_database(stack_settings, template_database, ROWS) as name:
        yield stack_settings.model_copy(update={"pg_database": name})


@pytest.fixture
def export(filled: Settings, tmp_path: Path) -> Run:
    """``export(…)``: run ``liontrack export …`` in the test's folder; by default it has to succeed."""
    return lambda *arguments, code=0, settings=filled: run_export(settings, tmp_path, arguments, code)


def run_export(
    settings: Settings, folder: Path, arguments: tuple[str, ...], code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run it in a folder."""
    done = run_forked("liontrack_stream", ["export", *arguments], environment_of(settings), folder, 60.0)
    assert done.returncode == code, f"{done.returncode}: {done.stderr}"
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="package")
def fixes(filled: Settings) -> list[dict[str, Any]]:
    """All rows of silver.positions, by lion and time."""
    dsn: dict[str, Any] = {**filled.pg_dsn, "dbname": filled.pg_database, "options": "-c timezone=UTC"}
    del dsn["database"]
    with psycopg.connect(**dsn, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute('SELECT * FROM silver.positions ORDER BY lion_id COLLATE "C", event_time').fetchall()
