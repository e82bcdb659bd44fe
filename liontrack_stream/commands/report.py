"""``liontrack report``: what came in, how good it was, and how lions and users fare, as files for people."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from faust.cli.base import option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.settings import Settings, load_settings

if TYPE_CHECKING:
    from liontrack_stream.report.figures import Figures
    from liontrack_stream.report.outcome import Outcome

FORMATS = ("html", "markdown", "json")
STDIN = "-"


class Report(LionTrackCommand):
    """Write a report on some days: records by topic, dead letters and why, quality by table, lions' health, users'
    engagement, pipeline runs, the lake and the generations.

    The HTML is one file with its charts in it; it asks for no other and runs nothing. The Markdown shows SVG files
    beside it. The figures of health and engagement are the API's. No position is in it.

    \b
    Examples:
      liontrack report
      liontrack report --as-of 2025-03-01 --days 30 --output /srv/reports
      liontrack report --format json --output . && jq .records liontrack-*.json
      liontrack replay --json > run.json && liontrack report --run run.json

    Exit codes: 0 written (the files' names are printed), 1 PostgreSQL cannot be used or a file cannot be written,
    2 wrong usage or a setting is missing.
    """

    options = [
        option(
            "--as-of",
            type=click.DateTime(formats=["%Y-%m-%d"]),
            default=None,
            help="The last UTC day.  [default: today]",
        ),
        option("--days", type=click.IntRange(1, 30), default=7, show_default=True, help="So many, up to that one."),
        option(
            "--output",
            type=click.Path(file_okay=False, path_type=Path),
            default=Path("reports"),
            show_default=True,
            help="The folder; it is made where it is missing.",
        ),
        option(
            "--format",
            "formats",
            multiple=True,
            type=click.Choice(FORMATS),
            default=FORMATS[:2],
            show_default=True,
            help="May be given again.",
        ),
        option(
            "--run", "outcome", default=None, metavar="FILE", help="Tell of this run, too: a replay's JSON; - is stdin."
        ),
        data_dir_option,
    ]

    async def run(
        self,
        *,
        as_of: datetime | None,
        days: int,
        output: Path,
        formats: tuple[str, ...],
        outcome: str | None,
        data_dir: Path | None,
    ) -> None:
        """Read, draw, write."""
        settings = load_settings(use_data_dir(data_dir))
        made_at = datetime.now(UTC)
        last_day = made_at.date() if as_of is None else as_of.date()
        told = None if outcome is None else _outcome(outcome)
        figures = await _figures(settings, last_day, days, made_at)
        files = _files(figures, told, formats, simulated=settings.liontrack_demo)
        written = _write(output, files)
        if self.json:
            click.echo(self.dumps([str(path) for path in written]))
        elif not self.quiet:
            for path in written:
                click.echo(str(path))


def _outcome(name: str) -> Outcome:
    from liontrack_stream.report.outcome import OutcomeError, parse_outcome

    try:
        return parse_outcome(sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes())
    except OSError as error:
        raise CommandError(f"--run: {name} cannot be read ({error.strerror}).", Exit.USAGE) from error
    except OutcomeError as error:
        raise CommandError(f"--run: {error}", Exit.USAGE) from error


async def _figures(settings: Settings, last_day: date, days: int, made_at: datetime) -> Figures:
    import asyncpg

    from liontrack_stream.report.figures import read_figures

    place = f"{settings.pg_host}:{settings.pg_port}/{settings.pg_database}"
    try:
        return await read_figures(settings, last_day, days, made_at)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError) as error:
        raise CommandError(f"The warehouse at {place} lacks its tables: run `liontrack migrate`.") from error
    except asyncpg.InsufficientPrivilegeError as error:
        role = settings.pg_api_role or settings.pg_user
        raise CommandError(f"{role} may not read the warehouse ({error}): run `liontrack migrate`.") from error
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        why = str(error) or "it does not answer in time"
        raise CommandError(f"PostgreSQL at {place} cannot be used ({why}).") from error


def _files(figures: Figures, outcome: Outcome | None, formats: tuple[str, ...], *, simulated: bool) -> dict[str, bytes]:
    """Contents by file name: the charts before the page that shows them."""
    from liontrack_stream.report import charts, pages

    stem = f"liontrack-{figures.last_day}"
    drawn = charts.draw(figures, stem) if {"html", "markdown"} & set(formats) else {}
    files: dict[str, bytes] = {}
    if "markdown" in formats:
        files |= {chart.file_name: chart.svg for chart in drawn.values()}
        files[f"{stem}.md"] = pages.markdown(figures, drawn, outcome, simulated=simulated)
    if "html" in formats:
        files[f"{stem}.html"] = pages.html(figures, drawn, outcome, simulated=simulated)
    if "json" in formats:
        files[f"{stem}.json"] = _json(figures, outcome)
    return files


def _json(figures: Figures, outcome: Outcome | None) -> bytes:
    import msgspec

    held: dict[str, Any] = {**msgspec.to_builtins(figures), "run": msgspec.to_builtins(outcome)}
    return msgspec.json.format(msgspec.json.encode(held))


def _write(folder: Path, files: dict[str, bytes]) -> list[Path]:
    """Each whole under its name, or as it was before."""
    from liontrack_stream.exports.output import output

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            with output(str(folder / name)) as file:
                file.write(content)
            written.append(folder / name)
    except OSError as error:
        raise CommandError(f"The report cannot be written to {folder} ({error.strerror or error}).") from error
    return written
