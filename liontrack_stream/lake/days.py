"""Silver and gold: the day partitions that changed are written again, whole, under their fixed names.

What is too much for memory or for one file is written by `large_days`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from liontrack_stream.crashpoints import crash_here
from liontrack_stream.kafka.ports import Written
from liontrack_stream.lake.catalog import BY_OUTPUT, LakeTable
from liontrack_stream.lake.columns import split_days
from liontrack_stream.lake.large_days import DayFolder, folder_of, has_several, settle_days, write_large
from liontrack_stream.lake.layout import UNDATED, day_path
from liontrack_stream.lake.manifest import DirtyDay, Manifest, Mark
from liontrack_stream.lake.parquet import Encoded, encode
from liontrack_stream.lake.ports import LakeFile
from liontrack_stream.lake.reader import Snapshot
from liontrack_stream.lake.resources import THREADS, Resources, all_tried
from liontrack_stream.lake.store import Staged
from liontrack_stream.warehouse.queries import query

log = logging.getLogger(__name__)

CHUNK_ROWS = 65_536  # rows read at once
HELD_BYTES = 16 << 20  # of Arrow; more of a day are never held: reading, cutting and encoding make some 60 MB of it
ROWS_GUESS = 2_000
QUIET_S = 3.0  # a day nobody touched for so long is probably complete
DEBOUNCE_S = 10.0  # one that keeps changing is written this often
BACKLOG_DEBOUNCE_S = 60.0  # the same while a backlog is processed: most days are still being filled
DEBOUNCE_COSTS = 8.0  # or this many times what a day of its table took last time, rests included, when that is longer
REST_PER_WORK = 2.0  # but for a flush one chunk at a time, and 10 ms of reading are followed by 20 of rest
REST_PER_WORK_IN_BACKLOG = 8.0


@dataclass(slots=True)
class _Chunk:
    """Days of one table, read in one snapshot. ``seen``: the versions of their marks then.

    ``files``, ``folders`` and ``empty`` are what becomes of ``days``, each in one of the three.
    """

    days: set[Mark]
    seen: dict[Mark, int]
    files: list[tuple[LakeFile, Encoded]] = field(default_factory=list)
    folders: list[DayFolder] = field(default_factory=list)
    empty: list[Mark] = field(default_factory=list)

    @property
    def written(self) -> list[LakeFile]:
        return [file for file, _ in self.files] + [file for folder in self.folders for file in folder.files]


class _TooLarge(Exception):
    """More than memory should hold, or than a file should have."""


class _Halted(Exception):
    """The exporter is to stop."""


class DayExporter:
    """Writes silver and gold while this worker leads; one task calls ``run_once``.

    ``max_bytes``: a day of more becomes several files.
    """

    def __init__(
        self,
        resources: Resources,
        manifest: Manifest,
        max_bytes: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        has_backlog: Callable[[], bool] = bool,
    ) -> None:
        self._has_backlog = has_backlog
        self._in_thread, self._store, self._reader = resources.in_thread, resources.store, resources.reader
        self._writers, self._manifest, self._clock = resources.writers, manifest, clock
        self._max_bytes = max_bytes
        self._leading = False
        self._dirty_since: dict[Mark, float] = {}
        self._cost_s: dict[LakeTable, float] = {}
        self._uncertain: set[Mark] = set()  # published, but perhaps not committed
        self._unknown: set[tuple[str, str]] = set()
        self._slots, self._large = asyncio.Semaphore(1), asyncio.Lock()
        self.hurry = threading.Event()  # no rests from now on: the worker is about to end
        self._rest_per_work = REST_PER_WORK
        self.halted = False  # finish the chunks under way, begin no other
        self.files_written = 0
        self.parts_read = 0  # of large days, which take their time
        self.exported: dict[str, Written] = defaultdict(Written)  # lake/layer/table -> rows and time
        self.dirty_days = 0

    async def run_once(self, flush: bool = False) -> int:
        """Write the days that are due, with ``flush`` all dirty ones; the number of files. 0 when another worker leads.

        Raises the first error after all tables had their turn.
        """
        before = self.files_written
        if not await self._lead():
            return 0
        if flush:
            self.hurry.set()
            self._slots = asyncio.Semaphore(THREADS)
        self._rest_per_work = REST_PER_WORK_IN_BACKLOG if self._has_backlog() else REST_PER_WORK
        dirty = self._known(await self._manifest.dirty_days())
        self.dirty_days = len(dirty)
        due: dict[LakeTable, dict[date, int]] = defaultdict(dict)
        for day in dirty:
            if flush or self._is_due(day):
                table = BY_OUTPUT[day.mark[:2]]
                due[table][day.mark[2]] = max(day.rows_before or ROWS_GUESS, due[table].get(day.mark[2], 0))
        await all_tried(self._export_chunk(table, chunk) for table, days in due.items() for chunk in _chunks(days))
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
        """Files and manifest agree before the first write: orphans go, missing or damaged ones become dirty.

        So do days in one file that is larger than one should be.
        """
        listed = await self._manifest.day_files()
        await self._in_thread(settle_days, self._store, listed)
        on_disk = await self._in_thread(lambda: self._store.files("silver") | self._store.files("gold"))
        for path in on_disk.keys() - listed.keys():
            log.info("Lake: removing %s, which a crash left behind", path)
            await self._in_thread(self._store.delete, path)
        lost = {mark for path, (mark, size) in listed.items() if on_disk.get(path) != size}
        if lost:
            log.warning("Lake: %d day files are missing or damaged; writing them again", len(lost))
            await self._manifest.mark_dirty(lost)
        large = {mark for mark, size in listed.values() if size > self._max_bytes and mark[2] != UNDATED}
        if large and self._store.exchanges:
            await self._manifest.mark_dirty(large)

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

    async def _export_chunk(self, table: LakeTable, days: list[date]) -> None:
        """Write days that fit into memory together; those that do not, each for itself."""
        async with self._slots:
            if self.halted:
                return
            began_s = time.perf_counter()
            with suppress(_TooLarge):
                await self._complete(table, await self._in_thread(self._prepare, table, days), began_s)
                return
        if len(days) == 1:
            await self._export_large(table, days[0])
        else:
            for day in days:
                await self._export_chunk(table, [day])

    async def _export_large(self, table: LakeTable, day: date) -> None:
        async with self._large, self._slots:  # after the others of its pass, which wait for a slot already
            began_s = time.perf_counter()
            try:
                chunk = await self._in_thread(self._prepare_large, table, day)
            except _Halted:
                return
            await self._complete(table, chunk, began_s)

    async def _complete(self, table: LakeTable, chunk: _Chunk, began_s: float) -> None:
        """Show the files, record them, and how long a day has taken."""
        self._uncertain |= chunk.days
        await self._in_thread(self._publish, chunk)
        crash_here("lake.days.before_manifest")
        written = chunk.written
        await self._manifest.commit_days(chunk.days, written, chunk.seen)
        crash_here("lake.days.after_manifest")
        for folder in chunk.folders:
            await self._in_thread(folder.finish)
        self._uncertain -= chunk.days
        self.files_written += len(written)
        took_s = time.perf_counter() - began_s
        self._cost_s[table] = took_s / len({day for _, _, day in chunk.days})
        each_s = took_s / max(1, len(written))
        for file in written:
            self.exported[f"lake/{file.layer}/{file.table_name}"] += Written(file.row_count, each_s)
        for mark in chunk.seen:
            self._dirty_since.pop(mark, None)

    def _prepare(self, table: LakeTable, days: list[date]) -> _Chunk:
        """Read the days and their versions in one snapshot; encode a file per day that has rows.

        Raises `_TooLarge`, but for a table without days, which is one file.
        """
        with self._reader.snapshot() as snapshot:
            chunk = _chunk(snapshot, table, days)
            held, held_bytes = [], 0
            for part in snapshot.parts(query(table.query_name).format(days=table.days_condition(days)), self._rest):
                held.append(part)
                held_bytes += part.nbytes
                if held_bytes > HELD_BYTES and table.day_column is not None:
                    raise _TooLarge
        parts = split_days(pa.concat_tables(held), table) if held else {}
        del held
        for day in days:
            part = parts.get(day)
            self._add(chunk, (table.layer, table.name, day), part)
            for derived in table.derived:
                self._add(chunk, (derived.layer, derived.name, day), derived.rows(part) if part else None)
        return chunk

    def _add(self, chunk: _Chunk, mark: Mark, rows: pa.Table | None) -> None:
        if rows is None or rows.num_rows == 0:
            chunk.empty.append(mark)
            return
        encoded = encode(rows)
        if encoded.byte_count > self._max_bytes and mark[2] != UNDATED and self._store.exchanges:
            raise _TooLarge
        file = LakeFile(day_path(*mark), *mark, encoded.row_count, encoded.byte_count, encoded.sha256)
        chunk.files.append((file, encoded))

    def _prepare_large(self, table: LakeTable, day: date) -> _Chunk:
        """Read a day and its versions in one snapshot, a part at a time; write its files where no glob finds them."""
        with self._reader.snapshot() as snapshot:
            snapshot.be_patient()
            chunk = _chunk(snapshot, table, [day])
            rows = snapshot.parts(query(table.query_name).format(days=table.day_in_order(day)), self._rest)
            chunk.folders = write_large(self._store, table, day, self._unless_halted(rows), self._max_bytes)
        chunk.empty += chunk.days - {folder.mark for folder in chunk.folders}
        return chunk

    def _rest(self, worked_s: float) -> None:
        self.hurry.wait(self._rest_per_work * worked_s)

    def _unless_halted(self, parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
        for part in parts:
            if self.halted:
                raise _Halted
            self.parts_read += 1
            yield part

    def _publish(self, chunk: _Chunk) -> None:
        """Write the files side by side: syncing one at a time would mostly wait for the disk."""
        chunk.folders += [
            folder_of(self._store, _mark(one[0]), one) for one in chunk.files if has_several(self._store, _mark(one[0]))
        ]
        chunk.folders += [folder_of(self._store, mark, None) for mark in chunk.empty if has_several(self._store, mark)]
        exchanged = {folder.mark for folder in chunk.folders}
        chunk.files = [one for one in chunk.files if _mark(one[0]) not in exchanged]
        with ExitStack() as cleanup:
            staged = list(self._writers.map(self._store.stage, [encoded for _, encoded in chunk.files]))
            for one in staged:
                cleanup.callback(one.discard)
            crash_here("lake.days.before_rename")
            list(self._writers.map(self._show, staged, [file.path for file, _ in chunk.files]))
            for folder in chunk.folders:
                folder.show()
            for mark in chunk.empty:
                if mark not in exchanged:
                    self._store.delete(day_path(*mark))

    def _show(self, staged: Staged, path: str) -> None:
        staged.publish(path, True)
        crash_here("lake.days.after_rename")


def _chunk(snapshot: Snapshot, table: LakeTable, days: list[date]) -> _Chunk:
    """Days to be read in this snapshot."""
    marks = {(*output, day) for output in table.outputs for day in days}
    versions = snapshot.rows(query("lake/dirty_versions")).to_pylist()
    seen = {(v["layer"], v["table_name"], v["day"]): v["version"] for v in versions}
    return _Chunk(marks, {mark: version for mark, version in seen.items() if mark in marks})


def _mark(file: LakeFile) -> Mark:
    return (file.layer, file.table_name, file.day)


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
