"""``liontrack lake verify | compact | repair``: the Parquet files and their manifest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click
from faust.cli.base import cli, option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.lake.ports import LakeError
from liontrack_stream.settings import Settings, load_settings

if TYPE_CHECKING:
    from liontrack_stream.lake.compaction import CompactedDay

PROBLEMS = Exit.FAILED
_json_option = option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@cli.group("lake")
def lake() -> None:
    """Check, compact and repair the Parquet files that the worker writes.

    \b
    Examples:
      liontrack lake verify             is every file what the manifest says?
      liontrack lake compact            merge the small bronze files of past days
      liontrack lake repair             write what is lost or damaged again
    """


class _LakeCommand(LionTrackCommand):
    abstract: ClassVar[bool] = True
    group = lake
    failures = (LakeError,)

    def _say(self, as_json: bool, values: dict[str, object], sentences: Sequence[str]) -> None:
        if as_json or self.json:
            click.echo(self.dumps(values))
        elif not self.quiet:
            for sentence in sentences:
                click.echo(sentence)


class Verify(_LakeCommand):
    """Read every file of the lake and compare it with the manifest: presence, bytes, rows, SHA-256, offsets.

    A worker may run meanwhile: a file that looks wrong is looked at twice.

    \b
    Examples:
      liontrack lake verify
      liontrack lake verify --json | jq '.problems[]'

    Exit codes: 0 all is well, 1 there are problems (one sentence each), or PostgreSQL or the lake cannot be reached,
    2 wrong usage or a setting is missing.
    """

    options = [_json_option, data_dir_option]

    async def run(self, as_json: bool, data_dir: Path | None) -> int:
        """Verify, report."""
        settings = load_settings(use_data_dir(data_dir))
        from liontrack_stream.commands.progress import progress
        from liontrack_stream.lake.generations import with_live_lake
        from liontrack_stream.lake.verify import verify

        with progress(quiet=self.quiet or as_json or self.json) as report, _reaching():
            problems = await verify(await with_live_lake(settings), report)
        summary = f"{len(problems)} problems; `liontrack lake repair` repairs what can be." if problems else "All well."
        self._say(as_json, {"problems": problems}, [*problems, summary])
        return PROBLEMS if problems else Exit.OK


class Repair(_LakeCommand):
    """Find what is lost, damaged or left over in the lake, and write it again.

    Bronze files come from the rows of their offsets, days of silver and gold from their tables; files that the
    manifest does not list are removed. A bronze file whose rows retention has dropped is beyond repair, and is named.
    A worker may run meanwhile.

    \b
    Examples:
      liontrack lake repair
      liontrack lake repair --json

    Exit codes: 0 all is well (again), 1 problems are left, or PostgreSQL or the lake cannot be reached, 2 wrong usage
    or a setting is missing.
    """

    options = [_json_option, data_dir_option]

    async def run(self, as_json: bool, data_dir: Path | None) -> int:
        """Repair, report."""
        settings = load_settings(use_data_dir(data_dir))
        from liontrack_stream.commands.progress import progress
        from liontrack_stream.lake.generations import with_live_lake
        from liontrack_stream.lake.repair import repair

        with progress(quiet=self.quiet or as_json or self.json) as report, _reaching():
            result = await repair(await with_live_lake(settings), report)
        values: dict[str, object] = {"found": result.found, "done": result.done, "left": result.left}
        summary = f"{len(result.left)} problems are left." if result.left else "All well."
        self._say(as_json, values, [*result.done, *result.left, summary])
        return PROBLEMS if result.left else Exit.OK


class Compact(_LakeCommand):
    """Merge the small bronze files of past days into files of 32 to 256 MB (LAKE_COMPACT_MIN_MB, …_MAX_MB).

    A day whose records are all exported is taken; each Kafka partition's files of a day become as few as fit. In a
    folder the exchange is one step: who lists the day sees the old files or the new ones, each row once; who listed it
    before and opens a file after is told that it is gone, and lists again (pyarrow and Spark, in the moment of the
    exchange itself, may leave the day out). In a bucket that cannot be: for a moment the new object stands beside the
    old ones, so that readers who glob may see rows twice; it is done there only with --not-at-once. `liontrack query`
    reads exactly the manifest's rows all the while.

    \b
    Examples:
      liontrack lake compact
      liontrack lake compact --dry-run
      liontrack lake compact --before 2025-03-01 --json

    Exit codes: 0 done, 1 a day had to be left (the reason is shown), or PostgreSQL or the lake cannot be reached, 2
    wrong usage or a setting is missing.
    """

    options = [
        option(
            "--before",
            type=click.DateTime(formats=["%Y-%m-%d"]),
            default=None,
            help="Only days before this one (UTC).  [default: today]",
        ),
        option("--dry-run", is_flag=True, help="Only say what would be merged."),
        option("--not-at-once", is_flag=True, help="Also in a bucket, where nobody globs bronze meanwhile."),
        _json_option,
        data_dir_option,
    ]

    async def run(
        self, before: datetime | None, dry_run: bool, not_at_once: bool, as_json: bool, data_dir: Path | None
    ) -> int:
        """Compact, report."""
        settings = load_settings(use_data_dir(data_dir))
        days = await self._compact(settings, before, dry_run, not_at_once, self.quiet or as_json or self.json)
        merged = [day for day in days if day.left_because is None]
        left = [f"{day.topic} {day.day}: left, {day.left_because}." for day in days if day.left_because]
        verb = "would become" if dry_run else "became"
        lines = [f"{d.topic} {d.day}: {d.files_before} files {verb} {d.files_after}." for d in merged]
        self._say(as_json, {"days": [_as_json(day) for day in days]}, [*lines, *left] or ["Nothing to merge."])
        return PROBLEMS if left else Exit.OK

    async def _compact(
        self, settings: Settings, before: datetime | None, dry_run: bool, not_at_once: bool, quiet: bool
    ) -> list[CompactedDay]:
        from liontrack_stream.commands.progress import progress
        from liontrack_stream.lake.compaction import Compactor
        from liontrack_stream.lake.delta import DeltaLogs
        from liontrack_stream.lake.generations import with_live_lake
        from liontrack_stream.lake.manifest import Manifest
        from liontrack_stream.lake.store import open_store

        with _reaching():
            settings = await with_live_lake(settings)
        store, manifest = open_store(settings), Manifest(settings)
        if not (store.swaps_at_once or not_at_once or dry_run):
            raise CommandError(
                "A bucket cannot exchange objects in one step: readers that glob bronze may see rows twice for a "
                "moment. Give --not-at-once where that does no harm."
            )
        try:
            with progress(quiet=quiet) as report, _reaching():
                compactor = Compactor(settings, store, manifest, report=report)
                days = await compactor.run(before.date() if before else None, dry_run)
                if settings.lake_delta and not dry_run:
                    await DeltaLogs(store, manifest).run_once()
                return days
        finally:
            await manifest.close()


def _as_json(day: CompactedDay) -> dict[str, object]:
    return {
        "topic": day.topic, "day": day.day.isoformat(), "files_before": day.files_before,
        "files_after": day.files_after, "bytes": day.byte_count, "left_because": day.left_because,
    }  # fmt: skip


@contextmanager
def _reaching() -> Iterator[None]:
    """Trouble with the database or the storage becomes a sentence."""
    import asyncpg
    from adbc_driver_manager import Error as AdbcError

    try:
        yield
    except (OSError, asyncpg.PostgresError, AdbcError) as error:
        raise CommandError(f"The lake or PostgreSQL cannot be used: {error}") from error
