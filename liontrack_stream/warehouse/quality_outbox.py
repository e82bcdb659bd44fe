"""From counts to checks, and the checks that wait to be published. On plain connections, outside the sink's pool.

metadata.quality_tally ──cut, one transaction──► metadata.quality_outbox ──► Kafka ──acknowledged──► deleted
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from liontrack_stream.contract.events import to_json
from liontrack_stream.core.quality import Tally, checks
from liontrack_stream.crashpoints import crash_here
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.pool import acting_as
from liontrack_stream.warehouse.queries import query

_CONNECT_TIMEOUT_S = 5.0
_COMMAND_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 1.0


@asynccontextmanager
async def leading(settings: Settings) -> AsyncIterator[asyncpg.Connection | None]:
    """A connection that may cut and publish, as the only one; None while another one may."""
    connection = await asyncpg.connect(
        **settings.pg_dsn,
        timeout=_CONNECT_TIMEOUT_S,
        command_timeout=_COMMAND_TIMEOUT_S,
        server_settings={
            "application_name": "liontrack quality",
            "timezone": "UTC",
            "jit": "off",
            **acting_as(settings.pg_ingest_role),
        },
    )
    try:
        leads = await connection.fetchval(query("quality/try_lead"))
        yield connection if leads else None
        if leads:
            await connection.fetchval(query("quality/give_up_lead"))
        await connection.close(timeout=_CLOSE_TIMEOUT_S)
    finally:
        connection.terminate()


async def cut(connection: asyncpg.Connection) -> int:
    """Turn the counts since the last cut into checks that wait to be published; how many."""
    async with connection.transaction():
        rows = await connection.fetch(query("quality/take_tally"))
        if not rows:
            return 0
        crash_here("quality.before_cut")
        at_us = await connection.fetchval(query("quality/cut_time"))
        events = [to_json(event).decode() for event in checks((Tally(*row) for row in rows), at_us)]
        await connection.execute(query("quality/put_outbox"), at_us, events)
    crash_here("quality.after_cut")
    return len(events)


async def waiting(connection: asyncpg.Connection) -> dict[int, str]:
    """Checks that are not known to be in Kafka: id -> JSON, the oldest first."""
    return dict(await connection.fetch(query("quality/outbox")))


async def clear(connection: asyncpg.Connection, published: Sequence[int]) -> None:
    """Forget checks that Kafka has acknowledged."""
    await connection.execute(query("quality/clear_outbox"), list(published))
