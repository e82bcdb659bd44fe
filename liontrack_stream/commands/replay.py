"""``liontrack replay``: compute history anew beside the live warehouse, and say what would differ."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import uvloop
from faust.cli.base import option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.commands.generations import (
    diff_as_json,
    drop_generation,
    failing,
    json_option,
    print_diff,
    swap_to,
)
from liontrack_stream.contract.topics import BY_NAME, TOPICS
from liontrack_stream.settings import Settings, load_settings

if TYPE_CHECKING:
    from liontrack_stream.replay.run import Order, Outcome

_TIMES = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


class Replay(LionTrackCommand):
    """Compute all history anew, from the first record, into a generation beside the live one, and compare the two.

    It reads no further than the live worker has stored; that one goes on meanwhile, and waits a moment when both have
    to stand at the same record. Then it says which rows it adds, removes and changes, per table, and which lions'
    fixes, kilometres and latest health differ. The generation stays, with its files in the lake, until it is dropped.
    Killed, it goes on where it was when it is called again with the same bounds and rules. Records that Kafka no longer
    holds are read from the live generation's files in the lake, or from bronze; it says which.

    With bounds (--topic, --lion, --from, --to) it replays and compares what they leave; --from and --to, in append
    time, compare only tables that know it.

    \b
    Examples:
      liontrack replay
      SPEED_LIMITS_KMH=50,20,10,5 liontrack replay --dry-run      what would other rules change?
      liontrack replay --swap
      liontrack replay --lion 289ea314929a8a3bc613013c --json
      liontrack replay --rate-limit 5000                          spare the live worker

    Exit codes: 0 compared, 1 Kafka or PostgreSQL cannot be reached or disagree, or another replay works at the
    generation, 2 wrong usage or a setting is missing.
    """

    options = [
        option("--dry-run", is_flag=True, help="Compare, then drop the generation; write nothing to the lake."),
        option("--swap", is_flag=True, help="Then make it the live one, as `liontrack generations swap` does."),
        option("--new", "anew", is_flag=True, help="Begin anew, where a generation could be gone on with."),
        option("--rate-limit", type=click.FloatRange(min=1), default=None, help="Records a second.  [default: none]"),
        option("--topic", "topics", multiple=True, type=click.Choice(list(BY_NAME)), help="May be given again."),
        option("--lion", default=None, help="Only records of this lion."),
        option("--from", "since", type=_TIMES, default=None, help="Only records appended then (UTC) or later."),
        option("--to", "until", type=_TIMES, default=None, help="Only records appended before."),
        json_option,
        data_dir_option,
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # as the worker's
        super().__init__(*args, **kwargs)

    async def run(self, *, swap: bool, as_json: bool, data_dir: Path | None, **asked: Any) -> None:
        """Replay, compare, report; swap."""
        settings, order = load_settings(use_data_dir(data_dir)), _order(**asked)
        if swap and order.options:
            raise CommandError("--swap needs a replay of everything that is kept: no bounds, no --dry-run.", Exit.USAGE)
        outcome = await _replay(settings, order, self.quiet)
        if as_json or self.json:
            click.echo(self.dumps(outcome_as_json(outcome)))
        elif not self.quiet:
            click.echo(outcome_summary(outcome))
            print_diff(outcome.diff)
        if swap:
            await swap_to(settings, outcome.number, quiet=self.quiet or as_json or self.json)


def _order(
    *,
    dry_run: bool,
    anew: bool,
    rate_limit: float | None,
    topics: tuple[str, ...],
    lion: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Order:
    from liontrack_stream.replay.bounds import Bounds
    from liontrack_stream.replay.run import Order

    chosen = tuple(topic for topic in TOPICS if topic.name in topics) if topics else TOPICS
    times = [time and time.replace(tzinfo=UTC) for time in (since, until)]
    return Order(Bounds(chosen, lion, *times), rate_limit, anew, dry_run)


async def _replay(settings: Settings, order: Order, quiet: bool) -> Outcome:
    from liontrack_stream.commands.progress import progress
    from liontrack_stream.replay.run import replay

    with progress(quiet=quiet) as report, failing():
        outcome = await replay(settings, order, report)
    if order.dry_run:
        await drop_generation(settings, outcome.number)
    return outcome


def outcome_summary(outcome: Outcome) -> str:
    """What a generation is, in a line or two."""
    rules = ", ".join(map(str, outcome.live_rules)) or "none"
    verdict = "differs from" if outcome.diff.differs else "is the same as"
    archived = outcome.missing and (
        f" Kafka no longer held all: {outcome.from_lake:,} records came from the lake, "
        f"{outcome.from_bronze:,} from bronze."
    )
    return (
        f"Generation {outcome.number} (rules {outcome.rule_version}; live: {rules}) {verdict} the live one "
        f"at record {outcome.records:,}.{archived or ''}"
    )


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """The same for machines, with the diff."""
    return {
        "generation": outcome.number,
        "resumed": outcome.resumed,
        "records": outcome.records,
        "stored": outcome.stats.bronze,
        "seconds": round(outcome.seconds, 3),
        "seconds_comparing": round(outcome.comparing_s, 3),
        "not_in_kafka": {
            "from_lake": outcome.from_lake,
            "from_bronze": outcome.from_bronze,
            "offsets": [[*one.partition, one.first, one.begin] for one in outcome.missing],
        },
        "rules": {"live": list(outcome.live_rules), "generation": outcome.rule_version},
        **diff_as_json(outcome.diff),
    }
