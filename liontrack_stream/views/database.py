"""The views' own few read-only connections, so that no request ever waits for, or holds up, the stream's."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import asyncpg

from liontrack_stream.settings import Settings
from liontrack_stream.views.pace import Pace
from liontrack_stream.warehouse.pool import acting_as
from liontrack_stream.warehouse.queries import query

POOL_SIZE_MAX = 4
CONNECT_TIMEOUT_S = 3.0
WAIT_TIMEOUT_S = 3.0  # for one of the connections
WAITING_MAX = 64  # requests; the others learn at once that it is too much


class Busy(ConnectionError):
    """So many requests wait for a connection that another one would wait for nothing."""


class Database:
    """Opens connections when they are first needed: the web server starts with Postgres away."""

    def __init__(self, settings: Settings, pace: Pace | None = None) -> None:
        self._settings, self.pace = settings, pace or Pace()
        self._pool: asyncpg.Pool | None = None
        self._waiting = 0

    async def open(self) -> None:
        """Make the pool; connects to nothing yet."""
        self._pool = await asyncpg.create_pool(
            **self._settings.pg_dsn,
            min_size=0,
            max_size=POOL_SIZE_MAX,
            timeout=CONNECT_TIMEOUT_S,
            max_inactive_connection_lifetime=60.0,
            server_settings={
                "application_name": "liontrack views",
                "timezone": "UTC",
                "jit": "off",
                "plan_cache_mode": "force_custom_plan",  # plans for the days asked for, not for all partitions
                "default_transaction_read_only": "on",
                "statement_timeout": f"{self._settings.api_statement_timeout_s * 1e3:.0f}ms",
                **acting_as(self._settings.pg_api_role),
            },
        )

    async def close(self) -> None:
        """Close the connections, soon; closing twice does nothing."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), 2.0)
            except TimeoutError:
                pool.terminate()

    async def rows(self, name: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of ``sql/views/<name>.sql``; see `fetch`."""
        return await self.fetch(f"views/{name}", *arguments)

    async def fetch(self, name: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of ``sql/<name>.sql``.

        Raises
        ------
        OSError, TimeoutError, asyncpg.PostgresError
            When Postgres is away or slow; requests answer 503.
        """
        pool = self._pool
        if pool is None:
            raise ConnectionError("The views' connections are closed.")
        connection = await self._acquire(pool)
        began_s = monotonic()
        try:
            return await connection.fetch(query(name), *arguments, timeout=self._settings.api_statement_timeout_s + 1.0)
        finally:
            self.pace.asked_database(monotonic() - began_s)
            await pool.release(connection)

    async def _acquire(self, pool: asyncpg.Pool) -> Any:
        """One of the connections, when it is this request's turn."""
        if self._waiting >= WAITING_MAX:
            raise Busy("Too many requests wait for the warehouse.")
        self._waiting += 1
        try:
            return await pool.acquire(timeout=WAIT_TIMEOUT_S)
        finally:
            self._waiting -= 1
