"""A batch's connection: statements are under way while the batch goes on; none is lost, and no error is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.batch_connection import BatchConnection
from liontrack_stream.warehouse.copying import Rows

INSERT = "INSERT INTO notes SELECT unnest($1::text[])"


@pytest_asyncio.fixture
async def connection(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(**settings.pg_dsn)
    await connection.execute("CREATE TEMPORARY TABLE notes (text text); CREATE UNIQUE INDEX ON notes (md5(text))")
    yield connection
    await connection.close()


async def copy(batch: BatchConnection, *texts: str) -> None:
    source = Rows(len(texts)).text("text", texts).encode()
    await batch.copy_to_table("notes", schema_name="pg_temp", columns=["text"], format="binary", source=source)


async def notes(connection: asyncpg.Connection) -> list[str]:
    return [row["text"] for row in await connection.fetch("SELECT text FROM notes ORDER BY text")]


async def test_the_batch_goes_on_while_a_statement_runs(connection: asyncpg.Connection) -> None:
    batch = BatchConnection(connection)
    async with connection.transaction(), batch.writing():
        await batch.execute("SELECT pg_sleep(0.5)")
        with pytest.raises(asyncpg.InterfaceError):  # it is under way
            await connection.fetchval("SELECT 1")
        assert await batch.fetchval("SELECT 1") == 1


async def test_statements_keep_their_order(connection: asyncpg.Connection) -> None:
    batch = BatchConnection(connection)
    async with connection.transaction(), batch.writing():
        await batch.execute(INSERT, ["a", "b"])
        await copy(batch, "c")
        assert [tuple(row) for row in await batch.fetch("SELECT count(*) FROM notes")] == [(3,)]
        await batch.execute("DELETE FROM notes WHERE text = 'a'")
        await copy(batch, "a", "d" * 300_000)
    assert await notes(connection) == ["a", "b", "c", "d" * 300_000]


@pytest.mark.parametrize("last", [True, False])
async def test_an_error_rolls_back_wherever_it_is_seen(connection: asyncpg.Connection, last: bool) -> None:
    batch = BatchConnection(connection)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with connection.transaction(), batch.writing():
            await batch.execute(INSERT, ["a"])
            await copy(batch, "a")
            if not last:
                await batch.execute(INSERT, ["b"])
    assert await notes(connection) == []


async def test_an_error_of_the_batch_ends_what_is_under_way(connection: asyncpg.Connection) -> None:
    batch = BatchConnection(connection)
    with pytest.raises(ValueError, match="of the batch"):
        async with connection.transaction(), batch.writing():
            await batch.execute(INSERT, ["a"])
            await batch.execute("SELECT pg_sleep(60)")
            raise ValueError("of the batch")
    assert await notes(connection) == []


async def test_a_batch_that_is_cancelled_leaves_the_connection_usable(connection: asyncpg.Connection) -> None:
    batch = BatchConnection(connection)

    async def store() -> None:
        async with connection.transaction(), batch.writing():
            await batch.execute(INSERT, ["a"])
            await batch.execute("SELECT pg_sleep(60)")
            await batch.fetchval("SELECT 1")

    task = asyncio.create_task(store())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await notes(connection) == []
