"""``liontrack quality``: the latest data quality checks as a table."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click
from faust.cli.base import option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.settings import Settings, load_settings

EXIT_BELOW = 3
ALERT_BELOW = 80.0  # percent
_TIMEOUT_S = 10.0


class Quality(LionTrackCommand):
    """Show the latest result of every data quality check, the worker's and those of other producers.

    With --day it is each check's results of that UTC day in sum: what share of the day's records was bad.

    The worker counts every batch by rule. Each minute and at its end that becomes checks: bronze_validation (all
    records of a bronze table, and its dead letters), schema_check (dead letters by their shape alone), and one check
    per rule that was broken. A sample is the partition:offset of a record that broke it. Below 80 % a line is red.

    \b
    Examples:
      liontrack quality
      liontrack quality --table silver.positions --days 30
      liontrack quality --json | jq '.[] | select(.invalid_records > 0)'
      liontrack quality --days 1 --fail-below 95     in a deployment's checks
      liontrack quality --day 2025-03-01 --table 'bronze.*' --fail-below 80

    Exit codes: 0 shown (also when there is no check yet), 1 PostgreSQL could not be reached or is not migrated,
    2 wrong usage or a setting is missing, 3 a check shown is below --fail-below.
    """

    options = [
        option("--table", default=None, help="Only this table, or these, e.g. 'bronze.*'.  [default: all]"),
        option("--days", type=click.IntRange(1, 36_500), default=7, show_default=True, help="Look back this far."),
        option("--day", type=click.DateTime(formats=["%Y-%m-%d"]), default=None, help="This UTC day, in sum."),
        option(
            "--fail-below",
            type=click.FloatRange(0, 100),
            default=None,
            help="Exit with 3 when a check shown has a lower percentage.",
        ),
        option("--json", "as_json", is_flag=True, help="Print a JSON list."),
        data_dir_option,
    ]

    async def run(
        self,
        *,
        table: str | None,
        days: int,
        day: datetime | None,
        fail_below: float | None,
        as_json: bool,
        data_dir: Path | None,
    ) -> int:
        """Read, print, judge."""
        chosen = None if day is None else day.replace(tzinfo=UTC).date()
        checks = await _checks(load_settings(use_data_dir(data_dir)), table, days, chosen)
        if as_json or self.json:
            click.echo(self.dumps(checks))
        elif not self.quiet:
            _print_table(checks, f"within {days} days" if chosen is None else f"on {chosen}")
        below = fail_below is not None and any(check["quality_percentage"] < fail_below for check in checks)
        return EXIT_BELOW if below else Exit.OK


async def _checks(settings: Settings, table: str | None, days: int, day: date | None) -> list[dict[str, Any]]:
    import asyncpg

    from liontrack_stream.warehouse.queries import query

    try:
        connection = await asyncpg.connect(**settings.pg_dsn, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S)
        try:
            name, period = ("quality/latest", days) if day is None else ("quality/day", day)
            one = None if table is None or "*" in table else table
            rows = await connection.fetch(query(name), one, period)
        finally:
            await connection.close()
    except asyncpg.UndefinedTableError:
        raise CommandError("The warehouse lacks its tables: run `liontrack migrate`.") from None
    except (OSError, asyncpg.PostgresError) as error:
        place = f"{settings.pg_host}:{settings.pg_port}/{settings.pg_database}"
        raise CommandError(f"PostgreSQL at {place} cannot be used ({error}).") from error
    return [_check(dict(row)) for row in rows if fnmatchcase(row["table_name"], table or "*")]


def _check(row: dict[str, Any]) -> dict[str, Any]:
    import json

    return {**row, "check_timestamp": row["check_timestamp"].isoformat(), "details": json.loads(row["details"])}


def _print_table(checks: list[dict[str, Any]], period: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not checks:
        console.print(f"No checks {period}. A running worker makes them.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("table", "check", "when (UTC)"):
        table.add_column(heading)
    for heading in ("total", "valid", "invalid", "quality %"):
        table.add_column(heading, justify="right")
    table.add_column("sample")
    for check in checks:
        percentage = check["quality_percentage"]
        colour = "red" if percentage < ALERT_BELOW else "yellow" if check["invalid_records"] else "green"
        table.add_row(
            check["table_name"],
            check["check_name"],
            f"{check['check_timestamp'][:19].replace('T', ' ')}",
            *(f"{check[count]:,}" for count in ("total_records", "valid_records", "invalid_records")),
            f"[{colour}]{_percent(percentage)}[/]",
            _sample(check["details"]),
        )
    console.print(table)


def _percent(percentage: float) -> str:
    """Two decimals, and never 100.00 for what is less."""
    return f"{percentage:.2f}" if percentage == 100 or percentage < 99.995 else "99.99"


def _sample(details: dict[str, Any]) -> str:
    """The place of a record that broke the rule, where the check's producer tells one as the worker does."""
    samples = details.get("samples")
    first = samples[0] if isinstance(samples, list) and samples else None
    return f"{first.get('partition')}:{first.get('offset')}" if isinstance(first, dict) else ""
