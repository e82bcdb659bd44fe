"""The manifest, the watermarks and the dirty days: the lake's own tables, over one connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date

import asyncpg

from liontrack_stream.lake.ports import LakeError, LakeFile, TopicPartition, WatermarkMoved
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.pool import acting_as
from liontrack_stream.warehouse.queries import query

Mark = tuple[str, str, date]
"""(layer, table, day) of a day partition."""

_SERVER_SETTINGS = {
    "application_name": "liontrack lake",
    "timezone": "UTC",
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",  # a paused exporter lets go of its watermark
}


@dataclass(frozen=True, slots=True)
class DirtyDay:
    """A day partition to write. ``rows_before`` is None when it has no file yet."""

    mark: Mark
    version: int
    quiet_s: float
    rows_before: int | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Offsets of one partition: the warehouse's next, and the bronze files' next."""

    stored: int
    exported: int


class Manifest:
    """One connection, used by one task at a time, opened again when it broke.

    ``live``: the generation whose files these are. A transaction fails once another one is live, for its manifest lists
    files of another place. None: do not look.
    """

    def __init__(self, settings: Settings, live: int | None = None) -> None:
        self._settings, self._live = settings, live
        self._connection: asyncpg.Connection | None = None
        self._leading_on: asyncpg.Connection | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._lock:
            connection = await self._open()
            async with connection.transaction():
                if self._live not in (None, await self._live_now(connection)):
                    raise LakeError(f"Generation {self._live} is no longer live.")
                yield connection

    async def _live_now(self, connection: asyncpg.Connection) -> int | None:
        return None if self._live is None else await connection.fetchval(query("generations/live"))

    async def _open(self) -> asyncpg.Connection:
        connection = self._connection
        if connection is None or connection.is_closed():
            server_settings = _SERVER_SETTINGS | acting_as(self._settings.pg_ingest_role)
            connection = await asyncpg.connect(
                **self._settings.pg_dsn, server_settings=server_settings, timeout=5, command_timeout=90
            )
            await exact_dates(connection)
            self._connection = connection
        return connection

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close(timeout=5)

    # Bronze

    async def progress(self) -> dict[TopicPartition, Progress]:
        async with self.transaction() as connection:
            rows = await connection.fetch(query("lake/progress"))
        return {(row["topic"], row["partition"]): Progress(row["stored"], row["exported"]) for row in rows}

    # Silver and gold

    async def lead(self) -> bool:
        """Whether this connection holds the right to write silver and gold, taking it when it is free."""
        async with self._lock:
            connection = await self._open()
            if self._leading_on is not connection:
                self._leading_on = connection if await connection.fetchval(query("lake/lead_days")) else None
            return self._leading_on is connection

    async def dirty_days(self) -> list[DirtyDay]:
        async with self.transaction() as connection:
            rows = await connection.fetch(query("lake/dirty_days"))
        return [
            DirtyDay((row["layer"], row["table_name"], row["day"]), row["version"], row["quiet_s"], row["rows_before"])
            for row in rows
        ]

    async def day_files(self) -> dict[str, tuple[Mark, int]]:
        """The manifest of silver and gold: path to (mark, bytes)."""
        async with self.transaction() as connection:
            rows = await connection.fetch(query("lake/manifest_days"))
        return {row["path"]: ((row["layer"], row["table_name"], row["day"]), row["byte_count"]) for row in rows}

    async def mark_dirty(self, marks: Iterable[Mark]) -> None:
        async with self.transaction() as connection:
            await connection.execute(query("lake/mark_dirty"), *_columns(sorted(marks), 3))

    async def commit_days(self, days: Iterable[Mark], written: list[LakeFile], seen: dict[Mark, int]) -> None:
        """Record that these days have these files and no others; forget the marks that are still at the version that
        was exported.

        Raises ``LakeError`` when the lead was lost meanwhile.
        """
        async with self.transaction() as connection:
            if self._leading_on is None or self._leading_on is not connection:
                raise LakeError("the connection that led the export of silver and gold broke")
            if written:
                await put_files(connection, written)
            paths = [file.path for file in written]
            await connection.execute(query("lake/remove_other_files"), *_columns(sorted(days), 3), paths)
            marks = [(*mark, version) for mark, version in sorted(seen.items())]
            await connection.execute(query("lake/clear_dirty"), *_columns(marks, 4))

    async def all_files(self) -> list[LakeFile]:
        async with self.transaction() as connection:
            rows = await connection.fetch(query("lake/manifest"))
        return [LakeFile(**dict(row)) for row in rows]


async def exact_dates(connection: asyncpg.Connection) -> None:
    """Send 0001-01-01 as that day; asyncpg alone makes it -infinity."""
    epoch = date(2000, 1, 1).toordinal()
    await connection.set_type_codec(
        "date",
        schema="pg_catalog",
        encoder=lambda day: (day.toordinal() - epoch,),
        decoder=lambda row: date.fromordinal(row[0] + epoch),
        format="tuple",
    )


async def put_files(connection: asyncpg.Connection, files: list[LakeFile]) -> None:
    rows = [
        (f.path, f.layer, f.table_name, f.day, f.topic, f.partition, f.first_offset, f.next_offset, f.row_count,
         f.byte_count, f.sha256)
        for f in files
    ]  # fmt: skip
    await connection.execute(query("lake/put_files"), *_columns(rows, 11))


async def locked_watermark(connection: asyncpg.Connection, topic: str, partition: int) -> int:
    """The partition's watermark, locked until the transaction ends; created at 0 where there is none."""
    await connection.execute(query("lake/add_watermark"), topic, partition)
    return int(await connection.fetchval(query("lake/lock_watermark"), topic, partition))


async def move_watermark(connection: asyncpg.Connection, topic: str, partition: int, old: int, new: int) -> None:
    """Raises ``WatermarkMoved`` when it is not at ``old``."""
    status = await connection.execute(query("lake/move_watermark"), topic, partition, old, new)
    if status != "UPDATE 1":
        raise WatermarkMoved(f"{topic}/{partition} is no longer at {old}")


def _columns(rows: list, count: int) -> list[list]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(count)]
