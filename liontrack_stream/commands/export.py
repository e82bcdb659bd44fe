"""``liontrack export``: fixes of the warehouse as files of the field."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from faust.cli.base import argument, option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.contract.times import BadTime, parse_iso, to_microseconds
from liontrack_stream.exports.darwin_core.dataset import LICENSES, TITLE, Dataset
from liontrack_stream.exports.order import Kind, Order, Tally, told
from liontrack_stream.exports.output import STDOUT, output
from liontrack_stream.settings import Settings, load_settings

if TYPE_CHECKING:
    from liontrack_stream.exports.run import OnPart

KINDS = ("movebank", "darwin-core", "geojson", "gpx")
_positive = click.FloatRange(min=0, min_open=True, max=90)


class Export(LionTrackCommand):
    """Write the accepted fixes as a file: of one moment of the warehouse, whole or not there at all.

    \b
    movebank     event data as CSV under Movebank's names, with every further column that an import has kept;
                 with --include-flagged all that was imported comes out again
    darwin-core  a Darwin Core Archive (zip): the first fix of each hour of each lion as an occurrence
    geojson      a track per lion, lines that end at gaps over 4 h and at the antimeridian; or --points
    gpx          GPX 1.1: a track per lion, segments that end at gaps over 4 h

    Positions are exact, but in a Darwin Core Archive, which is made to be published: there they are on the grid and
    as old as the API shows them to everyone (POSITION_GRID_DEG, POSITION_DELAY_H), unless you say --exact. A name that
    ends with .gz is packed. In a CSV, text that a spreadsheet would run begins with an apostrophe, which an import
    takes away.

    \b
    Examples:
      liontrack export movebank --include-flagged --out kalahari.csv.gz
      liontrack export geojson --lion 1001 --since 2010-12-01 --until 2011-01-01 > december.geojson
      liontrack export gpx --generalise 0.05 --delay-h 72 --out public.gpx
      liontrack export darwin-core --out lions.zip --license CC-BY-4.0 --creator 'MacFarlane, Kevin' \\
        --title 'Lions of the central Kalahari' --rights-holder 'Example Trust' --contact data@example.org

    Exit codes: 0 written, 1 PostgreSQL or the file failed, or a lion is not there, 2 wrong usage or a setting is
    missing, 130 interrupted. Whatever but 0 leaves nothing of the file.
    """

    options = [
        argument("kind", type=click.Choice(KINDS)),
        option("--out", metavar="FILE|-", default=STDOUT, show_default=True, help="The file; - is standard output."),
        option("--lion", "lions", metavar="ID", multiple=True, help="This lion alone; may be given several times."),
        option("--since", metavar="TIME", default=None, help="The first instant (UTC unless it says its zone)."),
        option("--until", metavar="TIME", default=None, help="The instant before which the fixes end."),
        option("--include-flagged", "flagged", is_flag=True, help="Also fixes that the rules flagged."),
        option("--points", is_flag=True, help="geojson: a point per fix, with all that is known of it."),
        option("--generalise", "grid_deg", metavar="DEGREES", type=_positive, help="Positions on a grid like this."),
        option(
            "--delay-h",
            metavar="HOURS",
            type=click.FloatRange(min=0, max=1e6),
            default=None,
            help="Withhold fixes that are younger.",
        ),
        option("--exact", is_flag=True, help="darwin-core: positions as they are, up to now."),
        option("--license", metavar="NAME|URL", help=f"darwin-core: {', '.join(LICENSES)}, or an address."),
        option("--creator", "creators", metavar="NAME", multiple=True, help="darwin-core: 'Family, Given' or a body."),
        option("--title", default=TITLE, show_default=True, help="darwin-core: of the data set."),
        option("--rights-holder", metavar="NAME", help="darwin-core: who owns the rights."),
        option("--contact", metavar="EMAIL", help="darwin-core: of the first creator."),
        option("--description", metavar="TEXT", help="darwin-core: what the data set is about."),
        option("--json", "as_json", is_flag=True, help="Print what was written as one JSON line."),
        data_dir_option,
    ]

    async def run(self, kind: Kind, out: str, as_json: bool, data_dir: Path | None, **options: Any) -> int:
        """Read, write, report."""
        settings = load_settings(use_data_dir(data_dir))
        order = _order(settings, kind, options)
        dataset = _dataset(options) if kind == "darwin-core" else None
        _check_target(out, kind)
        as_json = as_json or self.json
        if not self.quiet:
            click.echo(_how_exact(order), err=True)
        began = time.monotonic()
        tally = await _export(settings, kind, order, out, dataset, shows=not (self.quiet or as_json))
        if as_json:
            report = _report(kind, order, tally, out, time.monotonic() - began)
            click.echo(self.dumps(report), err=out == STDOUT)
        elif not self.quiet:
            for sentence in (*tally.notes, _summary(order, tally, out)):
                click.echo(sentence, err=True)
        return Exit.OK


async def _export(
    settings: Settings, kind: Kind, order: Order, out: str, dataset: Dataset | None, shows: bool
) -> Tally:
    import asyncpg

    from liontrack_stream.exports.run import UnknownLions, run
    from liontrack_stream.warehouse.trouble import LOST

    try:
        with ExitStack() as stack, _progress(kind, shows) as on_part:
            return await run(settings, kind, order, lambda: stack.enter_context(output(out)), out, dataset, on_part)
    except UnknownLions as error:
        raise CommandError(str(error)) from None
    except BrokenPipeError:
        raise
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.UndefinedFunctionError):
        raise CommandError("The warehouse lacks a table or column: run `liontrack migrate`.") from None
    except (asyncpg.PostgresError, *LOST, ConnectionError, TimeoutError) as error:
        where = f"PostgreSQL at {settings.pg_host}:{settings.pg_port}"
        raise CommandError(f"{where} cannot be used ({error or type(error).__name__}).") from None
    except OSError as error:
        raise CommandError(f"{error.filename or out}: {error.strerror or error}.") from None


def _order(settings: Settings, kind: Kind, options: dict[str, Any]) -> Order:
    exact, grid_deg, delay_h, flagged = (options[name] for name in ("exact", "grid_deg", "delay_h", "flagged"))
    if exact and grid_deg is not None:
        raise CommandError("--exact and --generalise exclude each other.", Exit.USAGE)
    if kind == "darwin-core" and not exact:
        grid_deg = settings.position_grid_deg if grid_deg is None else grid_deg
        delay_h = settings.position_delay_h if delay_h is None else delay_h
    if flagged and kind == "darwin-core":
        raise CommandError("--include-flagged is not for darwin-core: flagged fixes are no occurrences.", Exit.USAGE)
    if flagged and grid_deg is not None:
        raise CommandError("--include-flagged is for exact positions alone.", Exit.USAGE)
    if flagged and kind == "geojson" and not options["points"]:
        raise CommandError("--include-flagged takes --points: a track goes through no flagged fix.", Exit.USAGE)
    if options["points"] and kind != "geojson":
        raise CommandError("--points is for geojson.", Exit.USAGE)
    since, until = _instant("--since", options["since"]), _instant("--until", options["until"])
    if since is not None and until is not None and since >= until:
        raise CommandError("--since must lie before --until.", Exit.USAGE)
    return Order(
        now=datetime.now(UTC),
        lion_ids=list(dict.fromkeys(options["lions"])) or None,
        since=since,
        until=until,
        grid_deg=grid_deg,
        delay_h=delay_h or 0.0,
        flagged=flagged,
        points=options["points"],
    )


def _instant(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parse_iso(text)
        to_microseconds(moment)
    except BadTime as error:
        raise CommandError(f"{name}: {error}.", Exit.USAGE) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _dataset(options: dict[str, Any]) -> Dataset:
    """What the archive says of itself; who made it, and under which licence, is for a person to say."""
    creators = [name for name in options["creators"] if name.strip()]
    lacking = [name for name, value in (("--license", options["license"]), ("--creator", creators)) if not value]
    if lacking:
        raise CommandError(
            f"A Darwin Core Archive is published: say {' and '.join(lacking)}, for example "
            "--license CC-BY-4.0 --creator 'Family, Given'.",
            Exit.USAGE,
        )
    address = LICENSES.get(options["license"].upper(), options["license"])
    if not address.startswith(("https://", "http://")):
        raise CommandError(f"--license knows {', '.join(LICENSES)}, or takes an address.", Exit.USAGE)
    if not options["title"].strip():
        raise CommandError("--title is blank.", Exit.USAGE)
    described = {name: options[name] for name in ("title", "rights_holder", "contact", "description")}
    return Dataset(license=address, creators=creators, **described)


def _check_target(out: str, kind: Kind) -> None:
    if kind == "darwin-core" and out.endswith(".gz"):
        raise CommandError("A Darwin Core Archive is packed already: name it .zip.", Exit.USAGE)
    if kind == "darwin-core" and out == STDOUT and click.get_binary_stream("stdout").isatty():
        raise CommandError("A Darwin Core Archive is no text: name a file with --out.", Exit.USAGE)
    folder = Path(out).resolve().parent
    if out != STDOUT and not folder.is_dir():
        raise CommandError(f"There is no folder {folder}.")
    if out != STDOUT and Path(out).is_dir():
        raise CommandError(f"{out} is a folder: name a file in it.")


def _how_exact(order: Order) -> str:
    young = f", none after {told(order.seen_until.replace(microsecond=0))}" if order.delay_h else ""
    if order.grid_deg is None:
        return f"Positions are exact{young}: whoever gets the file can find the lions."
    return f"Positions are on a grid of {order.grid_deg:g}°{young}."


@contextmanager
def _progress(kind: Kind, shows: bool) -> Iterator[OnPart]:
    """A bar over the days on stderr."""
    if not shows:
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        task = bars.add_task(kind, total=None)
        yield lambda done, of: bars.update(task, completed=done, total=of)


def _report(kind: Kind, order: Order, tally: Tally, out: str, seconds: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "file": None if out == STDOUT else out,
        "fixes": tally.fixes,
        "rows": tally.rows,
        "lions": len(tally.lions),
        "first": None if tally.first is None else told(tally.first),
        "last": None if tally.last is None else told(tally.last),
        "flagged": tally.flagged,
        "simulated": tally.simulated,
        "positions": order.precision,
        "notes": tally.notes,
        "seconds": round(seconds, 3),
    }


def _summary(order: Order, tally: Tally, out: str) -> str:
    rows = f" in {tally.rows:,} rows" if tally.rows != tally.fixes else ""
    simulated = f", {tally.simulated:,} of them simulated" if tally.simulated else ""
    where = "" if out == STDOUT else f": {out}"
    return f"{tally.fixes:,} fixes{rows}{simulated}{where}"
