"""Telling reference data for the commands of ``liontrack import``: deployments stored, weighings sent, fixes moved."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from liontrack_stream.commands.base import CommandError, Exit
from liontrack_stream.commands.importing import listed, open_producer, readable
from liontrack_stream.settings import Settings

if TYPE_CHECKING:
    import asyncpg

    from liontrack_stream.kafka.producer import EventProducer, Outgoing
    from liontrack_stream.sources.deployments import Deployments
    from liontrack_stream.sources.importing import Rejects
    from liontrack_stream.sources.reference import Reference


@dataclass
class ReferenceReport:
    """What reference data did.

    ``moved``: fixes by tag, lion before, lion now; ``stuck``: those that cannot be, by reason.
    """

    deployments: int = 0
    tags: int = 0
    refused: int = 0
    duplicates: int = 0
    weighings: int = 0
    weighings_withdrawn: int = 0
    weighings_hidden: int = 0
    masses_without_time: int = 0
    moved: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    stuck: Counter[str] = field(default_factory=Counter)
    not_stored_yet: int = 0
    rejects_file: str | None = None

    @property
    def exit_code(self) -> int:
        """1 when something told could not be done."""
        return Exit.FAILED if self.refused or self.stuck or self.weighings_hidden else Exit.OK


async def tell_reference(
    file: Path, rejects: Path, settings: Settings, mass_unit: str, dry_run: bool
) -> tuple[ReferenceReport, Deployments]:
    """Store a file's deployments, send its weighings, move the fixes it says are another lion's; also what now holds.

    A dry run looks and changes nothing.
    """
    from liontrack_stream.sources.importing import Rejects
    from liontrack_stream.sources.reference import read_reference
    from liontrack_stream.warehouse.deployments import DeploymentsError, deployments_connection, replace, stored

    report = ReferenceReport()
    with readable(file):
        reference = read_reference(file, mass_unit)
        with Rejects(rejects, reference.header) as refused:
            for refusal in reference.refused:
                refused.add(*refusal)
            found = reference.deployments
            report.deployments, report.tags = len(found), len(found.tags)
            report.refused, report.duplicates = len(reference.refused), reference.duplicates
            try:
                async with AsyncExitStack() as stack:
                    producer = None if dry_run else await open_producer(stack, settings)
                    connection = await stack.enter_async_context(deployments_connection(settings))
                    known = (await stored(connection)).with_tags_of(found)
                    report.not_stored_yet = await _worker_is_there(connection, settings)
                    if not dry_run:
                        async with connection.transaction():
                            await replace(connection, found)
                    await _weighings(report, reference, refused, connection, producer)
                    await _fixes(report, found, refused, connection, producer)
            except DeploymentsError as error:
                raise CommandError(str(error)) from error
            report.rejects_file = str(refused.path) if refused.count else None
    return report, known


async def _worker_is_there(connection: asyncpg.Connection, settings: Settings) -> int:
    """Fixes that wait in Kafka are not looked at: wait while a worker stores them; how many are left."""
    from rich.console import Console

    from liontrack_stream.contract.topics import POSITIONS
    from liontrack_stream.kafka.ends import topic_ends
    from liontrack_stream.warehouse.deployments import wait_for_worker

    ends = await topic_ends(settings, POSITIONS.name)
    with Console(stderr=True).status("") as status:

        def show(left: int) -> None:
            status.update(f"waiting for the worker: {left:,} fixes to store" if left else "")

        return await wait_for_worker(connection, POSITIONS.name, ends, show)


async def _weighings(
    report: ReferenceReport,
    reference: Reference,
    refused: Rejects,
    connection: asyncpg.Connection,
    producer: EventProducer | None,
) -> None:
    """Send the masses, take back those that are told no more."""
    from liontrack_stream.sources.corrections import weighing_deletion
    from liontrack_stream.sources.reference import SOURCE, weighing, weight_id
    from liontrack_stream.warehouse.deployments import weighings

    found = reference.deployments
    before = {row["weight_id"]: row for row in await weighings(connection, SOURCE, found.tags)}
    records: list[Outgoing] = []
    told = set()
    for deployment in found:
        record, identity = weighing(deployment), weight_id(deployment)
        if record is None or identity is None:
            report.masses_without_time += deployment.mass_g is not None
            continue
        told.add(identity)
        if identity in before and before[identity]["hidden"]:
            report.weighings_hidden += 1
            reason = f"{deployment.animal}'s weighing was taken back before, and what is hidden stays hidden"
            refused.add(deployment.line, reason, [])
            continue
        report.weighings += 1
        records.append(record)
    for identity, row in before.items():
        if identity not in told and not row["hidden"]:
            report.weighings_withdrawn += 1
            records.append(weighing_deletion(identity, row["lion_id"]))
    if producer is not None:
        await producer.send_many(records)
        await producer.flush()


async def _fixes(
    report: ReferenceReport,
    found: Deployments,
    refused: Rejects,
    connection: asyncpg.Connection,
    producer: EventProducer | None,
) -> None:
    """Move the fixes that are another lion's, some at a time: first the new events, then the deletions."""
    from rich.console import Console

    from liontrack_stream.sources.cells import BadRow
    from liontrack_stream.sources.corrections import Correction, correction
    from liontrack_stream.warehouse.deployments import misplaced

    with Console(stderr=True).status("looking for fixes of other lions") as status:
        async with aclosing(misplaced(connection, found, trial=producer is None)) as runs:
            async for run in runs:
                corrections: list[Correction] = []
                for fix in run:
                    try:
                        corrections.append(correction(fix))
                        report.moved[fix.tag_id, fix.lion_id, fix.to_lion] += 1
                    except BadRow as bad:
                        report.stuck[bad.kind] += 1
                        reason = (
                            f"the fix of tag {fix.tag_id} is lion {fix.to_lion}'s and stays at {fix.lion_id}: {bad}"
                        )
                        refused.add(f"{fix.lion_id} {fix.time}", reason, [])
                if producer is not None:
                    for records in zip(*corrections, strict=True):
                        await producer.send_many(records)
                        await producer.flush()
                status.update(f"{report.moved.total():,} fixes moved")


def as_json(report: ReferenceReport) -> dict[str, Any]:
    """The report as JSON."""
    moved = [
        {"tag": tag, "from": before, "to": now, "fixes": count}
        for (tag, before, now), count in sorted(report.moved.items())
    ]
    return {**vars(report), "moved": moved, "fixes_moved": report.moved.total(), "stuck": dict(report.stuck)}


def print_report(report: ReferenceReport, dry_run: bool) -> None:
    """The report for a person."""
    would = "would be " if dry_run else ""
    again = f", {report.duplicates:,} repeated" if report.duplicates else ""
    stored = f"{report.deployments:>10,} deployments of {report.tags:,} tags {would}stored{again}"
    click.echo(f"{stored}; {report.refused:,} rows refused")
    back = f", {report.weighings_withdrawn:,} {would}taken back" if report.weighings_withdrawn else ""
    click.echo(f"{report.weighings:>10,} weighings {would}sent{back}")
    if report.weighings_hidden or report.masses_without_time:
        why = f"{report.weighings_hidden:,} taken back before, {report.masses_without_time:,} without deploy-on-date"
        click.echo(f"{report.weighings_hidden + report.masses_without_time:>10,} masses not: {why}")
    click.echo(f"{report.moved.total():>10,} fixes {would}moved")
    for (tag, before, now), count in sorted(report.moved.items()):
        click.echo(f"{count:>20,} of tag {tag} from {before} to {now}")
    if report.stuck:
        click.echo(f"{report.stuck.total():>10,} fixes stay at the wrong lion{listed(report.stuck)}")
    if report.not_stored_yet:
        click.echo(
            f"warning: {report.not_stored_yet:,} fixes wait in Kafka for a worker and were not looked at: "
            "run this again when it has stored them.",
            err=True,
        )
    if report.rejects_file:
        click.echo(f"What was refused, with reasons: {report.rejects_file}")
