"""Databases and tables of contenders that are not ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pyarrow.parquet as pq

from liontrack_stream.settings import Settings
from tests.bench.truth import Truth
from tests.support.stack import drop_database

TABLES = Path(__file__).with_name("peers") / "tables.sql"


def connect(settings: Settings, database: str) -> psycopg.Connection[Any]:
    """As the stack's owner, each statement by itself."""
    dsn = {name: value for name, value in dict(settings.pg_dsn).items() if name != "database"}
    return psycopg.connect(dbname=database, autocommit=True, **dsn)


def postgres_cpu_s(settings: Settings) -> float:
    """CPU time of all of the server's processes so far, those that have ended too."""
    with connect(settings, settings.pg_database) as connection:
        postmaster = psutil.Process(connection.info.backend_pid).parent()
    assert postmaster is not None
    seconds = sum(postmaster.cpu_times()[:4])  # its own, and those of children that have ended
    for child in postmaster.children():
        with suppress(psutil.NoSuchProcess):
            seconds += sum(child.cpu_times()[:2])
    return seconds


@contextmanager
def scratch_database(settings: Settings, name: str, tables: Path | None = TABLES) -> Iterator[str]:
    """A database that ends with the block."""
    with connect(settings, settings.pg_database) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        if tables is not None:
            with connect(settings, name) as connection:
                connection.execute(tables.read_text())
        yield name
    finally:
        drop_database(settings, f'"{name}"')


def stored(settings: Settings, database: str, folder: Path) -> tuple[dict[str, int], Truth]:
    """What a whole job has stored, and what is right for the events that it has stored."""
    with connect(settings, database) as connection:

        def one(query: str) -> tuple[Any, ...]:
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            return row

        windows, fixes = one("SELECT count(*), coalesce(sum(fixes), 0) FROM peers.windows")
        counts = {
            "events": one("SELECT count(*) FROM peers.events")[0],
            "positions": one("SELECT count(*) FROM peers.positions")[0],
            "windows": windows,
            "fixes": fixes,
            "parquet": sum(pq.read_metadata(file).num_rows for file in (folder / "lake").rglob("*.parquet")),
        }
        rows = connection.execute(
            "SELECT lion_id, (extract(epoch FROM event_time) * 1000000)::bigint FROM peers.events"
        ).fetchall()
    return counts, Truth([lion for lion, _ in rows], [time_us for _, time_us in rows])
