"""``liontrack retain``: drop old days of bronze that the lake holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from faust.cli.base import option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.lake.ports import LakeError
from liontrack_stream.settings import load_settings

if TYPE_CHECKING:
    from liontrack_stream.lake.retention import BronzeDay

SOME_KEPT = 3


class Retain(LionTrackCommand):
    """Drop day partitions of bronze that are older than N days, where the lake holds every row of them.

    Each partition is judged just before: its rows are compared with the manifest, and each Parquet file that holds them
    is read and hashed. What cannot be proven stays, and is named with the reason. Silver, gold, dead letters and the
    lake are never touched. A day is the UTC day of Kafka's append time; run it beside a worker as often as you like.

    \b
    Examples:
      liontrack retain --bronze-days 30
      liontrack retain --bronze-days 30 --dry-run        judge and hash everything, drop nothing
      liontrack retain --before 2025-03-01 --json

    Exit codes: 0 every such day is gone (or could go), 1 PostgreSQL or the lake cannot be reached, 2 wrong usage or a
    setting is missing, 3 at least one day had to stay.
    """

    failures = (LakeError,)
    options = [
        option("--bronze-days", type=click.IntRange(min=1), default=None, help="Days to keep, besides today."),
        option(
            "--before",
            type=click.DateTime(formats=["%Y-%m-%d"]),
            default=None,
            help="Drop the days before this one (UTC), whatever the clock says.",
        ),
        option("--dry-run", is_flag=True, help="Only say what would be dropped."),
        option("--json", "as_json", is_flag=True, help="Print the days as one JSON object."),
        data_dir_option,
    ]

    async def run(
        self, bronze_days: int | None, before: datetime | None, dry_run: bool, as_json: bool, data_dir: Path | None
    ) -> int:
        """Judge, drop, report."""
        import asyncpg

        if (bronze_days is None) == (before is None):
            raise CommandError("Give either --bronze-days or --before.", Exit.USAGE)
        settings = load_settings(use_data_dir(data_dir))
        from liontrack_stream.commands.progress import progress
        from liontrack_stream.lake.retention import Retention

        try:
            with progress(quiet=self.quiet or as_json or self.json) as report:
                async with Retention.open(settings, report) as retention:
                    first_kept = before.date() if before else await retention.first_kept_day(bronze_days or 0)
                    days = [day async for day in retention.run(first_kept, dry_run)]
        except (OSError, asyncpg.PostgresError) as error:
            raise CommandError(f"Old days could not be judged: {error}") from error
        if as_json or self.json:
            click.echo(self.dumps(_as_json(first_kept, days)))
        elif not self.quiet:
            _print_table(first_kept, days, dry_run)
        return SOME_KEPT if any(day.kept_because for day in days) else Exit.OK


def _as_json(first_kept: date, days: Sequence[BronzeDay]) -> dict[str, object]:
    return {
        "before": first_kept.isoformat(),
        "rows_dropped": sum(day.row_count for day in days if day.dropped),
        "bytes_freed": sum(day.byte_count for day in days if day.dropped),
        "days": [
            {
                "table": f"bronze.{day.table}",
                "day": day.day.isoformat(),
                "rows": day.row_count,
                "bytes": day.byte_count,
                "dropped": day.dropped,
                "kept_because": day.kept_because,
            }
            for day in days
        ],
    }


def _print_table(first_kept: date, days: Sequence[BronzeDay], dry_run: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not days:
        console.print(f"Bronze has no day before {first_kept.isoformat()}.")
        return
    table = Table(title=f"Days of bronze before {first_kept.isoformat()}", title_justify="left", box=None)
    table.add_column("table")
    table.add_column("day")
    table.add_column("rows", justify="right")
    table.add_column("MB", justify="right")
    table.add_column("")
    gone = "can go" if dry_run else "dropped"
    for day in days:
        state = f"[yellow]kept: {day.kept_because}" if day.kept_because else f"[green]{gone}"
        size = f"{day.byte_count / 1e6:,.1f}"
        table.add_row(f"bronze.{day.table}", day.day.isoformat(), f"{day.row_count:,}", size, state)
    console.print(table)
    freed = [day for day in days if not day.kept_because]
    rows, megabytes = sum(day.row_count for day in freed), sum(day.byte_count for day in freed) / 1e6
    kept = f", {len(days) - len(freed)} partitions kept" if len(freed) < len(days) else ""
    console.print(f"{len(freed)} partitions {gone}: {rows:,} rows, {megabytes:,.1f} MB{kept}.")
