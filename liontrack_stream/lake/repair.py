"""Makes every file of the lake what the manifest says again, or says why that cannot be.

Bronze is written anew from the offsets' rows in the warehouse, days of silver and gold from their tables; what the
manifest does not list goes. A worker may run meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from liontrack_stream.lake.catalog import BRONZE, BY_OUTPUT
from liontrack_stream.lake.days import DayExporter
from liontrack_stream.lake.delta import repair_delta
from liontrack_stream.lake.manifest import Manifest, Mark
from liontrack_stream.lake.ports import LakeFile
from liontrack_stream.lake.reader import Reader
from liontrack_stream.lake.resources import Resources
from liontrack_stream.lake.restoring import restore_bronze
from liontrack_stream.lake.settling import remove_orphans, settle_swaps
from liontrack_stream.lake.store import open_store
from liontrack_stream.lake.verify import Problem, Report, continuity_problems, find_problems
from liontrack_stream.settings import Settings

_WORKER_WITHIN_S = 120.0


@dataclass(slots=True)
class Repaired:
    """Sentences: what was found, what was done about it, and what is still wrong."""

    found: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


async def repair(settings: Settings, report: Report = lambda part, message: None) -> Repaired:
    """Find and repair; raises OSError or the database's errors when the lake or the warehouse is away."""
    manifest, resources = Manifest(settings), Resources(open_store(settings), Reader(settings))
    try:
        await resources.in_thread(resources.store.prepare)
        for topic in BRONZE:
            await settle_swaps(manifest, resources.store, topic)
        days = DayExporter(resources, manifest, settings.lake_compact_max_bytes)
        result = await _repair(manifest, resources, days, report)
        if settings.lake_delta:
            found, done = await repair_delta(resources.store, manifest)
            result.found += found
            result.done += done
        return result
    finally:
        resources.close()
        await manifest.close()


async def _repair(manifest: Manifest, resources: Resources, days: DayExporter, report: Report) -> Repaired:
    problems = await find_problems(manifest, resources.store, report)
    result = Repaired(found=[problem.sentence for problem in problems])
    if any(problem.file is None and problem.path.startswith("bronze/") for problem in problems):
        for topic in BRONZE:
            removed = await remove_orphans(manifest, resources.store, topic)
            result.done += [f"removed {path}, which the manifest does not list" for path in removed]
    beyond = {}
    damaged = {problem.path: problem.file for problem in problems if problem.file is not None}
    for path, file in damaged.items():
        if file.layer == "bronze":
            report("repair", path)
            if reason := await restore_bronze(resources, manifest, file):
                beyond[path] = reason
            else:
                result.done.append(f"wrote {path} again from bronze")
    await _days(manifest, days, problems, result, report)
    left = await find_problems(manifest, resources.store, report) if problems else []
    for problem in left:
        sentence = beyond.pop(problem.path, None) or problem.sentence
        if sentence not in result.left:
            result.left.append(sentence)
    result.left += continuity_problems(await manifest.all_files(), await manifest.progress())
    return result


async def _days(
    manifest: Manifest, exporter: DayExporter, problems: list[Problem], result: Repaired, report: Report
) -> None:
    """Write damaged days of silver and gold again: here, or have the worker do it that leads their export."""
    files = [problem.file for problem in problems if problem.file is not None and problem.file.layer != "bronze"]
    orphans = [p for p in problems if p.file is None and p.path.startswith(("silver/", "gold/"))]
    if not files and not orphans:
        return
    marks = {_mark(file) for file in files if (file.layer, file.table_name) in BY_OUTPUT}
    await manifest.mark_dirty(marks)
    if await exporter.leads():
        report("repair", f"writing {len(marks)} days of silver and gold")
        await exporter.run_once(flush=True)
        who = "from its table"
    else:
        await _until_clean(manifest, marks, report)
        who = "by the worker that runs"
    result.done += [f"wrote {path} again {who}" for path in sorted({file.path for file in files})]
    result.done += [f"removed {problem.path}, which the manifest does not list" for problem in orphans]


async def _until_clean(manifest: Manifest, marks: set[Mark], report: Report) -> None:
    until = time.monotonic() + _WORKER_WITHIN_S
    while time.monotonic() < until and marks & {day.mark for day in await manifest.dirty_days()}:
        report("repair", "waiting for the worker that writes silver and gold")
        await asyncio.sleep(1)


def _mark(file: LakeFile) -> Mark:
    return (file.layer, file.table_name, file.day)
