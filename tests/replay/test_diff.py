"""The diff finds whatever differs: any cell of any table, rows on one side only, in partitions that one side lacks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from liontrack_stream import generation
from liontrack_stream.replay.bounds import Bounds
from liontrack_stream.replay.diff import CLOCKS, METADATA, _statement, compare
from liontrack_stream.replay.run import SNAPSHOT
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import live_query
from tests.replay.test_replay import run
from tests.support.pipeline_kit import PipelineKit

LOAD = ["simulate", "--lions", "4", "--days", "9", "--users", "4", "--seed", "5", "--bad-fraction", "0.05"]
_OTHER = {  # of a type: another value than the one that is there
    "boolean": "NOT {c}",
    "bytea": "{c} || '\\x00'",
    "date": "{c} + 1",
    "double precision": "{c} + 1e-6",
    "jsonb": "jsonb_build_object('was', {c})",
    "text": "{c} || ' '",
    "text[]": "{c} || ARRAY['x']",
    "timestamp with time zone": "{c} + interval '1 microsecond'",
}
_TYPES = """
SELECT quote_ident(attname), format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
_CHECKS = "SELECT conname FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'c' AND conislocal"


@asynccontextmanager
async def undone(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """What happens within is not kept."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


class Compared:
    """A generation that agrees, and what its diff says of it after a change."""

    def __init__(self, connection: asyncpg.Connection, number: int) -> None:
        self.connection, self._number = connection, number

    def named(self, sql: str) -> str:
        """SQL, or a table's name, that speaks of the generation."""
        return generation.renamed(sql, None, self._number)

    async def joins(self, table: str) -> int:
        """In how many joins the diff compares a table."""
        rows = await self.connection.fetch(live_query("generations/tables"), CLOCKS, METADATA)
        sql = _statement(next(row for row in rows if row["table_name"] == table), self._number)
        plan = await self.connection.fetch(f"EXPLAIN {sql}", *Bounds().parameters)
        return sum("Full Join" in line for (line,) in plan)

    async def diff(self) -> dict[str, tuple[int, int, int]]:
        """Rows added, removed, changed: of tables that differ."""
        diff = await compare(self.connection, self._number, Bounds(), {})
        return {one.table: (one.added, one.removed, one.changed) for one in diff.tables if one.differs}

    async def after(self, *statements: str) -> dict[str, tuple[int, int, int]]:
        """The same after statements on tables of the generation; they are undone."""
        async with undone(self.connection):
            for statement in statements:
                await self.connection.execute(self.named(statement))
            return await self.diff()


async def _compared(settings: Settings, number: int) -> None:
    connection = await asyncpg.connect(**settings.pg_dsn, server_settings=SNAPSHOT)
    try:
        generation_of = Compared(connection, number)
        assert await generation_of.diff() == {}
        await any_cell(generation_of)
        await other_partitions(generation_of)
    finally:
        await connection.close()


async def any_cell(compared: Compared) -> None:
    """One cell changes, of each column of each table that has rows."""
    tried = 0
    for row in await compared.connection.fetch(live_query("generations/tables"), CLOCKS, METADATA):
        table = row["table_name"]
        named = compared.named(table)
        columns = await compared.connection.fetch(_TYPES, named)
        checks = [name for (name,) in await compared.connection.fetch(_CHECKS, named)]
        for column, kind in (one for one in columns if one[0] in row["columns"]):
            place = f"SELECT tableoid, ctid FROM {table} WHERE {column} IS NOT NULL LIMIT 1"
            if not await compared.connection.fetch(compared.named(place)):
                continue
            other = _OTHER.get(kind, "{c} + 1").format(c=column)
            found = await compared.after(
                *(f"ALTER TABLE {table} DROP CONSTRAINT {name}" for name in checks),
                f"UPDATE {table} SET {column} = {other} WHERE (tableoid, ctid) IN ({place})",
            )
            assert found == {table: (0, 0, 1)}, column
            tried += 1
    assert tried > 60


async def other_partitions(compared: Compared) -> None:
    """Weeks that one side has and the other lacks; rows of weeks that have no partition. Else week joins week."""
    for table, time in (("silver.positions", "event_time"), ("gold.lion_windows", "window_start")):
        assert await compared.joins(table) > 3
        sql = (
            f"SELECT tableoid::regclass::text AS week, count(*) AS rows FROM {compared.named(table)} GROUP BY 1 LIMIT 1"
        )
        week, rows = await compared.connection.fetchrow(sql)
        assert await compared.after(f"DROP TABLE {week}") == {table: (0, rows, 0)}
        moved = (f"CREATE TEMP TABLE kept AS SELECT * FROM {week}", f"DROP TABLE {week}")
        back = f"INSERT INTO {table} SELECT * FROM kept"
        assert await compared.after(*moved, back) == {}  # the same rows, in the default partition now
        later = f"{time} + interval '200 years'"
        assert await compared.after(f"UPDATE {table} SET {time} = {later} WHERE tableoid = '{week}'::regclass") == {
            table: (rows, rows, 0)
        }
        assert await compared.after(*moved, f"UPDATE kept SET {time} = {later}", back) == {table: (rows, rows, 0)}


def test_whatever_differs_is_found(pipeline: PipelineKit) -> None:
    pipeline.command(*LOAD)
    pipeline.catch_up()
    outcome = run(pipeline.settings)
    assert not outcome.diff.differs
    asyncio.run(_compared(pipeline.settings, outcome.number))
