"""Running one import for the commands of ``liontrack import``: progress, Kafka or a dry run, the report."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from liontrack_stream.commands.base import CommandError, Exit
from liontrack_stream.settings import Settings

if TYPE_CHECKING:
    from liontrack_stream.kafka.producer import EventProducer, Outgoing
    from liontrack_stream.sources.files import SourceFile
    from liontrack_stream.sources.importing import Importer, ImportReport, Rejects


def rejects_path(file: Path, rejects: Path | None) -> Path:
    """Where the rejects of a file go."""
    name = file.name.removesuffix(".gz")
    name = name.rpartition(".")[0] or name
    path = rejects or Path.cwd() / f"{name}.rejects.csv"
    if path.absolute() == file.absolute():
        raise CommandError("--rejects names the file itself.", Exit.USAGE)
    return path


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """Ends the command with a sentence when the file cannot be read."""
    from liontrack_stream.sources.files import DamagedFile, UnreadableFile

    try:
        yield
    except UnreadableFile as error:
        raise CommandError(str(error), Exit.USAGE) from None
    except DamagedFile as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{error.filename or file}: {error.strerror or error}.") from None


async def open_producer(stack: AsyncExitStack, settings: Settings) -> EventProducer:
    """A producer, on topics that are there."""
    from liontrack_stream.kafka.errors import quiet_kafka_client
    from liontrack_stream.kafka.producer import EventProducer
    from liontrack_stream.kafka.topics import create_topics

    quiet_kafka_client()
    for warning in (await create_topics(settings)).warnings:
        click.echo(f"warning: {warning}", err=True)
    return await stack.enter_async_context(EventProducer(settings))


async def import_fixes(
    source: SourceFile, rejects: Path, settings: Settings | None, as_json: bool
) -> tuple[ImportReport, Rejects]:
    """Open, send with progress. Without settings nothing is sent. Interrupted, it reports what was sent."""
    from liontrack_stream.sources.importing import Importer, Rejects

    with readable(source.path), source, Rejects(rejects, source.header, source.place_name) as refused:
        importer = Importer(source, refused, _send_nowhere)
        try:
            await _run(importer, source, settings)
        except asyncio.CancelledError:
            if as_json:
                print_json(counts(importer.report, refused))
            else:
                print_report(importer.report, refused, settings is None)
            raise
    return importer.report, refused


async def _run(importer: Importer, source: SourceFile, settings: Settings | None) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
    )
    async with AsyncExitStack() as stack:
        if settings is not None:
            importer.send = (await open_producer(stack, settings)).send_many
        progress = stack.enter_context(Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)))
        task = progress.add_task(source.path.name, total=source.size_bytes, rows=0)

        def show() -> None:
            progress.update(task, completed=source.bytes_read, rows=importer.report.rows)

        importer.on_progress = show
        await importer.run()
        show()


async def _send_nowhere(records: list[Outgoing]) -> None:
    """What a dry run sends."""


def counts(report: ImportReport, refused: Rejects) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "rows": report.rows,
        "sent": report.sent,
        "skipped": report.skipped,
        "duplicates": report.duplicates,
        "not_visible": report.not_visible,
        "individuals": len(report.lions),
        "by_deployment": report.by_deployment,
        "reasons": dict(report.reasons),
        "damage": report.damage,
        "rejects_file": str(refused.path) if refused.count else None,
        "seconds": round(report.seconds, 3),
    }


def print_report(report: ImportReport, refused: Rejects, dry_run: bool) -> None:
    """The report for a person."""
    verb = "would be sent" if dry_run else "sent"
    hidden = f", {report.not_visible:,} of them marked not visible" if report.not_visible else ""
    worn = f", {report.by_deployment:,} of them by their collar's deployment" if report.by_deployment else ""
    click.echo(f"{report.sent:>10,} rows {verb}, of {len(report.lions)} individuals{worn}{hidden}")
    click.echo(f"{report.skipped:>10,} skipped{listed(report.reasons)}")
    click.echo(f"{report.duplicates:>10,} duplicates within the file")
    if refused.count:
        click.echo(f"Rows not sent, with their reasons: {refused.path}")


def listed(reasons: Counter[str]) -> str:
    """Reasons with their counts, for the end of a line."""
    why = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    return f": {why}" if why else ""


def print_json(document: dict[str, Any]) -> None:
    """One line of JSON."""
    click.echo(json.dumps(document))
