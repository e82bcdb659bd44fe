"""Connections to the warehouse. Times travel as microseconds since 1970, dates as days: no datetime objects."""

from __future__ import annotations

import asyncpg

from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.copying import PG_EPOCH_DAY, PG_EPOCH_US

WORKER = "liontrack worker"  # application_name of the connections that store batches
RULE_VERSION = "liontrack.rule_version"  # see sql/migrations/0011_lineage.sql


async def integer_times(connection: asyncpg.Connection) -> None:
    """Make ``timestamptz`` an int of microseconds and ``date`` an int of days on this connection."""
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        encoder=lambda us: (us - PG_EPOCH_US,),
        decoder=lambda row: row[0] + PG_EPOCH_US,
        format="tuple",
    )
    await connection.set_type_codec(
        "date",
        schema="pg_catalog",
        encoder=lambda day: (day - PG_EPOCH_DAY,),
        decoder=lambda row: row[0] + PG_EPOCH_DAY,
        format="tuple",
    )


def acting_as(role: str) -> dict[str, str]:
    """The server settings of a connection that acts as this role; none for an empty name."""
    return {"role": role} if role else {}


async def _nothing(connection: asyncpg.Connection) -> None:
    """A transaction leaves nothing on the connection, so nothing is to be reset: a round trip less per batch."""


async def create_sink_pool(settings: Settings, rule_version: int | None = None, size: int = 8) -> asyncpg.Pool:
    """The pool of the sink: one connection per partition that is written at the same time.

    ``rule_version`` is what gold rows written over it are marked with.
    """
    marks = {} if rule_version is None else {RULE_VERSION: str(rule_version)}
    pool = await asyncpg.create_pool(
        **settings.pg_dsn,
        min_size=1,
        max_size=size,
        init=integer_times,
        reset=_nothing,
        server_settings={
            "application_name": WORKER,
            "timezone": "UTC",
            "jit": "off",
            **acting_as(settings.pg_ingest_role),
            **marks,
            "plan_cache_mode": "force_custom_plan",  # a plan for all values would lock every day's partition
            # A batch looks up by key: to scan all lions and hash them takes five times as long, at some 100,000.
            "enable_hashjoin": "off",
            "enable_mergejoin": "off",
        },
    )
    assert pool is not None
    return pool
