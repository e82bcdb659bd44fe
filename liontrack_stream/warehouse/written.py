"""Counts what one batch's transaction puts into each table, where it leaves: at the connection."""

from __future__ import annotations

import re
from functools import cache
from time import perf_counter
from typing import Any

import asyncpg

from liontrack_stream.generation import plain
from liontrack_stream.kafka.ports import Written

_INSERT = re.compile(r"\bINSERT INTO (\w+\.\w+)")
_DAY_PARTITION = re.compile(r"_\d{8}$")


class CountingConnection:
    """A connection that keeps account: schema.table -> rows inserted or replaced whole, and the time that took.

    A table's time runs from the statement that wrote the table before to the end of its own: what was read and computed
    for a table counts as its time. Everything else is the connection's.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._since_s = perf_counter()
        self.written: dict[str, Written] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, sql: str, *arguments: Any, **options: Any) -> str:
        """`asyncpg.Connection.execute`."""
        status = str(await self._connection.execute(sql, *arguments, **options))
        self._count(_target(sql), status)
        return status

    async def fetch(self, sql: str, *arguments: Any, **options: Any) -> list[Any]:
        """`asyncpg.Connection.fetch`; an INSERT has to return its rows."""
        rows: list[Any] = await self._connection.fetch(sql, *arguments, **options)
        self._count(_target(sql), str(len(rows)))
        return rows

    async def copy_to_table(self, table: str, *, schema_name: str, **options: Any) -> str:
        """`asyncpg.Connection.copy_to_table`; a day partition counts as its table."""
        status = str(await self._connection.copy_to_table(table, schema_name=schema_name, **options))
        self._count(plain(f"{schema_name}.{_DAY_PARTITION.sub('', table)}"), status)
        return status

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
