"""Old days leave bronze once the lake verifiably holds each of their rows.

::

    bronze, one day    p0 ├────── offsets ──────┤    every row lies in the range of a bronze file of that day, each file
    files of that day  p0 ├───────┤├────────────┤    has as many rows as its range, and reads back with its sha256
    watermark          p0 ──────────────────────┴──► past the day's last row
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date

import asyncpg

from liontrack_stream.lake.catalog import BRONZE
from liontrack_stream.lake.generations import with_live_lake
from liontrack_stream.lake.manifest import exact_dates
from liontrack_stream.lake.ports import LakeError, LakeFile
from liontrack_stream.lake.store import open_store
from liontrack_stream.lake.verify import file_problems
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import query

_TOPICS = {table.relation: table.topic for table in BRONZE.values()}
_DROP_ATTEMPTS = 5
_SERVER_SETTINGS = {
    "application_name": "liontrack retain",
    "timezone": "UTC",
    "lock_timeout": "2s",
    "plan_cache_mode": "force_custom_plan",  # a plan for all days would lock all partitions
}

Report = Callable[[str, str], None]  # (which partition, what is being done)


@dataclass(frozen=True, slots=True)
class BronzeDay:
    """One day partition of bronze, and what became of it. ``kept_because`` is None where it may go or has gone."""

    table: str
    day: date
    row_count: int
    byte_count: int
    kept_because: str | None
    dropped: bool = False

    @property
    def name(self) -> str:
        return f"bronze.{self.table} {self.day.isoformat()}"


class Retention:
    """Judges and drops day partitions of bronze; nothing but bronze is ever dropped."""

    def __init__(
        self, settings: Settings, connection: asyncpg.Connection, report: Report = lambda part, message: None
    ) -> None:
        self._connection, self._report = connection, report
        self._store = open_store(settings)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, report: Report = lambda part, message: None) -> AsyncIterator[Retention]:
        """Connect, for as long as the context lasts."""
        connection = await asyncpg.connect(**settings.pg_dsn, server_settings=_SERVER_SETTINGS, timeout=10)
        try:
            await exact_dates(connection)
            yield cls(await with_live_lake(settings), connection, report)
        finally:
            await connection.close()

    async def first_kept_day(self, days: int) -> date:
        """The first of the last ``days`` UTC days, by the database's clock."""
        return await self._connection.fetchval(query("retain/before"), days)

    async def run(self, before: date, dry_run: bool = False) -> AsyncIterator[BronzeDay]:
        """Judge each partition of a day before ``before``, oldest first, and drop it where the lake holds it."""
        for table, day, byte_count in await self._connection.fetch(query("retain/days"), before):
            counts = await self._connection.fetch(query("retain/rows").format(table=table), day)
            rows = sum(count["row_count"] for count in counts)
            reason = await self._missing_in_lake(table, day, counts)
            judged = BronzeDay(table, day, rows, byte_count, reason)
            yield judged if reason or dry_run else await self._drop(judged)

    async def _missing_in_lake(self, table: str, day: date, counts: list[asyncpg.Record]) -> str | None:
        """Why the lake cannot stand in for these rows, None when it can."""
        topic, part = _TOPICS[table], f"bronze.{table} {day.isoformat()}"
        watermarks = {
            (row["topic"], row["partition"]): row["exported"]
            for row in await self._connection.fetch(query("lake/progress"))
        }
        for partition, _, last_offset in counts:
            exported = watermarks.get((topic, partition), 0)
            if exported <= last_offset:
                return f"partition {partition}: the lake ends before offset {exported}, the day at {last_offset}"
        files = [LakeFile(**dict(row)) for row in await self._connection.fetch(query("retain/files"), topic, day)]
        ranges = [[getattr(file, name) for file in files] for name in ("partition", "first_offset", "next_offset")]
        found = await self._connection.fetch(query("retain/rows_of_files").format(table=table), day, *ranges)
        held = [(file, row["row_count"]) for file, row in zip(files, found, strict=True) if row["row_count"]]
        reason = _uncovered({partition: row_count for partition, row_count, _ in counts}, held)
        if reason is not None:
            return reason
        for n, (file, _) in enumerate(held, 1):
            self._report(part, f"verifying file {n} of {len(held)}")
            problems = await asyncio.to_thread(file_problems, self._store, file)
            if problems:
                return problems[0]
        return None

    async def _drop(self, judged: BronzeDay) -> BronzeDay:
        """Drop in a transaction of its own; a lock that ingestion holds is asked for again."""
        for attempt in range(1, _DROP_ATTEMPTS + 1):
            self._report(judged.name, "dropping" if attempt == 1 else f"dropping, try {attempt}")
            try:
                arguments = judged.table, judged.day, judged.row_count
                if await self._connection.fetchval(query("retain/drop_day"), *arguments):
                    return _with(judged, dropped=True)
                return _with(judged, "rows arrived while it was being verified")
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                await asyncio.sleep(0.2 * attempt)
            except asyncpg.InsufficientPrivilegeError as error:
                raise LakeError(
                    f"Only the owner of the tables can drop a day ({error}): set PG_USER and PG_PASSWORD to the role "
                    "that migrates."
                ) from error
        return _with(judged, f"it was in use: no lock in {_DROP_ATTEMPTS} tries")


def _uncovered(rows: dict[int, int], held: list[tuple[LakeFile, int]]) -> str | None:
    """Which rows of the table are in no file, by counts: ``held`` has each file with the table's rows of its range."""
    for file, count in held:
        if count != file.row_count:
            return f"{file.path} has {file.row_count:,} rows by the manifest, the table {count:,} of these offsets"
    for partition, count in rows.items():
        covered = sum(row_count for file, row_count in held if file.partition == partition)
        if covered != count:
            return f"partition {partition}: the lake's files hold {covered:,} of {count:,} rows"
    return None


def _with(judged: BronzeDay, kept_because: str | None = None, dropped: bool = False) -> BronzeDay:
    return BronzeDay(judged.table, judged.day, judged.row_count, judged.byte_count, kept_because, dropped)
