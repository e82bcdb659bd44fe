"""Generations in PostgreSQL: made from ``sql/schema.sql`` under other names, listed in the catalog, dropped.

::

    catalog.generations   0 live      7 ready        (the catalog is of no generation)
    schemas               silver …    silver_g7 …    the same tables, functions and privileges
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from liontrack_stream import generation
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import live_query, query

OWN, OWN_END = "-- What each generation has.", "-- Privileges on what is shared."
"""Where in ``sql/schema.sql`` a generation's own begins, after the catalog, and where it ends."""

LIVE, BUILDING, READY, RETIRED = "live", "building", "ready", "retired"


class GenerationError(Exception):
    """A generation cannot be made, found or used; the message is a sentence that says what to do."""


class LiveAlreadyError(GenerationError):
    """A generation is to become live and is it: perhaps a swap was killed just after its COMMIT."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One row of the catalog. ``options`` are the bounds of its replay; empty: all records."""

    number: int
    state: str
    options: Mapping[str, Any]
    rule_version: int | None
    created_at: datetime
    compared_at: datetime | None
    swapped_at: datetime | None


@asynccontextmanager
async def catalog_connection(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection as PG_USER, who has to own the schemas.

    Raises
    ------
    GenerationError
        When the warehouse is not migrated, this process works in a generation, or PG_USER may not do it.
    """
    if generation.current() is not None:
        raise GenerationError("LIONTRACK_GENERATION is set: unset it, generations are managed from the live one.")
    connection = await asyncpg.connect(
        **settings.pg_dsn,
        timeout=10,
        server_settings={"application_name": "liontrack generations", "timezone": "UTC", "jit": "off"},
    )
    try:
        yield connection
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError) as error:
        raise GenerationError(f"The warehouse is not migrated ({error}): run `liontrack migrate`.") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise GenerationError(f"{settings.pg_user} may not do this ({error}): use the role that migrates.") from error
    finally:
        await connection.close()


async def listed(connection: asyncpg.Connection) -> list[Generation]:
    """Every generation there is, by number."""
    rows = await connection.fetch(query("generations/list"))
    return [Generation(row["generation"], row["state"], json.loads(row["options"]), *tuple(row)[3:]) for row in rows]


async def found(connection: asyncpg.Connection, number: int) -> Generation:
    """One of them. Raises `GenerationError` where there is none of this number."""
    for one in await listed(connection):
        if one.number == number:
            return one
    raise GenerationError(f"There is no generation {number}: see `liontrack generations list`.")


async def create(connection: asyncpg.Connection, options: Mapping[str, Any], rule_version: int | None) -> int:
    """Make an empty generation, in one transaction; its number."""
    async with connection.transaction():
        await connection.fetchval(query("generations/lock_catalog"))
        number = int(await connection.fetchval(query("generations/insert"), json.dumps(dict(options)), rule_version))
        shared, _, rest = query("schema").partition(OWN)
        own, _, end = rest.partition(OWN_END)
        assert shared and end, "sql/schema.sql does not tell what each generation has"
        await connection.execute(generation.renamed(own, None, number))
        await copy_rules(connection, number)
    return number


async def copy_rules(connection: asyncpg.Connection, number: int) -> None:
    """Give a generation the live one's numbers of rules, so that a number means the same in both."""
    await connection.execute(live_query("generations/copy_rules").format(of=generation.suffix(number)))


async def other_shape(connection: asyncpg.Connection, number: int) -> str | None:
    """What a generation has otherwise than the live one, since an upgrade; None where they are alike."""
    return await connection.fetchval(live_query("generations/other_shape"), generation.suffix(number))


@asynccontextmanager
async def claimed(connection: asyncpg.Connection, number: int) -> AsyncIterator[None]:
    """Work at a generation alone. Raises `GenerationError` while another process does."""
    if not await connection.fetchval(query("generations/claim"), number):
        raise GenerationError(f"Another process works at generation {number}: let it end first.")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.fetchval(query("generations/release"), number)


async def drop(connection: asyncpg.Connection, number: int) -> None:
    """Drop a generation's schemas and its row. Safe to repeat where it was cut off.

    Partitions go first, some at a time: each needs room in the server's table of locks.
    """
    if (await found(connection, number)).state == LIVE:
        raise GenerationError(f"Generation {number} is live and stays.")
    of = generation.suffix(number)
    async with claimed(connection, number):
        while rows := await connection.fetch(query("generations/day_partitions"), of):
            tables = ", ".join(row["relation"] for row in rows)
            await connection.execute(query("generations/drop_tables").format(tables=tables))
        async with connection.transaction():
            await connection.fetchval(query("generations/lock_catalog"))
            await connection.execute(query("generations/drop_schemas").format(of=of))
            await connection.execute(query("generations/delete"), number)
