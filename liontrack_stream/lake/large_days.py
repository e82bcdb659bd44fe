"""Days of silver and gold with more rows than memory should hold, or more bytes than a file should have.

::

    PostgreSQL, in order ──► part-0, a row group at a time ──► small enough: as it is
                                                          └──► cut into files of one size, under names of their own
    .compact/<layer>/<table>/day=…  ⇄  <layer>/<table>/day=…    one exchange of two folders, as in compaction

Killed between exchange and COMMIT, the folder holds rows that the manifest does not list: whoever leads next exchanges
back (`settle_days`). A bucket exchanges nothing, nor do some file systems: there a day is one file whatever its size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from pathlib import Path

import pyarrow as pa

from liontrack_stream.crashpoints import crash_here
from liontrack_stream.lake.catalog import BY_OUTPUT, LakeTable
from liontrack_stream.lake.layout import PART, UNDATED, cut_part, day_folder, day_path
from liontrack_stream.lake.manifest import Mark
from liontrack_stream.lake.parquet import Encoded, read_some, seal, write_all
from liontrack_stream.lake.ports import LakeFile
from liontrack_stream.lake.store import Store
from liontrack_stream.lake.swap import Swap

FILL = 0.9  # of the largest size a file may have, since rows are cut by number


@dataclass(frozen=True, slots=True)
class DayFolder:
    """A day's files, written where no glob looks: `show`, the manifest's COMMIT, `finish`. Each may raise OSError."""

    store: Store
    mark: Mark
    swap: Swap
    files: tuple[LakeFile, ...]

    @property
    def rows(self) -> int:
        return sum(file.row_count for file in self.files)

    def show(self) -> None:
        crash_here("lake.large.staged")
        self.swap.show()
        crash_here("lake.large.shown")

    def finish(self) -> None:
        crash_here("lake.large.recorded")
        self.swap.finish()
        if not self.files:
            self.store.delete(day_path(*self.mark))  # its folder, that is
        crash_here("lake.large.finished")


def has_several(store: Store, mark: Mark) -> bool:
    """Whether a day's folder holds other files than the one of the fixed name."""
    if mark[2] == UNDATED or not store.exchanges:
        return False
    return bool(set(store.names(day_folder(*mark))) - {PART})


def folder_of(store: Store, mark: Mark, one: tuple[LakeFile, Encoded] | None) -> DayFolder:
    """A day that becomes a single file, or none, where it was several."""
    swap = store.swap(day_folder(*mark), (), ())
    if one is not None:
        (swap.folder / PART).write_bytes(one[1].data)
        seal(swap.folder / PART)
    swap.prepare()
    return DayFolder(store, mark, swap, () if one is None else (one[0],))


def write_large(store: Store, table: LakeTable, day: date, rows: Iterator[pa.Table], max_bytes: int) -> list[DayFolder]:
    """Write a day of a table and of what is derived from it; the outputs that have rows.

    ``rows``: all of the day, in order. A file has at most ``max_bytes``, where the store can exchange folders.
    """
    first = next((part for part in rows if part.num_rows), None)
    if first is None:
        return []
    whole = _written(store, (table.layer, table.name, day), chain([first], rows), first.schema, max_bytes)
    folders = [whole]
    try:
        for derived in table.derived:
            parts = (derived.rows(part) for part in _rows_of(whole, first.schema, derived.needed))
            schema = derived.rows(first.slice(0, 0)).schema
            folders.append(_written(store, (derived.layer, derived.name, day), parts, schema, max_bytes))
    except BaseException:
        for folder in folders:
            folder.swap.discard()
        raise
    for folder in folders:
        if not folder.rows:
            folder.swap.discard()
    return [folder for folder in folders if folder.rows]


def _written(store: Store, mark: Mark, tables: Iterable[pa.Table], schema: pa.Schema, max_bytes: int) -> DayFolder:
    swap = store.swap(day_folder(*mark), (), ())
    try:
        whole = swap.folder / PART
        row_count = write_all(tables, schema, str(whole))
        byte_count, digest = seal(whole)
        files = [LakeFile(day_path(*mark), *mark, row_count, byte_count, digest)]
        if byte_count > max_bytes and store.exchanges:
            files = _cut(files[0], whole, schema, max_bytes)
        swap.prepare()
    except BaseException:
        swap.discard()
        raise
    return DayFolder(store, mark, swap, tuple(files))


def _cut(file: LakeFile, whole: Path, schema: pa.Schema, max_bytes: int) -> list[LakeFile]:
    """Replace a file by as few as can be, of one number of rows each."""
    count = math.ceil(file.byte_count / (max_bytes * FILL))
    while True:
        each = math.ceil(file.row_count / count)
        parts: list[LakeFile] = []
        for first in range(0, file.row_count, each):
            temp = whole.with_suffix(".tmp")
            rows = write_all(_between(whole, schema, first, first + each), schema, str(temp))
            byte_count, digest = seal(temp)
            name = cut_part(len(parts), digest)
            temp.rename(whole.with_name(name))
            path = file.path.replace(PART, name)
            parts.append(replace(file, path=path, row_count=rows, byte_count=byte_count, sha256=digest))
        if max(part.byte_count for part in parts) <= max_bytes or each == 1:
            whole.unlink()
            return parts
        for part in parts:
            _local(whole.parent, part).unlink()
        count += 1


def _local(folder: Path, file: LakeFile) -> Path:
    return folder / Path(file.path).name


def _between(path: Path, schema: pa.Schema, first: int, end: int) -> Iterator[pa.Table]:
    """The rows of a file from ``first`` up to before ``end``, some at a time."""
    for batch in read_some(path, first=first):
        yield pa.Table.from_batches([batch.slice(0, end - first)]).cast(schema)
        first += batch.num_rows
        if first >= end:
            return


def _rows_of(folder: DayFolder, schema: pa.Schema, names: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns of a day's rows, some rows at a time."""
    wanted = pa.schema([schema.field(name) for name in names])
    for file in folder.files:
        for batch in read_some(_local(folder.swap.folder, file), names):
            yield pa.Table.from_batches([batch]).select(names).cast(wanted)


def settle_days(store: Store, listed: Iterable[str]) -> None:
    """What the manifest lists of silver and gold is in place where an exchange was cut off. For who leads alone."""
    names: dict[str, list[str]] = {}
    for path in listed:
        folder, _, name = path.rpartition("/")
        names.setdefault(folder, []).append(name)
    for layer, table in BY_OUTPUT:
        _settle(store, f"{layer}/{table}", names)


def _settle(store: Store, folder: str, names: Mapping[str, list[str]]) -> None:
    if store.interrupted(folder):
        store.recover(folder, names)
        store.put_away(folder)
