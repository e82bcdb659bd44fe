"""Silver and gold: the day partitions that changed are written again, whole, under their fixed names."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from liontrack_stream.crashpoints import crash_here
from liontrack_stream.kafka.ports import Written
from liontrack_stream.lake.catalog import BY_OUTPUT, LakeTable
from liontrack_stream.lake.columns import split_days
from liontrack_stream.lake.layout import day_path
from liontrack_stream.lake.manifest import DirtyDay, Manifest, Mark
from liontrack_stream.lake.parquet import Encoded, encode
from liontrack_stream.lake.ports import LakeFile
from liontrack_stream.lake.resources import Resources
from liontrack_stream.lake.store import Staged
from liontrack_stream.warehouse.queries import query

log = logging.getLogger(__name__)

CHUNK_ROWS = 65_536  # rows read at once: two chunks under way cost some 100 MB
ROWS_GUESS = 2_000
QUIET_S = 3.0  # a day nobody touched for so long is probably complete
DEBOUNCE_S = 10.0  # one that keeps changing is written this often
BACKLOG_DEBOUNCE_S = 60.0  # the same while a backlog is processed: most days are still being filled
DEBOUNCE_COSTS = 20.0  # or this many times what its table took last time, when that is longer
_AT_ONCE = 2


@dataclass(slots=True)
class _Chunk:
    """Days of one table, read in one snapshot. ``seen``: the versions of their marks then."""

    seen: dict[Mark, int]
    files: list[tuple[LakeFile, Encoded]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


class DayExporter:
    """Writes silver and gold while this worker leads; one task calls ``run_once``."""

    def __init__(
        self,
        resources: Resources,
        manifest: Manifest,
        *,
        clock: Callable[[], float] = time.monotonic,
        has_backlog: Callable[[], bool] = bool,
    ) -> None:
        self._has_backlog = has_backlog
        self._in_thread, self._store, self._reader = resources.in_thread, resources.store, resources.reader
        self._writers, self._manifest, self._clock = resources.writers, manifest, clock
        self._leading = False
        self._dirty_since: dict[Mark, float] = {}
        self._cost_s: dict[LakeTable, float] = {}
        self._uncertain: set[Mark] = set()  # published, but perhaps not committed
        self._unknown: set[tuple[str, str]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self.halted = False  # finish the chunks under way, begin no other
        self.files_written = 0
        self.exported: dict[str, Written] = defaultdict(Written)  # lake/layer/table -> rows and time
        self.dirty_days = 0

    async def run_once(self, flush: bool = False) -> int:
        """Write the days that are due, with ``flush`` all dirty ones; the number of files. 0 when another worker leads.

        Raises the first error after all tables had their turn.
        """
        before = self.files_written
        if not await self._lead():
            return 0
        dirty = self._known(await self._manifest.dirty_days())
        self.dirty_days = len(dirty)
        due: dict[LakeTable, dict[date, int]] = defaultdict(dict)
        for day in dirty:
            if flush or self._is_due(day):
                table = BY_OUTPUT[day.mark[:2]]
                due[table][day.mark[2]] = max(day.rows_before or ROWS_GUESS, due[table].get(day.mark[2], 0))
        tables = (self._export(table, days) for table, days in due.items())
        results = await asyncio.gather(*tables, return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        if errors:
            raise errors[0]
        return self.files_written - before

    async def leads(self) -> bool:
        return await self._manifest.lead()

    async def _lead(self) -> bool:
        """Whether this worker leads; it does once its files agree with the manifest, however often that takes."""
        if not await self._manifest.lead():
            self._leading = False
            return False
        if self._uncertain:
            await self._manifest.mark_dirty(self._uncertain)
            self._uncertain.clear()
            self._leading = False
        if not self._leading:
            await self._reconcile()
            self._leading = True
        return True

    async def _reconcile(self) -> None:
        """Files and manifest agree before the first write: orphans go, missing or damaged ones become dirty."""
        listed = await self._manifest.day_files()
        on_disk = await self._in_thread(lambda: self._store.files("silver") | self._store.files("gold"))
        for path in on_disk.keys() - listed.keys():
            log.info("Lake: removing %s, which a crash left behind", path)
            await self._in_thread(self._store.delete, path)
        lost = {mark for path, (mark, size) in listed.items() if on_disk.get(path) != size}
        if lost:
            log.warning("Lake: %d day files are missing or damaged; writing them again", len(lost))
            await self._manifest.mark_dirty(lost)

    def _known(self, dirty: list[DirtyDay]) -> list[DirtyDay]:
        unknown = {day.mark[:2] for day in dirty} - BY_OUTPUT.keys() - self._unknown
        if unknown:
            self._unknown |= unknown
            log.warning("Lake: no file is kept for %s", ", ".join(sorted(f"{layer}.{name}" for layer, name in unknown)))
        return [day for day in dirty if day.mark[:2] in BY_OUTPUT]

    def _is_due(self, day: DirtyDay) -> bool:
        since = self._dirty_since.setdefault(day.mark, self._clock())
        backlog = self._has_backlog()
        debounce_s = BACKLOG_DEBOUNCE_S if backlog else DEBOUNCE_S
        patience_s = max(debounce_s, DEBOUNCE_COSTS * self._cost_s.get(BY_OUTPUT[day.mark[:2]], 0.0))
        return (day.quiet_s >= QUIET_S and not backlog) or self._clock() - since >= patience_s

    async def _export(self, table: LakeTable, days: dict[date, int]) -> None:
        began = self._clock()
        chunks = (self._export_chunk(table, chunk) for chunk in _chunks(days))
        results = await asyncio.gather(*chunks, return_exceptions=True)
        self._cost_s[table] = (self._clock() - began) / len(days)
        errors = [result for result in results if isinstance(result, BaseException)]
        if errors:
            raise errors[0]

    async def _export_chunk(self, table: LakeTable, days: list[date]) -> None:
        async with self._slots:
            if self.halted:
                return
            began_s = time.perf_counter()
            chunk = await self._in_thread(self._prepare, table, days)
            marks = chunk.seen.keys() | {(file.layer, file.table_name, file.day) for file, _ in chunk.files}
            self._uncertain |= marks
            await self._in_thread(self._publish, chunk)
            crash_here("lake.days.before_manifest")
            await self._manifest.commit_days([file for file, _ in chunk.files], chunk.removed, chunk.seen)
            crash_here("lake.days.after_manifest")
            self._uncertain -= marks
            self.files_written += len(chunk.files)
            each_s = (time.perf_counter() - began_s) / max(1, len(chunk.files))
            for file, _ in chunk.files:
                self.exported[f"lake/{file.layer}/{file.table_name}"] += Written(file.row_count, each_s)
            for mark in chunk.seen:
                self._dirty_since.pop(mark, None)

    def _prepare(self, table: LakeTable, days: list[date]) -> _Chunk:
        """Read the days and their versions in one snapshot; stage a file per day that has rows."""
        wanted = {(*output, day) for output in table.outputs for day in days}
        with self._reader.snapshot() as snapshot:
            versions = snapshot.rows(query("lake/dirty_versions")).to_pylist()
            rows = snapshot.rows(query(table.query_name).format(days=table.days_condition(days)))
        marks = {(v["layer"], v["table_name"], v["day"]): v["version"] for v in versions}
        chunk = _Chunk({mark: version for mark, version in marks.items() if mark in wanted})
        parts = split_days(rows, table)
        del rows
        for day in days:
            part = parts.get(day)
            _add(chunk, table.layer, table.name, day, part)
            for derived in table.derived:
                _add(chunk, derived.layer, derived.name, day, derived.rows(part) if part else None)
        return chunk

    def _publish(self, chunk: _Chunk) -> None:
        """Write the files side by side: syncing one at a time would mostly wait for the disk."""
        with ExitStack() as cleanup:
            staged = list(self._writers.map(self._store.stage, [encoded for _, encoded in chunk.files]))
            for one in staged:
                cleanup.callback(one.discard)
            crash_here("lake.days.before_rename")
            list(self._writers.map(self._show, staged, [file.path for file, _ in chunk.files]))
            for path in chunk.removed:
                self._store.delete(path)

    def _show(self, staged: Staged, path: str) -> None:
        staged.publish(path, True)
        crash_here("lake.days.after_rename")


def _add(chunk: _Chunk, layer: str, name: str, day: date, rows: pa.Table | None) -> None:
    path = day_path(layer, name, day)
    if rows is None or rows.num_rows == 0:
        chunk.removed.append(path)
        return
    encoded = encode(rows)
    file = LakeFile(path, layer, name, day, encoded.row_count, encoded.byte_count, encoded.sha256)
    chunk.files.append((file, encoded))


def _chunks(days: dict[date, int]) -> list[list[date]]:
    """Days in order, cut where their expected rows exceed CHUNK_ROWS."""
    chunks: list[list[date]] = []
    rows = CHUNK_ROWS
    for day, expected in sorted(days.items()):
        if rows + expected > CHUNK_ROWS:
            chunks.append([])
            rows = 0
        chunks[-1].append(day)
        rows += expected
    return chunks
