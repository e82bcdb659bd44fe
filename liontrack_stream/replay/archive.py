"""Records that Kafka no longer holds: from the live generation's bronze files, and from bronze what no file holds.

::

    offsets   ├── bronze files, each verified first ──┤├─ bronze (no file yet) ─┤├── Kafka ──►
                     │ damaged, lost
                     └──► bronze, where it still has all of the file's rows; else an error that names them
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from liontrack_stream.contract.events import Rejected
from liontrack_stream.contract.redact import REMOVED
from liontrack_stream.contract.topics import ACTIVITIES
from liontrack_stream.kafka.ports import Partition
from liontrack_stream.lake.catalog import BRONZE
from liontrack_stream.lake.manifest import exact_dates
from liontrack_stream.lake.parquet import UNREADABLE
from liontrack_stream.lake.ports import LakeError, LakeFile
from liontrack_stream.lake.store import Store, open_store
from liontrack_stream.lake.verify import file_problems
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.bronze import headers_from_json
from liontrack_stream.warehouse.queries import live_query

COLUMNS = ("offset", "append_time", "key", "headers", "raw", "metadata")
_EPOCH, _MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
HOLE_MAX = 1  # between two files of a lake that was written before their ranges had to continue each other
_REMOVED = REMOVED.encode()
_LOCK_WITHIN = "2s"  # a swap asks while it locks these tables: better to be told than to wait for ourselves


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as Kafka held it. ``verdict`` where a secret was cut out of a value that was rejected as it came."""

    offset: int
    timestamp: int  # milliseconds since 1970
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    verdict: Rejected | None = None


@dataclass(slots=True)
class _OpenFile:
    """A bronze file that is being read: what follows ``at`` is in ``rows``."""

    file: LakeFile
    source: pa.NativeFile
    rows: Iterator[pa.RecordBatch]
    at: int


class Archive:
    """Reads one partition after the other, or several at once; each from one place at a time.

    ``from_lake`` and ``from_bronze`` count the records that were read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stores: dict[int, Store] = {}
        self._open: dict[Partition, _OpenFile] = {}
        self._failed_at: dict[Partition, int] = {}
        self._connection: asyncpg.Connection | None = None
        self._lock = asyncio.Lock()
        self.from_lake = self.from_bronze = 0

    async def close(self) -> None:
        """Close files and connection."""
        for partition in [*self._open]:
            self._close(partition)
        if self._connection is not None:
            await self._connection.close(timeout=5)

    async def watermark(self, partition: Partition) -> int:
        """The offset that the partition's bronze files end before."""
        return int((await self._listed(partition, 0))["watermark"])

    async def part(self, partition: Partition, offset: int, end: int, limit: int) -> tuple[list[Kept], int]:
        """The next records from ``offset`` on, below ``end`` and about ``limit`` at most; and the offset to go on from.

        Raises
        ------
        LakeError
            Where offsets are held by nobody; names them.
        """
        opened = self._open.get(partition)
        if opened is None or opened.at != offset:
            self._close(partition)
            row = await self._listed(partition, offset)
            first = row["first_offset"]
            if first is None or first > offset:
                until = end if first is None else min(first, end)
                return await self._between(partition, offset, until, limit, row["watermark"])
            file = LakeFile(**{name: row[name] for name in LakeFile.__dataclass_fields__})
            problem = await self._open_file(partition, file, row["live"], offset, limit)
            if problem is not None:
                return await self._instead(partition, file, offset, end, limit, problem)
            opened = self._open[partition]
        return await self._next(partition, opened, end)

    # -- the lake

    async def _listed(self, partition: Partition, offset: int) -> asyncpg.Record:
        return (await self._fetch(live_query("generations/archived_file"), *partition, offset))[0]

    async def _open_file(self, partition: Partition, file: LakeFile, live: int, offset: int, limit: int) -> str | None:
        """Verify a file and open it at an offset; what is wrong with it, else None."""
        if live not in self._stores:
            self._stores[live] = open_store(self._settings.with_lake_of(live))
        store = self._stores[live]
        problems = await asyncio.to_thread(file_problems, store, file)
        if problems:
            return problems[0]
        source = store.open(file.path)
        self._open[partition] = _OpenFile(file, source, _batches(source, offset, limit), offset)
        return None

    async def _next(self, partition: Partition, opened: _OpenFile, end: int) -> tuple[list[Kept], int]:
        try:
            rows = await asyncio.to_thread(next, opened.rows, None)
        except UNREADABLE as error:  # compacted meanwhile, perhaps
            self._close(partition)
            if self._failed_at.get(partition) == opened.at:
                raise LakeError(f"{opened.file.path} cannot be read: {error}") from error
            self._failed_at[partition] = opened.at
            return [], opened.at
        if rows is None:
            self._close(partition)
            return [], min(end, opened.file.next_offset or end)
        found = rows.filter(pc.less(rows["offset"], end)) if _last_offset(rows) >= end else rows
        records = await self.records(partition, found)
        self.from_lake += len(records)
        opened.at = records[-1].offset + 1 if records else opened.at
        if found.num_rows < rows.num_rows:  # what follows is not wanted now
            self._close(partition)
            return records, end
        return records, opened.at

    def _close(self, partition: Partition) -> None:
        opened = self._open.pop(partition, None)
        if opened is not None:
            opened.source.close()

    # -- bronze

    async def _between(
        self, partition: Partition, offset: int, end: int, limit: int, watermark: int
    ) -> tuple[list[Kept], int]:
        """What no file holds.

        From the watermark on nothing is written yet: bronze has all that was stored, and what it lacks is no record
        (markers and records of transactions, or compacted). Before it a file's range holds each offset, or held it.
        """
        records, at = await self._bronze(partition, offset, end, limit), offset
        reached = [record.offset for record in records]
        if len(records) < limit:
            reached.append(end)
        for n, following in enumerate(reached):
            if min(following, watermark) - at <= HOLE_MAX:
                at = following + 1
            elif n:
                return records[:n], at  # the hole is told when these are stored
            else:
                last = min(following, watermark) - 1
                raise LakeError(
                    f"{partition_name(partition)}: offsets {at:,}–{last:,} are gone from Kafka, and neither "
                    "the lake nor bronze holds them."
                )
        return records, min(at, end)

    async def _instead(
        self, partition: Partition, file: LakeFile, offset: int, end: int, limit: int, problem: str
    ) -> tuple[list[Kept], int]:
        """A damaged file's rows, where bronze has all of them."""
        table = f"bronze.{BRONZE[partition[0]].relation}"
        sql = live_query("generations/archived_count").format(table=table)
        count = (await self._fetch(sql, partition[1], file.first_offset, file.next_offset))[0][0]
        if count != file.row_count:
            raise LakeError(
                f"{partition_name(partition)}: offsets {offset:,}–{(file.next_offset or 0) - 1:,} are gone from Kafka, "
                f"{problem}, and bronze has {count:,} of its {file.row_count:,} rows."
            )
        end = min(end, file.next_offset or end)
        records = await self._bronze(partition, offset, end, limit)
        return records, records[-1].offset + 1 if len(records) == limit else end

    async def _bronze(self, partition: Partition, offset: int, end: int, limit: int) -> list[Kept]:
        sql = live_query(BRONZE[partition[0]].query_name).format(
            partition=partition[1], first_offset=offset, next_offset=end, limit=limit
        )
        rows = await self._fetch(sql)
        records = await self._as_kept(partition, (_values(row) for row in rows))
        self.from_bronze += len(records)
        return records

    # -- both

    async def records(self, partition: Partition, rows: pa.RecordBatch) -> list[Kept]:
        """Rows of a bronze file, with `COLUMNS` at least, as the records that they were."""
        return await self._as_kept(partition, _columns(rows))

    async def _as_kept(self, partition: Partition, rows: Iterable[tuple[Any, ...]]) -> list[Kept]:
        """The same of values, times in milliseconds."""
        found, unsure = [], []
        for offset, at_ms, key, headers, value, note in rows:
            found.append(Kept(offset, at_ms, key, value, headers_from_json(headers)))
            if partition[0] == ACTIVITIES.name and note and '"rejected"' in note and value and _REMOVED in value:
                unsure.append(offset)
        verdicts = await self._verdicts(partition, unsure)
        return [replace(record, verdict=verdicts.get(record.offset)) for record in found] if verdicts else found

    async def _verdicts(self, partition: Partition, offsets: Collection[int]) -> Mapping[int, Rejected]:
        """Why records were rejected whose bytes are no longer what they were."""
        if not offsets:
            return {}
        rows = await self._fetch(live_query("generations/archived_verdicts"), *partition, offsets)
        return {row["offset"]: Rejected(row["rule"], row["reason"]) for row in rows}

    async def _fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        async with self._lock:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(
                    **self._settings.pg_dsn, timeout=10, server_settings=_SERVER_SETTINGS
                )
                await exact_dates(self._connection)
            return list(await self._connection.fetch(sql, *arguments))


_SERVER_SETTINGS = {
    "application_name": "liontrack replay",
    "timezone": "UTC",
    "jit": "off",
    "lock_timeout": _LOCK_WITHIN,
}


def _batches(source: pa.NativeFile, offset: int, limit: int) -> Iterator[pa.RecordBatch]:
    """A file's rows from an offset on, ``limit`` at a time; one row group in memory."""
    file = pq.ParquetFile(source)
    place = file.schema_arrow.names.index("offset")
    for number in range(file.num_row_groups):
        statistics = file.metadata.row_group(number).column(place).statistics
        if statistics is not None and statistics.has_min_max and statistics.max < offset:
            continue
        for batch in file.iter_batches(limit, [number], list(COLUMNS)):
            rows = batch.filter(pc.greater_equal(batch["offset"], offset))
            if rows.num_rows:
                yield rows


def _last_offset(rows: pa.RecordBatch) -> int:
    return int(rows["offset"][-1].as_py())


def _columns(rows: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    columns = {name: rows[name] for name in COLUMNS}
    times_us = columns.pop("append_time").cast(pa.int64())
    values = [column.to_pylist() for column in columns.values()]
    values.insert(1, pc.divide(times_us, 1000).to_pylist())
    return zip(*values, strict=True)


def _values(row: asyncpg.Record) -> tuple[Any, ...]:
    at_ms = (row["append_time"] - _EPOCH) // _MS
    return row["offset"], at_ms, row["key"], row["headers"], row["raw"], row["metadata"]


def partition_name(partition: Partition) -> str:
    """E.g. ``lions.position.events [2]``."""
    return f"{partition[0]} [{partition[1]}]"
