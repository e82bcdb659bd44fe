"""Refreshes the materialized views of analytics, over a connection of its own: no batch ever waits for it."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.pool import acting_as
from liontrack_stream.warehouse.queries import query

_CONNECT_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Refreshed:
    """One view's refresh."""

    view: str
    seconds: float
    rows: int


async def refresh_views(
    settings: Settings, role: str = "", view: str | None = None, if_stale: bool = False
) -> list[Refreshed]:
    """Refresh concurrently: readers see the former rows until the new ones are there.

    Parameters
    ----------
    role
        Acts as this role; empty: as PG_USER.
    view
        One of them, by its name in ``analytics``; None: all.
    if_stale
        Leave out views that nothing was committed since, and all while another session refreshes; otherwise wait
        for it.

    Raises
    ------
    OSError, TimeoutError, asyncpg.PostgresError
        When Postgres is away, or refuses. `asyncpg.UndefinedObjectError`: there is no such view.
    """
    connection = await asyncpg.connect(
        **settings.pg_dsn,
        timeout=_CONNECT_WITHIN_S,
        server_settings={"application_name": "liontrack refresh", "timezone": "UTC", "jit": "off", **acting_as(role)},
    )
    try:
        rows = await connection.fetch(query("analytics/refresh_views"), view, if_stale)
    finally:
        await connection.close(timeout=_CONNECT_WITHIN_S)
    return [Refreshed(row["view_name"], row["duration_ms"] / 1000, row["row_count"]) for row in rows]
