"""``liontrack simulate``: seeded lions, users and challenges into the five topics."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from faust.cli.base import option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.contract.topics import POSITIONS, TOPICS
from liontrack_stream.kafka.errors import ProduceError, TopicError, quiet_kafka_client
from liontrack_stream.settings import load_settings

if TYPE_CHECKING:
    from liontrack_stream.sources.simulator.plan import Plan
    from liontrack_stream.sources.simulator.run import SimulationReport

_DAYS = 30
_POSITIONS_PER_LION_DAY_MIN = 20


class Simulate(LionTrackCommand):
    """Send simulated events to all five topics: lions that walk like those of the Kalahari, users, challenges.

    The same options give the same bytes, whatever the day. Fixes come every 30 minutes, with gaps, late uploads,
    duplicates and a few bad fixes, as real collars send them. Everything is labelled as simulated (source "simulator",
    names like "Sim Lion 07").

    \b
    Examples:
      liontrack simulate --lions 50 --days 30 --seed 1
      liontrack simulate --start recent --days 30        the 30 days up to last midnight (UTC)
      liontrack simulate --rate 200                      200 events a second
      liontrack simulate --events 1000000 --topics positions

    Exit codes: 0 all sent, 1 Kafka failed, 2 wrong usage or a setting is missing, 130 interrupted.
    """

    failures = (TopicError, ProduceError)
    options = [
        option("--lions", type=click.IntRange(min=1), default=50, show_default=True),
        option("--days", type=click.IntRange(min=1), default=None, help=f"Days to simulate.  [default: {_DAYS}]"),
        option("--seed", type=click.IntRange(min=0), default=1, show_default=True),
        option("--users", type=click.IntRange(min=0), default=20, show_default=True),
        option("--start", default="2025-01-01", show_default=True, help="First day (UTC), or `recent`."),
        option("--rate", type=click.FloatRange(min=0, min_open=True), default=None, help="Events per second in all."),
        option("--events", type=click.IntRange(min=1), default=None, help="End after this many position events."),
        option("--topics", "nouns", default=None, help=f"Some of: {','.join(t.noun for t in TOPICS)}.  [default: all]"),
        option(
            "--bad-fraction",
            type=click.FloatRange(0, 1),
            default=0.0,
            show_default=True,
            help="Share of records that break the contract, on top of the sound ones.",
        ),
        option("--json", "as_json", is_flag=True, help="Print the counts as one JSON line."),
        data_dir_option,
    ]

    async def run(
        self,
        *,
        lions: int,
        days: int | None,
        seed: int,
        users: int,
        start: str,
        rate: float | None,
        events: int | None,
        nouns: str | None,
        bad_fraction: float,
        as_json: bool,
        data_dir: Path | None,
    ) -> int:
        """Plan, send with progress, report."""
        from liontrack_stream.sources.simulator.plan import Plan
        from liontrack_stream.sources.simulator.run import SimulationReport

        days = days or (_DAYS if events is None else events // (lions * _POSITIONS_PER_LION_DAY_MIN) + 2)
        plan = Plan(lions, days, seed, _first_day(start, days), users, bad_fraction, events, _topics(nouns))
        report, began = SimulationReport(), time.monotonic()
        try:
            await _send(plan, rate, report, use_data_dir(data_dir))
        except asyncio.CancelledError:
            _print_report(report, time.monotonic() - began, as_json)
            raise
        _print_report(report, time.monotonic() - began, as_json)
        return Exit.OK


async def _send(plan: Plan, rate: float | None, report: SimulationReport, data_dir: Path) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from liontrack_stream.kafka.producer import EventProducer
    from liontrack_stream.kafka.topics import create_topics
    from liontrack_stream.sources.simulator.run import produce

    settings = load_settings(data_dir)
    quiet_kafka_client()
    if plan.end_ms > time.time() * 1000 and plan.positions_max is None:
        click.echo("warning: the last days lie in the future; the worker flags their fixes (see --start).", err=True)
    for warning in (await create_topics(settings)).warnings:
        click.echo(f"warning: {warning}", err=True)
    columns = (
        TextColumn("Simulating, day {task.fields[day]}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[sent]:,} events, {task.fields[per_s]:,.0f}/s"),
        TimeElapsedColumn(),
    )
    async with EventProducer(settings) as producer:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("", total=plan.positions_max or plan.days, day=0, sent=0, per_s=0.0)

            def show() -> None:
                elapsed = progress.tasks[0].elapsed or 1.0
                done = report.days if plan.positions_max is None else report.records[POSITIONS.name]
                rate_now = report.total / elapsed
                progress.update(task, completed=done, day=report.days, sent=report.total, per_s=rate_now)

            await produce(producer, plan, report, rate, show)


def _first_day(start: str, days: int) -> date:
    if start == "recent":
        return datetime.now(UTC).date() - timedelta(days=days)
    try:
        return date.fromisoformat(start)
    except ValueError:
        raise CommandError(f"--start takes a day like 2025-01-31 or `recent`, not {start!r}.", Exit.USAGE) from None


def _topics(nouns: str | None) -> frozenset[str]:
    """The contract's topics for a list of nouns (or of the topics' own names)."""
    names = {topic.noun: topic.name for topic in TOPICS} | {topic.name: topic.name for topic in TOPICS}
    chosen = [noun.strip() for noun in nouns.split(",")] if nouns is not None else list(names)
    unknown = [noun for noun in chosen if noun not in names]
    if unknown:
        known = ", ".join(topic.noun for topic in TOPICS)
        raise CommandError(f"--topics knows {known}; not {', '.join(map(repr, unknown))}.", Exit.USAGE)
    return frozenset(names[noun] for noun in chosen)


def _print_report(report: SimulationReport, seconds: float, as_json: bool) -> None:
    if as_json:
        counts = {topic.name: report.records[topic.name] for topic in TOPICS}
        click.echo(json.dumps({"sent": report.total, "topics": counts, "seconds": round(seconds, 3)}))
        return
    for topic in TOPICS:
        click.echo(f"{report.records[topic.name]:>10,}  {topic.name}")
    click.echo(f"{report.total:>10,}  simulated events sent in {seconds:.1f} s")
