"""Checks that any engine that globs the lake reads exactly what the manifest lists."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pyarrow.parquet as pq

from liontrack_stream.lake.delta import delta_problems
from liontrack_stream.lake.manifest import Manifest, Progress
from liontrack_stream.lake.parquet import UNREADABLE
from liontrack_stream.lake.ports import LakeFile, TopicPartition
from liontrack_stream.lake.store import Store, open_store
from liontrack_stream.settings import Settings

Report = Callable[[str, str], None]  # (part, what is being done)

_CHUNK_BYTES = 1 << 20
_REPORT_EVERY = 50


async def verify(settings: Settings, report: Report = lambda part, message: None) -> list[str]:
    """What is wrong with the lake, one sentence per problem; empty when all is well. Reads every file, piece by piece.

    A file that is being published or rewritten while this runs is judged by what the manifest says afterwards.
    """
    manifest, store = Manifest(settings), open_store(settings)
    try:
        problems = await _problems(manifest, store, report)
        if problems:  # perhaps written meanwhile: only what is still wrong counts
            again = await _problems(manifest, store, lambda part, message: None, {p.path for p in problems})
            problems = [problem for problem in again if problem.path in {p.path for p in problems}]
        files, progress = await manifest.all_files(), await manifest.progress()
        behind = await _delta_problems(manifest, store, settings.lake_interval_s) if settings.lake_delta else []
    finally:
        await manifest.close()
    return [problem.sentence for problem in problems] + continuity_problems(files, progress) + behind


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that is not as the manifest says. ``file`` is None for one that the manifest does not list."""

    path: str
    sentence: str
    file: LakeFile | None


async def _delta_problems(manifest: Manifest, store: Store, interval_s: float) -> list[str]:
    """Logs that differ from the manifest now and two rounds of a worker later."""
    found = await delta_problems(store, manifest)
    if not found:
        return []
    await asyncio.sleep(2 * interval_s)
    again = await delta_problems(store, manifest)
    return [again[table].sentence for table in found if table in again]


async def find_problems(manifest: Manifest, store: Store, report: Report) -> list[Problem]:
    """Every file's problems."""
    return await _problems(manifest, store, report)


async def _problems(manifest: Manifest, store: Store, report: Report, only: set[str] | None = None) -> list[Problem]:
    listed = {file.path: file for file in await manifest.all_files()}
    on_disk = await asyncio.to_thread(store.files, "")
    problems = [
        Problem(path, f"{path} is in the folder and not in the manifest", None)
        for path in sorted(on_disk.keys() - listed.keys())
    ]
    problems += [
        Problem(path, f"{path} is in the manifest and not in the folder", listed[path])
        for path in sorted(listed.keys() - on_disk.keys())
    ]
    both = sorted(listed.keys() & on_disk.keys())
    for n, path in enumerate(both):
        if only is not None and path not in only:
            continue
        if n % _REPORT_EVERY == 0:
            report("verify", f"file {n + 1:,} of {len(both):,}")
        found = await asyncio.to_thread(file_problems, store, listed[path])
        problems += [Problem(path, sentence, listed[path]) for sentence in found]
    return problems


def file_problems(store: Store, file: LakeFile) -> list[str]:
    """What is wrong with one file of the manifest: it is read whole, a piece at a time, and hashed."""
    digest, size = hashlib.sha256(), 0
    try:
        with store.open(file.path) as source:
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
            source.seek(0)
            rows = pq.read_metadata(source).num_rows
    except UNREADABLE as error:
        return [f"{file.path} cannot be read: {error}"]
    found = {"bytes": size, "rows": rows, "sha256": digest.hexdigest()}
    wanted = {"bytes": file.byte_count, "rows": file.row_count, "sha256": file.sha256}
    return [
        f"{file.path} has {name} {found[name]} where the manifest says {value}"
        for name, value in wanted.items()
        if found[name] != value
    ]


def continuity_problems(files: list[LakeFile], progress: dict[TopicPartition, Progress]) -> list[str]:
    """Bronze files of a partition neither overlap nor reach past its watermark or the warehouse."""
    by_partition: dict[TopicPartition, list[LakeFile]] = {}
    for file in files:
        if file.topic is not None and file.partition is not None:
            by_partition.setdefault((file.topic, file.partition), []).append(file)
    problems = []
    for tp, run in by_partition.items():
        run.sort(key=lambda file: file.first_offset or 0)
        for before, after in pairwise(run):
            if (before.next_offset or 0) > (after.first_offset or 0):
                problems.append(f"{before.path} and {after.path} overlap")
        end, known = run[-1].next_offset or 0, progress.get(tp, Progress(0, 0))
        if end > known.exported or known.exported > known.stored:
            where = f"the watermark is {known.exported}, the warehouse at {known.stored}"
            problems.append(f"{tp[0]}/{tp[1]}: files end at {end}, {where}")
    return problems
