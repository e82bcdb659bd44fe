"""Exports of a table that is larger than any buffer: memory, clients that leave or are slow, ingestion beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import date

import aiohttp
import asyncpg
import pytest
from pydantic import SecretStr

from liontrack_stream.settings import Settings
from liontrack_stream.views.export_response import EXPORTS
from liontrack_stream.warehouse import export_rows
from liontrack_stream.warehouse.queries import query
from tests.bench.export import fill, run
from tests.support.stack import copied_database
from tests.views import tokens
from tests.views.conftest import Client, Serve
from tests.views.export.test_tables import ROUTE
from tests.views.tokens import SECRET

ROWS, DAYS = 1_000_000, 5
POSITIONS = f"{ROUTE}/csv?table=silver.positions"
BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'liontrack export' AND datname = $1"


@pytest.fixture(scope="module")
def large(stack_settings: Settings, template_database: str) -> Iterator[Settings]:
    """Settings of a database with more than a million fixes of six days."""
    with copied_database(stack_settings, template_database) as name:
        settings = stack_settings.model_copy(update={"pg_database": name, "jwt_secret": SecretStr(SECRET)})
        fill(settings, ROWS, DAYS)
        yield settings


@pytest.fixture
async def client(serve: Serve, large: Settings) -> Client:
    return await serve(pg_database=large.pg_database, export_concurrency_max=1)


@pytest.fixture
async def other(large: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection of somebody else to the same database."""
    connection = await asyncpg.connect(**large.pg_dsn)
    yield connection
    await connection.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(400):
        if await holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it does not come to hold")


@asynccontextmanager
async def slow_reader(client: Client, url: str = POSITIONS) -> AsyncIterator[aiohttp.ClientResponse]:
    """A client that has read a little, and reads no more unless it is asked to."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=1 << 14) as session:
        response = await session.get(client.make_url(url), headers={**tokens.RANGER, "Accept-Encoding": "identity"})
        assert response.status == 200
        await response.content.readany()
        yield response
        response.close()


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_a_client_that_leaves_ends_its_statement(
    client: Client, other: asyncpg.Connection, large: Settings, form: str
) -> None:
    assert client.app is not None
    exports = client.app[EXPORTS]
    async with slow_reader(client, f"{ROUTE}/{form}?table=silver.positions"):
        assert await other.fetchval(BACKENDS, large.pg_database) == 1
        assert exports.running == 1

    async def ended() -> bool:
        return exports.running == 0 and await other.fetchval(BACKENDS, large.pg_database) == 0

    await until(ended)


async def test_a_client_that_leaves_before_the_first_byte_ends_it_too(
    client: Client, other: asyncpg.Connection, large: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_rows, "LOCK_TIMEOUT_S", 100.0)
    assert client.app is not None
    exports = client.app[EXPORTS]
    async with other.transaction():
        await other.execute("LOCK TABLE silver.weight_history IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(TimeoutError):
            timeout = aiohttp.ClientTimeout(total=1)
            await client.get(f"{ROUTE}/csv?table=silver.weight_history", headers=tokens.RANGER, timeout=timeout)

        async def ended() -> bool:
            return exports.running == 0 and await other.fetchval(BACKENDS, large.pg_database) == 0

        await until(ended)


async def test_what_fails_half_way_is_no_whole_file(client: Client, other: asyncpg.Connection, large: Settings) -> None:
    async with slow_reader(client) as response:
        found = await other.fetchval(
            "SELECT bool_and(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'liontrack export' AND datname = $1",
            large.pg_database,
        )
        assert found is True
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_an_export_that_takes_too_long_is_cut(serve: Serve, large: Settings) -> None:
    client = await serve(pg_database=large.pg_database, export_timeout_s=1)
    async with slow_reader(client) as response:
        await asyncio.sleep(2)
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_a_worker_that_stops_waits_for_no_slow_client(client: Client) -> None:
    assert client.app is not None
    exports = client.app[EXPORTS]
    async with slow_reader(client) as response:
        await client.app.shutdown()

        async def ended() -> bool:
            return exports.running == 0

        await until(ended)
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_the_cap_counts_slow_clients(client: Client) -> None:
    async with slow_reader(client):
        response = await client.get(POSITIONS, headers=tokens.RANGER)
        assert (response.status, response.headers["Retry-After"]) == (429, "15")


async def test_ingestion_can_make_the_next_day_meanwhile(client: Client, other: asyncpg.Connection) -> None:
    """Making a partition locks the default one, which an export of the whole table reads as well."""
    async with slow_reader(client):
        assert await other.fetchval(query("metadata/ensure_days"), "silver.positions", [date(2027, 1, 1)]) is True
        locks = await other.fetchval(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity a USING (pid) JOIN pg_inherits ON relation = inhrelid"
            " WHERE a.application_name = 'liontrack export' AND inhparent = 'silver.positions'::regclass"
        )
        assert locks == 1, "only the day that is being read"


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv.gz", "json", "parquet"])
def test_memory_does_not_grow_with_the_table(large: Settings, form: str) -> None:
    few = run(large, form, "--limit", "200000")
    many = run(large, form)
    assert (few["rows"], many["rows"]) == (200_000, ROWS)
    assert many["bytes"] > 10_000_000
    grown_mb = many["peak_mb"] - few["peak_mb"]
    assert grown_mb < 24, (few, many)
