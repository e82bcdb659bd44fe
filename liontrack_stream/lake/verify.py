"""Checks that any engine that globs the lake reads exactly what the manifest lists."""

from __future__ import annotations

import asyncio
import hashlib
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq

from liontrack_stream.lake.manifest import Manifest, Progress
from liontrack_stream.lake.ports import LakeFile, TopicPartition
from liontrack_stream.lake.store import Store, open_store
from liontrack_stream.settings import Settings


async def verify(settings: Settings) -> list[str]:
    """What is wrong with the lake, one sentence per problem; empty when all is well. Reads every file.

    Meant for a lake at rest: a file that is being published while this runs may be reported.
    """
    manifest = Manifest(settings)
    try:
        files = await manifest.all_files()
        progress = await manifest.progress()
    finally:
        await manifest.close()
    return await asyncio.to_thread(_verify_files, open_store(settings), files) + continuity_problems(files, progress)


def _verify_files(store: Store, files: list[LakeFile]) -> list[str]:
    on_disk = store.files("")
    listed = {file.path: file for file in files}
    problems = [f"{path} is in the folder and not in the manifest" for path in sorted(on_disk.keys() - listed.keys())]
    problems += [f"{path} is in the manifest and not in the folder" for path in sorted(listed.keys() - on_disk.keys())]
    for path in sorted(listed.keys() & on_disk.keys()):
        problems += file_problems(store, listed[path])
    return problems


def file_problems(store: Store, file: LakeFile) -> list[str]:
    """What is wrong with one file of the manifest: it is read whole, and hashed."""
    try:
        data = store.read(file.path)
        rows = pq.read_metadata(pa.BufferReader(data)).num_rows
    except (OSError, pa.ArrowException) as error:
        return [f"{file.path} cannot be read: {error}"]
    found = {"bytes": data.size, "rows": rows, "sha256": hashlib.sha256(data).hexdigest()}
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
