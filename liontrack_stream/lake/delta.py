"""Delta Lake's log over the lake's files, kept level with the manifest (`LAKE_DELTA`; decision 13).

::

    manifest (PostgreSQL) ──► differences ──► one commit per table ──► <table>/_delta_log
    log as it is ──────────────┘

The manifest is the truth. Whatever was missed, by a crash or while this was off, is in the next commit.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from liontrack_stream.crashpoints import crash_here
from liontrack_stream.lake.catalog import BRONZE, BY_OUTPUT
from liontrack_stream.lake.delta_log import TableLog, checkpoint_name, commit_name, older_than, to_read
from liontrack_stream.lake.layout import LOG_FOLDER
from liontrack_stream.lake.manifest import Manifest
from liontrack_stream.lake.parquet import Encoded
from liontrack_stream.lake.ports import LakeError, LakeFile
from liontrack_stream.lake.store import Store
from liontrack_stream.warehouse.queries import query

LAST_CHECKPOINT = "_last_checkpoint"
CHECKPOINT_EVERY = 50  # versions; what is older than the checkpoint before goes

_TABLES = sorted({f"bronze/{topic}" for topic in BRONZE} | {f"{layer}/{name}" for layer, name in BY_OUTPUT})
Files = dict[str, LakeFile]  # by their path below the table's folder


class DeltaLogs:
    """Writes the logs of all tables; any number of processes may, one at a time does."""

    def __init__(
        self, store: Store, manifest: Manifest, in_thread: Callable[..., Awaitable[Any]] = asyncio.to_thread
    ) -> None:
        self._store, self._manifest, self._in_thread = store, manifest, in_thread
        self._logs: dict[str, TableLog] = {}

    async def run_once(self, anew: Iterable[str] = ()) -> int:
        """Commit the differences; the number of commits. Raises the first table's error after all had their turn.

        ``anew``: tables whose log is beyond reading and begins again.
        """
        commits, errors = 0, []
        async with self._manifest.transaction() as connection:
            await connection.execute(query("lake/lock_delta"))
            listed = by_table(LakeFile(**dict(row)) for row in await connection.fetch(query("lake/manifest")))
            for table in anew:
                await self._in_thread(self._forget, table)
            for table in _TABLES:
                try:
                    commits += await self._in_thread(self._level, table, listed[table])
                except (OSError, LakeError, pa.ArrowException) as error:
                    self._logs.pop(table, None)
                    errors.append(error)
        if errors:
            raise errors[0]
        return commits

    def _level(self, table: str, files: Files) -> bool:
        """One commit when the log is not what the manifest says; whether there was one."""
        log = self._logs.get(table)
        folder = f"{table}/{LOG_FOLDER}"
        if log is None or self._is_another(log, folder):
            log = self._logs[table] = read_log(self._store, table)
        gone, new = _differences(log, files)
        if not gone and not new:
            return False
        data = log.commit(gone, new, [self._schema(file.path) for file in new.values()])
        crash_here("lake.delta.before_commit")
        self._create(f"{folder}/{commit_name(log.version + 1)}", data)
        crash_here("lake.delta.after_commit")
        log.apply(log.version + 1, commit_name(log.version + 1), data)
        if log.version and log.version % CHECKPOINT_EVERY == 0:
            self._checkpoint(folder, log)
        return True

    def _is_another(self, log: TableLog, folder: str) -> bool:
        """Whether the log has gone on without us, or was begun anew: then it may have a version of our last one's
        number, and of other bytes."""
        names = self._store.names(folder)
        if log.last is None:
            return bool(names)
        name, digest = log.last
        if name not in names or commit_name(log.version + 1) in names:
            return True
        return hashlib.sha256(self._store.read(f"{folder}/{name}")).hexdigest() != digest

    def _checkpoint(self, folder: str, log: TableLog) -> None:
        self._create(f"{folder}/{checkpoint_name(log.version)}", log.checkpoint())
        crash_here("lake.delta.after_checkpoint")
        self._create(f"{folder}/{LAST_CHECKPOINT}", log.last_checkpoint(), replace=True)
        for name in older_than(log.version - CHECKPOINT_EVERY, self._store.names(folder)):
            self._store.delete(f"{folder}/{name}")

    def _schema(self, path: str) -> pa.Schema:
        with self._store.open(path) as source:
            return pq.read_schema(source)

    def _create(self, path: str, data: bytes, replace: bool = False) -> None:
        """Raises FileExistsError where another process was faster, unless with ``replace``."""
        staged = self._store.stage(Encoded(pa.py_buffer(data), 0, hashlib.sha256(data).hexdigest()))
        try:
            staged.publish(path, replace)
        finally:
            staged.discard()

    def _forget(self, table: str) -> None:
        self._logs.pop(table, None)
        for path in log_paths(self._store, table):
            self._store.delete(path)


def by_table(files: Iterable[LakeFile]) -> dict[str, Files]:
    tables: dict[str, Files] = defaultdict(dict)
    for file in files:
        table = f"{file.layer}/{file.table_name}"
        tables[table][file.path.removeprefix(f"{table}/")] = file
    return tables


def _differences(log: TableLog, files: Files) -> tuple[set[str], Files]:
    """What a log has and the manifest has not, by path; what the manifest has otherwise or alone."""
    known = log.digests
    return known.keys() - files.keys(), {path: file for path, file in files.items() if known.get(path) != file.sha256}


def read_log(store: Store, table: str) -> TableLog:
    """A table's log as it is; empty where there is none. Raises LakeError when it is broken, OSError."""
    log, folder = TableLog(), f"{table}/{LOG_FOLDER}"
    try:
        for version, name in to_read(store.names(folder)):
            log.apply(version, name, store.read(f"{folder}/{name}").to_pybytes())
    except LakeError as error:
        raise LakeError(f"{table}: {error}") from error
    return log


def log_paths(store: Store, *tables: str) -> list[str]:
    """The files of these tables' logs, of all tables when none is named."""
    folders = (f"{table}/{LOG_FOLDER}" for table in tables or _TABLES)
    return [f"{folder}/{name}" for folder in folders for name in store.names(folder)]


@dataclass(frozen=True, slots=True)
class DeltaProblem:
    """A table's log is not what the manifest says; ``broken``: it cannot be read at all."""

    sentence: str
    broken: bool = False


async def delta_problems(store: Store, manifest: Manifest) -> dict[str, DeltaProblem]:
    """The tables that have one."""
    listed, found = by_table(await manifest.all_files()), {}
    for table in _TABLES:
        try:
            log = await asyncio.to_thread(read_log, store, table)
        except LakeError as error:
            found[table] = DeltaProblem(str(error), broken=True)
            continue
        gone, new = _differences(log, listed[table])
        if differing := sorted(gone | new.keys()):
            found[table] = DeltaProblem(
                f"{table}: the Delta log differs from the manifest in {len(differing)} files, {differing[0]} for one"
            )
    return found


async def repair_delta(store: Store, manifest: Manifest) -> tuple[list[str], list[str]]:
    """Sentences: what was wrong with the logs, and what was done."""
    found = await delta_problems(store, manifest)
    if found:
        await DeltaLogs(store, manifest).run_once([table for table, problem in found.items() if problem.broken])
    done = [
        f"{table}: {'began the Delta log anew' if problem.broken else 'brought the Delta log level'}"
        for table, problem in found.items()
    ]
    return [problem.sentence for problem in found.values()], done
