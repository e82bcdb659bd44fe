"""The connection of one batch: the batch computes while PostgreSQL writes, and what goes into each table is counted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from time import perf_counter
from typing import Any

import asyncpg

from liontrack_stream.generation import plain
from liontrack_stream.kafka.ports import Written

_INSERT = re.compile(r"\bINSERT INTO (\w+\.\w+)")
TEMPORARY = "pg_temp"  # the schema of a connection's own tables
_DATED_PARTITION = re.compile(r"_w?\d{8}$")


class BatchConnection:
    """A batch's connection: a statement that returns nothing is under way while the batch computes what comes next.

    ::

        batch       │ lay out A │ execute A ► lay out B │ wait for A, execute B ► … │ fetch C: waits for B, then for C │
        PostgreSQL              │────── A ──────│       │─────────── B ──────────│  │── C ──│

    Statements reach PostgreSQL in the order in which they were asked for, one at a time; an error of one is raised by
    what follows it, at the latest where ``writing`` ends.

    ``written``: schema.table -> rows inserted or replaced whole, and the time that took. A table's time runs from the
    end of the statement that wrote the table before to the end of its own: what was read and computed for a table
    counts as its time.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._since_s = perf_counter()
        self._under_way: asyncio.Task[None] | None = None
        self.written: dict[str, Written] = {}

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Within a transaction: nothing is under way any more when it ends."""
        try:
            yield
            await self._settled()
        finally:
            task, self._under_way = self._under_way, None
            if task is not None:  # what was asked for failed meanwhile; the transaction is rolled back
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def execute(self, sql: str, *arguments: Any) -> None:
        """Begin `asyncpg.Connection.execute`."""

        async def run() -> None:
            self._count(_target(sql), str(await self._connection.execute(sql, *arguments)))

        await self._settled()
        self._under_way = asyncio.create_task(run())
        await asyncio.sleep(0)  # now it is sent

    async def copy_to_table(
        self, table: str, *, schema_name: str, source: Iterable[memoryview], **options: Any
    ) -> None:
        """Begin `asyncpg.Connection.copy_to_table`, until the rows are sent; a dated partition counts as its table."""
        sent = asyncio.Event()

        async def rows() -> AsyncIterator[memoryview]:
            for piece in source:
                yield piece
            sent.set()

        async def run() -> None:
            copy = self._connection.copy_to_table(table, schema_name=schema_name, source=rows(), **options)
            status = str(await copy)
            if schema_name != TEMPORARY:
                self._count(plain(f"{schema_name}.{_DATED_PARTITION.sub('', table)}"), status)

        await self._settled()
        self._under_way = asyncio.create_task(run())
        self._under_way.add_done_callback(lambda task: sent.set())
        await sent.wait()

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        """`asyncpg.Connection.fetch`; an INSERT has to return its rows."""
        await self._settled()
        rows: list[Any] = await self._connection.fetch(sql, *arguments)
        self._count(_target(sql), str(len(rows)))
        return rows

    async def fetchrow(self, sql: str, *arguments: Any) -> Any:
        """`asyncpg.Connection.fetchrow`."""
        await self._settled()
        return await self._connection.fetchrow(sql, *arguments)

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        """`asyncpg.Connection.fetchval`."""
        await self._settled()
        return await self._connection.fetchval(sql, *arguments)

    def wrote(self, table: str, rows: int) -> None:
        """Count rows that a statement replaced which is no INSERT."""
        self._count(table, str(rows))

    async def _settled(self) -> None:
        """What was under way is done; raises its error."""
        if self._under_way is not None:
            task, self._under_way = self._under_way, None
            await task

    def _count(self, table: str | None, status: str) -> None:
        """Add the rows that a command's status (``INSERT 0 12``, ``COPY 12``) ends with."""
        if table is not None:
            now_s = perf_counter()
            rows = int(status.rpartition(" ")[2])
            self.written[table] = self.written.get(table, Written()) + Written(rows, now_s - self._since_s)
            self._since_s = now_s


@cache
def _target(sql: str) -> str | None:
    """The table that a statement inserts into; our statements are few, and files."""
    found = _INSERT.search(sql)
    return plain(found[1]) if found else None
