"""A generation is the live warehouse under other names: the same schema, privileges and sink, and none of it leaks."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from hypothesis import given

from liontrack_stream import generation
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.export_rows import Question, open_export
from liontrack_stream.warehouse.export_tables import TABLES
from liontrack_stream.warehouse.generations import GenerationError, catalog_connection, create, drop, listed
from liontrack_stream.warehouse.migrations import _connect
from liontrack_stream.warehouse.queries import SQL_ROOT
from liontrack_stream.warehouse.rules import register_rules
from tests.commands.running import liontrack
from tests.support.oracle import TOPICS
from tests.support.replaying import Replay
from tests.support.schema_snapshot import dump
from tests.support.stack import environment_of
from tests.support.strategies import cases
from tests.support.worker_process import REPOSITORY
from tests.warehouse.test_properties import examples

_ROWS = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('bronze', 'silver', 'gold', 'metadata') AND c.relkind IN ('r', 'p')
"""
_MANY_DAYS = """
SELECT metadata{of}.ensure_days('gold{of}.lion_windows', array_agg('2025-01-01'::date + n))
FROM generate_series(1, 310) n
"""
_EVERYTHING = """
SELECT relnamespace::regnamespace::text || '.' || relname FROM pg_class
UNION ALL SELECT proname FROM pg_proc UNION ALL SELECT nspname FROM pg_namespace
UNION ALL SELECT defaclnamespace::text FROM pg_default_acl ORDER BY 1
"""


class InGeneration:
    """A test's connection; what it says in plain names it says of the process's generation."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, sql: str, *arguments: Any) -> Any:
        return await self._connection.fetch(generation.named(sql), *arguments)

    async def execute(self, sql: str, *arguments: Any) -> Any:
        return await self._connection.execute(generation.named(sql), *arguments)


@pytest.fixture
def live(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection to look at the live schemas with."""
    with _connect(settings.pg_dsn) as connection:
        yield connection


@pytest_asyncio.fixture
async def number(settings: Settings) -> int:
    """A new generation's number."""
    async with catalog_connection(settings) as connection:
        return await create(connection, {}, await register_rules(settings))


@pytest_asyncio.fixture
async def replay(settings: Settings, number: int) -> AsyncIterator[Replay]:
    """A generation that records can be delivered to."""
    with generation.using(number):
        opened = await Replay.open(settings)
        opened.reader = InGeneration(opened.reader)
        yield opened
        await opened.close()


def test_no_name_is_left_behind() -> None:
    """Renamed and back a text is the same; between, no plain name is left but in data and prose."""
    for path in sorted(SQL_ROOT.rglob("*.sql")):
        if path.parent.name == "migrations":  # a generation is made of the whole schema
            continue
        text = path.read_text()
        there = generation.renamed(text, None, 7)
        assert generation.renamed(there, 7, None) == text, path
        code = re.sub(r"--.*| IS '.*';$", "", there, flags=re.M)
        assert re.findall(r"(?<![\w/.])(?:bronze|silver|gold|analytics|metadata)\.[a-z_\"%{]\S*", code) == [], path


def test_data_stays_plain() -> None:
    with generation.using(7):
        assert generation.named("WHERE layer = 'bronze' AND e.metadata -> 'x' IS NULL") == (
            "WHERE layer = 'bronze' AND e.metadata -> 'x' IS NULL"
        )
        assert generation.named("IN SCHEMA silver, gold\nTO x") == "IN SCHEMA silver_g7, gold_g7\nTO x"
        assert generation.plain("silver_g7.positions") == "silver.positions"


def test_its_schema_and_privileges_are_the_live_ones(settings: Settings, number: int) -> None:
    schemas = [schema + generation.suffix(number) for schema in generation.SCHEMAS]
    its = dump(settings.pg_dsn, schemas=schemas)
    assert generation.renamed(its, number, None) == dump(settings.pg_dsn, schemas=generation.SCHEMAS)


@examples(8)
@given(case=cases(TOPICS, max_records=60, tombstones=True))
async def test_the_sink_works_inside(replay, case):
    await replay.holds(case)


async def test_nothing_of_it_shows_in_the_live_one(
    replay: Replay, settings: Settings, live: psycopg.Connection[Any]
) -> None:
    from tests.support.random_cases import random_case

    case = random_case(7)
    await replay.holds(case)
    stored, exported = await replay.reader.fetch("SELECT * FROM silver.positions"), bytearray()

    async def take(part: bytes) -> None:
        exported.extend(part)

    async with open_export(settings, Question(TABLES["silver.positions"], "whole"), "csv") as export:
        cells = await export.cells(await export.columns())
        assert await export.copy(cells, {"format": "csv"}, take) == len(stored) > 0
    plain = [row[0] for row in live.execute(_ROWS)]
    filled = [table for table in plain if live.execute(f"SELECT FROM {table} LIMIT 1").fetchone() is not None]
    assert filled == ["metadata.rule_versions"]


async def test_made_and_dropped_it_leaves_no_trace(settings: Settings, live: psycopg.Connection[Any]) -> None:
    before = live.execute(_EVERYTHING).fetchall()
    async with catalog_connection(settings) as connection:
        number = await create(connection, {"lion": "l1"}, None)
        assert [(one.number, one.state, one.options) for one in await listed(connection)] == [
            (0, "live", {}),
            (number, "building", {"lion": "l1"}),
        ]
        await connection.execute(_MANY_DAYS.format(of=generation.suffix(number)))
        await drop(connection, number)
        assert [one.number for one in await listed(connection)] == [0]
    assert live.execute(_EVERYTHING).fetchall() == before


async def test_what_cannot_be_dropped(settings: Settings, number: int) -> None:
    async with catalog_connection(settings) as connection:
        with pytest.raises(GenerationError, match="Generation 0 is live and stays"):
            await drop(connection, 0)
        with pytest.raises(GenerationError, match="There is no generation 99"):
            await drop(connection, 99)
        await connection.fetchval("SELECT pg_advisory_lock(hashtext('generation'), $1)", number)
        async with catalog_connection(settings) as other:
            with pytest.raises(GenerationError, match=f"Another process works at generation {number}"):
                await drop(other, number)


def test_commands(settings: Settings, number: int) -> None:
    def run(*arguments: str, **changes: str) -> Any:
        return liontrack(*arguments, cwd=REPOSITORY, environment=environment_of(settings) | changes)

    shown = run("generations", "list", "--json")
    assert [(one["generation"], one["state"]) for one in json.loads(shown.stdout)] == [
        (0, "live"),
        (number, "building"),
    ]
    lake = Path(settings.lake_root, "generations", str(number), "gold")
    lake.mkdir(parents=True)
    inside = run("worker", "--until-caught-up", LIONTRACK_GENERATION=str(number))
    assert "a worker is of the live generation" in inside.stderr
    assert inside.returncode != 0
    assert run("quality", LIONTRACK_GENERATION=str(number)).returncode == 0
    assert run("quality", LIONTRACK_GENERATION="99").returncode == 1
    dropped = run("generations", "drop", str(number))
    assert (dropped.returncode, dropped.stdout) == (0, f"Generation {number} is gone.\n"), dropped.stderr
    assert not lake.parent.exists()
    assert [one["generation"] for one in json.loads(run("generations", "list", "--json").stdout)] == [0]
    assert run("generations", "drop", "0").stderr == "liontrack: Generation 0 is live and stays.\n"
