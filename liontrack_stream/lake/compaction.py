"""Bronze files of closed days are merged into few large ones; their rows, order and day stay the same.

::

    read, hash, write anew (no lock) ─► lock watermarks ─► files unchanged? ─► manifest ─► exchange ─► COMMIT ─► let go
                                        └────────────── exporters wait: some 10 ms ───────────────────┘

Killed anywhere, the day's folder holds its rows once; the manifest decides which of the two folders it lists, and the
next compaction, repair or exporter puts that one in place (``settling``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from liontrack_stream.crashpoints import crash_here
from liontrack_stream.lake.catalog import BRONZE
from liontrack_stream.lake.compaction_plan import DayPlan, plan_days
from liontrack_stream.lake.layout import bronze_day_folder, compacted_path
from liontrack_stream.lake.manifest import Manifest, put_files
from liontrack_stream.lake.parquet import read_some, seal, write_all
from liontrack_stream.lake.ports import LakeError, LakeFile
from liontrack_stream.lake.settling import listed_files, locked_files, remove_orphans, settle_swaps
from liontrack_stream.lake.store import Store
from liontrack_stream.lake.verify import file_problems
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import query

MB = 1 << 20

Report = Callable[[str, str], None]  # (which day, what is being done)


@dataclass(frozen=True, slots=True)
class CompactedDay:
    """What became of a day's files. ``left_because`` is None when they were merged (or would be, in a dry run)."""

    topic: str
    day: date
    files_before: int
    files_after: int
    byte_count: int
    left_because: str | None = None


class CompactionRuns(LakeError):
    """Another compaction of this lake is running."""


class Compactor:
    """Merges the closed days of all topics; one at a time per lake."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        manifest: Manifest,
        *,
        report: Report = lambda part, message: None,
        halted: Callable[[], bool] = lambda: False,
        in_thread: Callable[..., Awaitable[Any]] = asyncio.to_thread,
    ) -> None:
        self._in_thread = in_thread
        self._min_bytes, self._max_bytes = settings.lake_compact_min_mb * MB, settings.lake_compact_max_bytes
        self._store, self._manifest, self._report, self._halted = store, manifest, report, halted

    async def run(self, before: date | None = None, dry_run: bool = False) -> list[CompactedDay]:
        """Compact the days before ``before`` (default: today, UTC) that have too many files.

        Raises
        ------
        CompactionRuns
            Another one has begun and not ended.
        LakeError
            The lake's file system cannot exchange folders.
        """
        async with self._manifest.transaction() as connection:
            if not await connection.fetchval(query("lake/lead_compaction")):
                raise CompactionRuns("Another compaction of this lake is running.")
            today = await connection.fetchval(query("lake/today"))
        done: list[CompactedDay] = []
        for topic in BRONZE:
            if not dry_run:
                await settle_swaps(self._manifest, self._store, topic)
            async with self._manifest.transaction() as connection:
                files = await listed_files(connection, topic)
            for plan in plan_days(files, min(before or today, today), self._min_bytes, self._max_bytes):
                if self._halted():
                    return done
                done.append(await self._compact(plan, dry_run))
        return done

    async def _compact(self, plan: DayPlan, dry_run: bool) -> CompactedDay:
        merged = [file for group in plan.merged for file in group]
        before = len(plan.kept) + len(merged)
        day = CompactedDay(plan.topic, plan.day, before, before, sum(f.byte_count for f in [*plan.kept, *merged]))
        reason = await self._not_yet(plan)
        if reason is None and not dry_run:
            reason = await self._replace(plan)
        if reason is not None:
            return replace(day, left_because=reason)
        return replace(day, files_after=len(plan.kept) + len(plan.merged))

    async def _not_yet(self, plan: DayPlan) -> str | None:
        sql = query("lake/awaits_export").format(table=BRONZE[plan.topic].relation)
        async with self._manifest.transaction() as connection:
            awaits = await connection.fetchval(sql, plan.topic, plan.day)
        return "records of this day wait for their export" if awaits else None

    async def _replace(self, plan: DayPlan) -> str | None:
        """Merge, exchange, record; why not, None when done."""
        merged = [file for group in plan.merged for file in group]
        kept, gone = {_name(file) for file in plan.kept}, {_name(file) for file in merged}
        swap = await self._in_thread(self._store.swap, bronze_day_folder(plan.topic, plan.day), kept, gone)
        shown = False
        try:
            new = []
            for n, group in enumerate(plan.merged, 1):
                self._report(_title(plan), f"merging {len(group)} files, {n} of {len(plan.merged)}")
                problems = await self._in_thread(self._problems, group)
                if problems:
                    return f"{problems[0]}; `liontrack lake repair` first"
                new.append(await self._in_thread(self._merge, swap.folder, group))
            await self._in_thread(swap.prepare)
            crash_here("lake.compact.staged")
            self._report(_title(plan), "exchanging")
            async with self._manifest.transaction() as connection:
                now = [f for f in await locked_files(connection, plan.topic) if f.day == plan.day]
                if set(now) != {*plan.kept, *merged}:
                    return "its files changed meanwhile; the next compaction takes it"
                await connection.execute(query("lake/remove_files"), [file.path for file in merged])
                await put_files(connection, new)
                crash_here("lake.compact.before_swap")
                shown = True
                await self._in_thread(swap.show)
                crash_here("lake.compact.after_swap")
            crash_here("lake.compact.after_manifest")
            await self._in_thread(swap.finish)
            crash_here("lake.compact.finished")
        except BaseException:
            if shown:  # whether it was committed is for the manifest to say
                await self._settle(plan.topic)
            raise
        finally:
            if not shown:
                await self._in_thread(swap.discard)
        return None

    async def _settle(self, topic: str) -> None:
        try:
            await settle_swaps(self._manifest, self._store, topic)
            await remove_orphans(self._manifest, self._store, topic)
        except Exception as error:
            self._report(topic, f"unsettled, the next compaction, repair or worker does it: {error}")

    def _problems(self, group: tuple[LakeFile, ...]) -> list[str]:
        return [problem for file in group for problem in file_problems(self._store, file)]

    def _merge(self, folder: Path, group: tuple[LakeFile, ...]) -> LakeFile:
        first, last = group[0], group[-1]
        assert first.topic is not None and first.partition is not None
        assert first.first_offset is not None and last.next_offset is not None
        path = compacted_path(first.topic, first.partition, first.first_offset, last.next_offset, first.day)
        target = folder / path.rsplit("/", 1)[-1]
        schema = BRONZE[first.topic].schema
        row_count = write_all(_rows(self._store, group, schema), schema, str(target))
        expected = sum(file.row_count for file in group)
        if row_count != expected:
            raise LakeError(f"{path} would have {row_count} rows instead of {expected}")
        byte_count, digest = seal(target)
        return replace(
            first, path=path, next_offset=last.next_offset, row_count=row_count, byte_count=byte_count, sha256=digest
        )


def _rows(store: Store, group: tuple[LakeFile, ...], schema: pa.Schema) -> Iterator[pa.Table]:
    """The files' rows in offset order, some at a time."""
    for file in group:
        with store.open(file.path) as source:
            for batch in read_some(source):
                yield pa.Table.from_batches([batch]).cast(schema)


def _name(file: LakeFile) -> str:
    return file.path.rsplit("/", 1)[-1]


def _title(plan: DayPlan) -> str:
    return f"{plan.topic} {plan.day.isoformat()}"
