"""Rows of an export, as PostgreSQL's own COPY writes them, from one moment of the warehouse.

::

    BEGIN  REPEATABLE READ, READ ONLY              one snapshot
      SAVEPOINT ─ COPY day 1 ─ ROLLBACK TO         no lock outlives its day: new days' partitions can be made, and
      SAVEPOINT ─ COPY day 2 ─ ROLLBACK TO         the server's table of locks does not fill, however many days it is
      …

A connection is made for each export and closed with it. Nothing more is read than the sink has taken.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from string import Formatter
from typing import Any, Literal

import asyncpg

from liontrack_stream.generation import named
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.export_tables import Exported
from liontrack_stream.warehouse.pool import acting_as
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.trouble import LOST

CONNECT_TIMEOUT_S = 3.0
CLOSE_TIMEOUT_S = 5.0
LOCK_TIMEOUT_S = 5.0
Cells = Literal["csv", "json", "parquet"]
_PARAMETERS = ("viewer", "seen_until", "grid_deg", "since", "until", "lion_ids", "flagged", "as_told", "limit")
Sink = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Question:
    """What to export. ``source``: the query's name under ``sql/export``, by who asks.

    ``flagged``: flagged fixes, too. ``as_told``: of a fix what its event said, not what the rules made of it.
    ``further``: of Movebank's columns, more of its select list, which is ours.
    """

    table: Exported
    source: str
    viewer: str | None = None
    seen_until: datetime | None = None
    grid_deg: float | None = None
    since: datetime | None = None
    until: datetime | None = None
    lion_ids: Sequence[str] | None = None
    flagged: bool = True
    as_told: bool = False
    further: str = ""
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an export; ``kind`` is PostgreSQL's name of its type."""

    name: str
    kind: str


class Export:
    """One export that is under way; see `open_export`."""

    def __init__(self, connection: asyncpg.Connection, question: Question, cells: Cells) -> None:
        self._connection, self._question, self._cells = connection, question, cells
        self.on_part: Callable[[int, int], None] = lambda done, of: None
        """Told after each part (a day's partition) how many are done, of how many."""

    async def columns(self) -> list[Column]:
        """The columns in their order; asks PostgreSQL, which reads no row."""
        sql, _ = statement(self._question, "columns", self._question.table.relation)
        async with self._rolled_back():
            prepared = await self._connection.prepare(sql)
            return [Column(attribute.name, attribute.type.name) for attribute in prepared.get_attributes()]

    async def cells(self, columns: Sequence[Column]) -> str:
        """The select list that shows columns in this export's format."""
        names, kinds = [column.name for column in columns], [column.kind for column in columns]
        return str(await self._connection.fetchval(query("export/cells"), names, kinds, self._cells))

    async def copy(self, cells: str, options: Mapping[str, Any], sink: Sink) -> int:
        """Hand all rows to ``sink``, whole rows at a time, each ended by LF; returns their number.

        Raises
        ------
        OSError, asyncpg.PostgresError, or one of `trouble.LOST`
            When Postgres is away, slow, or shutting down.
        """
        outer, done = "rows_json" if self._cells == "json" else "rows_csv", 0
        relations = await self._relations()
        for number, relation in enumerate(relations, 1):
            limit = self._question.limit
            left = replace(self._question, limit=None if limit is None else limit - done)
            if left.limit == 0:
                break
            sql, arguments = statement(left, outer, relation, cells)
            async with self._rolled_back():
                tag = await self._connection.copy_from_query(sql, *arguments, output=sink, **options)
            done += int(tag.split()[-1])
            self.on_part(number, len(relations))
        return done

    async def batches(self, outer: str, rows: int) -> AsyncIterator[Sequence[Any]]:
        """The rows of ``sql/export/<outer>.sql`` around the source, so many at a time, in the order of their days."""
        relations = await self._relations()
        for number, relation in enumerate(relations, 1):
            sql, arguments = statement(self._question, outer, relation)
            async with self._rolled_back():
                cursor = await self._connection.cursor(sql, *arguments)
                while batch := await cursor.fetch(rows):
                    yield batch
            self.on_part(number, len(relations))

    async def few(self, outer: str, question: Question | None = None) -> list[Any]:
        """The rows of ``sql/export/<outer>.sql`` around the source, day by day, which are few."""
        asked = question or self._question
        found: list[Any] = []
        for relation in await self._relations():
            sql, arguments = statement(asked, outer, relation)
            async with self._rolled_back():
                found += await self._connection.fetch(sql, *arguments)
        return found

    async def ask(self, name: str, *arguments: Any) -> Sequence[Any]:
        """The few rows of ``sql/export/<name>.sql``, at the export's moment."""
        return list(await self._connection.fetch(query(f"export/{name}"), *arguments))

    async def _relations(self) -> list[str]:
        table, question = self._question.table, self._question
        if table.days_of is None:
            return [table.relation]
        arguments = named(table.days_of), question.since, question.until
        rows = await self._connection.fetch(query("export/partitions"), *arguments)
        return [row["relation"] for row in rows]

    @asynccontextmanager
    async def _rolled_back(self) -> AsyncIterator[None]:
        """A savepoint to which is rolled back: its locks end with it. After an error the connection is closed."""
        savepoint = self._connection.transaction()
        await savepoint.start()
        yield
        await savepoint.rollback()


def statement(question: Question, outer: str, relation: str, cells: str = "") -> tuple[str, list[Any]]:
    """``sql/export/<outer>.sql`` around the question's source and period, and the values of its parameters.

    ``relation`` and ``cells`` are names that are ours, PostgreSQL's, or quoted by it.
    """
    template = query(f"export/{question.source}")
    if question.table.time is not None:
        template = query("export/period").replace("{source}", template)
    template = query(f"export/{outer}").replace("{source}", template)
    used = dict.fromkeys(name for _, name, _, _ in Formatter().parse(template) if name in _PARAMETERS)
    numbers = {str(name): f"${number}" for number, name in enumerate(used, 1)}
    ours = {"relation": named(relation), "time": question.table.time, "cells": cells, "further": question.further}
    text = template.format(**ours, **numbers)
    return text, [getattr(question, str(name)) for name in used]


@asynccontextmanager
async def open_export(
    settings: Settings, question: Question, cells: Cells, statement_timeout_s: float | None = None
) -> AsyncIterator[Export]:
    """A snapshot on a connection of its own, that acts as the API's role and can only read.

    A statement ends after EXPORT_TIMEOUT_S, or the time given here (0: none). Leaving it early, also by cancellation,
    ends what PostgreSQL is still doing for it.
    """
    timeout_s = settings.export_timeout_s if statement_timeout_s is None else statement_timeout_s
    connection = await asyncpg.connect(
        **settings.pg_dsn,
        timeout=CONNECT_TIMEOUT_S,
        statement_cache_size=0,  # each day's statement is another one
        server_settings={
            "application_name": "liontrack export",
            "timezone": "UTC",
            "datestyle": "ISO",
            "extra_float_digits": "1",
            "jit": "off",
            "max_parallel_workers_per_gather": "0",  # leave the cores to ingestion
            "synchronize_seqscans": "off",  # the first rows are the first rows, whoever else reads
            "default_transaction_read_only": "on",
            "statement_timeout": f"{timeout_s:.0f}s",
            "lock_timeout": f"{LOCK_TIMEOUT_S:.0f}s",
            **acting_as(settings.pg_api_role),
        },
    )
    try:
        await connection.transaction(isolation="repeatable_read", readonly=True).start()
        await connection.fetchval(query("generations/live"))  # none is exchanged while this goes on
        yield Export(connection, question, cells)
    finally:
        with suppress(OSError, asyncpg.PostgresError, *LOST):
            await connection.close(timeout=CLOSE_TIMEOUT_S)
