"""``liontrack import``: files of the field into events."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
from faust.cli.base import argument, option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.kafka.errors import ProduceError, TopicError, quiet_kafka_client
from liontrack_stream.settings import load_settings

if TYPE_CHECKING:
    from liontrack_stream.kafka.producer import Outgoing
    from liontrack_stream.sources.movebank_file import MovebankFile
    from liontrack_stream.sources.movebank_import import Importer, ImportReport, Rejects


class Import(LionTrackCommand):
    """Send the fixes of a Movebank export (FILE.csv or FILE.csv.gz) as position events.

    Columns are found by Movebank's names, in any order; timestamp, location-long, location-lat and
    individual-local-identifier must be there, unknown ones are kept. Rows without a usable fix are skipped and listed,
    with line and reason, in the rejects file. Rows that repeat an individual and timestamp are duplicates: the first is
    sent (a visible one before a hidden one), the others are listed too.

    Importing a file again is safe: the rows are sent again, and the worker, which knows each fix by lion and timestamp,
    counts them as duplicates and changes nothing.

    \b
    Examples:
      liontrack import movebank kalahari.csv.gz
      liontrack import movebank export.csv --rejects /tmp/bad.csv
      liontrack import movebank export.csv --dry-run     only look

    Exit codes: 0 imported (skipped rows included), 1 the file is damaged, no row was usable, or Kafka failed,
    2 not a Movebank export, or a setting is missing.
    """

    command_name = "import"
    failures = (TopicError, ProduceError)
    options = [
        argument("kind", metavar="movebank", type=click.Choice(["movebank"])),
        argument("file", type=click.Path(path_type=Path)),
        option(
            "--rejects",
            type=click.Path(dir_okay=False, path_type=Path),
            default=None,
            help="Where rows go that are not sent.  [default: FILE.rejects.csv in the current folder]",
        ),
        option("--dry-run", is_flag=True, help="Read and check everything, send nothing."),
        option("--json", "as_json", is_flag=True, help="Print the counts as one JSON line."),
        data_dir_option,
    ]

    async def run(
        self, *, kind: str, file: Path, rejects: Path | None, dry_run: bool, as_json: bool, data_dir: Path | None
    ) -> int:
        """Open, send with progress, report."""
        from liontrack_stream.sources.movebank import NotMovebank
        from liontrack_stream.sources.movebank_file import DamagedFile, MovebankFile
        from liontrack_stream.sources.movebank_import import Importer, Rejects

        rejects_path = _rejects_path(file, rejects)
        try:
            with MovebankFile(file) as source, Rejects(rejects_path, source.header) as refused:
                importer = Importer(source, refused, _send_nowhere)
                try:
                    await _import(importer, source, None if dry_run else use_data_dir(data_dir))
                except asyncio.CancelledError:
                    _print_report(importer.report, refused, as_json, dry_run)
                    raise
        except NotMovebank as error:
            raise CommandError(str(error), Exit.USAGE) from None
        except DamagedFile as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename or file}: {error.strerror or error}.") from None
        _print_report(importer.report, refused, as_json, dry_run)
        if importer.report.damage:
            raise CommandError(f"{importer.report.damage} Fetch it again and import it; rows sent twice do no harm.")
        return Exit.OK if importer.report.sent or not importer.report.rows else Exit.FAILED


async def _import(importer: Importer, source: MovebankFile, data_dir: Path | None) -> None:
    """Run the importer with a progress bar; without a folder of settings nothing is sent."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from liontrack_stream.kafka.producer import EventProducer
    from liontrack_stream.kafka.topics import create_topics

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
    )
    async with AsyncExitStack() as stack:
        if data_dir is not None:
            settings = load_settings(data_dir)
            quiet_kafka_client()
            for warning in (await create_topics(settings)).warnings:
                click.echo(f"warning: {warning}", err=True)
            producer = await stack.enter_async_context(EventProducer(settings))
            importer.send = producer.send_many
        progress = stack.enter_context(Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)))
        task = progress.add_task(source.path.name, total=source.size_bytes, rows=0)

        def show() -> None:
            progress.update(task, completed=source.bytes_read, rows=importer.report.rows)

        importer.on_progress = show
        await importer.run()
        show()


async def _send_nowhere(records: list[Outgoing]) -> None:
    """What a dry run sends."""


def _rejects_path(file: Path, rejects: Path | None) -> Path:
    name = file.name.removesuffix(".gz").removesuffix(".csv") or file.name
    path = rejects or Path.cwd() / f"{name}.rejects.csv"
    if path.absolute() == file.absolute():
        raise CommandError("--rejects names the file itself.", Exit.USAGE)
    return path


def _print_report(report: ImportReport, refused: Rejects, as_json: bool, dry_run: bool) -> None:
    counts = {
        "rows": report.rows,
        "sent": report.sent,
        "skipped": report.skipped,
        "duplicates": report.duplicates,
        "not_visible": report.not_visible,
        "individuals": len(report.individuals),
        "reasons": dict(report.reasons),
        "damage": report.damage,
        "rejects_file": str(refused.path) if refused.count else None,
        "seconds": round(report.seconds, 3),
    }
    if as_json:
        click.echo(json.dumps(counts))
        return
    verb = "would be sent" if dry_run else "sent"
    hidden = f", {report.not_visible:,} of them marked not visible" if report.not_visible else ""
    click.echo(f"{report.sent:>10,} rows {verb}, of {len(report.individuals)} individuals{hidden}")
    why = ", ".join(f"{count:,} {reason}" for reason, count in report.reasons.most_common())
    click.echo(f"{report.skipped:>10,} skipped{': ' + why if why else ''}")
    click.echo(f"{report.duplicates:>10,} duplicates within the file")
    if refused.count:
        click.echo(f"Rows not sent, with their reasons: {refused.path}")
