"""Every table, in every format, for every kind of viewer."""

from __future__ import annotations

from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from liontrack_stream.warehouse.export_tables import TABLES, Exported
from tests.views import tokens
from tests.views.conftest import Client, Serve
from tests.views.export.reading import (
    Row,
    from_csv,
    from_parquet,
    like,
    ordered,
    read_csv,
    read_json,
    read_parquet,
    selected,
)

ROUTE = "/api/analytics/export"
NOBODY: dict[str, str] = {}
VIEWERS = {"nobody": NOBODY, "u1": tokens.VISITOR, "ranger": tokens.RANGER, "admin": tokens.ADMIN}
LIONS, USERS, OPERATION = (
    [table for table in TABLES.values() if table.subject == subject] for subject in ("lion", "user", "operation")
)
BYTES = ("raw", "key", "headers")
BESIDE = {"silver.deployed_positions"}  # silver.positions' own rows, beside what the catalog says of their collars


async def export(client: Client, form: str, table: str, headers: dict[str, str], **params: Any) -> bytes:
    """The body of an export that succeeds."""
    response = await client.get(f"{ROUTE}/{form}", params={"table": table, **params}, headers=headers)
    body = await response.read()
    assert response.status == 200, body
    return body


async def rows_of(client: Client, table: str, headers: dict[str, str], **params: Any) -> list[Row]:
    return read_json(await export(client, "json", table, headers, **params))


def whole(warehouse: psycopg.Connection[Any], table: Exported) -> list[Row]:
    """All that SQL says of a table but for bytes."""
    names = warehouse.execute(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND attname <> ALL (%s)",
        (table.name, list(BYTES)),
    ).fetchone()
    assert names is not None
    return selected(warehouse, f"SELECT {names[0]} FROM {table.name}")


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
async def test_all_formats_say_what_sql_says(
    client: Client, warehouse: psycopg.Connection[Any], table: Exported
) -> None:
    expected = whole(warehouse, table)
    assert expected, "a table without rows shows nothing"
    as_json, as_csv, as_parquet = [
        await export(client, form, table.name, tokens.ADMIN) for form in ("json", "csv", "parquet")
    ]
    assert read_json(as_json) == expected
    assert like(read_parquet(as_parquet), expected, from_parquet) == expected
    empty_is_null = [{name: None if value == "" else value for name, value in row.items()} for row in expected]
    assert like(read_csv(as_csv), expected, from_csv) == ordered(empty_is_null)
    # Another reader of Parquet, and the types of the lake.
    read = pq.read_table(pa.BufferReader(as_parquet))
    assert duckdb.sql("SELECT count(*) FROM read").fetchall() == [(len(expected),)]
    assert not any(pa.types.is_decimal(kind) or pa.types.is_null(kind) for kind in read.schema.types)


def test_no_table_is_forgotten(warehouse: psycopg.Connection[Any]) -> None:
    found = warehouse.execute(
        "SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname IN ('silver', 'gold', 'analytics') AND relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition"
    ).fetchall()
    assert {name for (name,) in found} - BESIDE <= TABLES.keys()


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
async def test_who_may_ask(serve: Serve, table: Exported, form: str) -> None:
    async def statuses(client: Client) -> dict[str, int]:
        found = {}
        for viewer, headers in VIEWERS.items():
            async with client.get(f"{ROUTE}/{form}", params={"table": table.name}, headers=headers) as response:
                await response.read()
                found[viewer] = response.status
        return found

    signed_in = 403 if table.others is None else 200
    wanted = {"nobody": 401, "u1": signed_in, "ranger": signed_in, "admin": 200}
    assert await statuses(await serve()) == wanted
    assert await statuses(await serve(liontrack_demo=True, bind="0.0.0.0")) == wanted
    assert await statuses(await serve(liontrack_demo=True)) == wanted | ({"nobody": 200} if table in LIONS else {})


@pytest.mark.parametrize("kind", tokens.REFUSED)
async def test_tokens_that_are_not_valid_are_refused(client: Client, kind: str) -> None:
    for route in ("csv?table=silver.lions", "json?table=gold.quality_daily", "movebank"):
        assert (await client.get(f"{ROUTE}/{route}", headers=tokens.REFUSED[kind])).status == 401


@pytest.mark.parametrize("table", USERS, ids=lambda table: table.name)
async def test_users_see_their_own_rows(client: Client, table: Exported) -> None:
    everyone = await rows_of(client, table.name, tokens.ADMIN)
    assert {"u1", "u2"} <= {row["user_id"] for row in everyone}
    for headers in (tokens.VISITOR, tokens.RANGER):
        assert await rows_of(client, table.name, headers) == [row for row in everyone if row["user_id"] == "u1"]
    hostile = tokens.signed(("user",), id="u1' OR '1'='1")
    for form in ("csv", "parquet"):
        assert b"u2" not in await export(client, form, table.name, tokens.VISITOR)
        assert b"u1" not in await export(client, form, table.name, hostile)


@pytest.mark.parametrize("table", [table for table in OPERATION if table.others], ids=lambda table: table.name)
async def test_operation_names_neither_places_nor_people(client: Client, table: Exported) -> None:
    body = await export(client, "csv", table.name, tokens.RANGER)
    assert len(read_csv(body)) == len(await rows_of(client, table.name, tokens.ADMIN))
    for secret in (b"nala", b"24.123456", b"host", b"cluster", b"of nala"):
        assert secret not in body


async def test_bytes_keys_and_headers_stay(client: Client) -> None:
    for name in TABLES:
        header = (await export(client, "csv", name, tokens.ADMIN, limit=1)).partition(b"\r\n")[0].decode().split(",")
        assert set(header).isdisjoint(BYTES), name
