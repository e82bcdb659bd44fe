"""``liontrack generations list | diff | swap | rollback | drop``: the warehouses beside the live one."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
from faust.cli.base import argument, cli, option

from liontrack_stream.commands.base import CommandError, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.settings import Settings, load_settings

if TYPE_CHECKING:
    from liontrack_stream.replay.diff import Diff as Compared
    from liontrack_stream.warehouse.generations import Generation

LIONS_SHOWN = 20
json_option = option("--json", "as_json", is_flag=True, help="Print JSON.")


@cli.group("generations")
def generations() -> None:
    """Look after the generations: whole warehouses beside the live one.

    LIONTRACK_GENERATION=N makes a command look into one of them, e.g. `LIONTRACK_GENERATION=2 liontrack quality`.

    \b
    Examples:
      liontrack replay                  make one
      liontrack generations list
      liontrack generations diff 2
      liontrack generations swap 2     make it the live one
      liontrack generations rollback   and back
      liontrack generations drop 2
    """


class GenerationsCommand(LionTrackCommand):
    """What its commands have in common."""

    abstract: ClassVar[bool] = True
    group = generations


class List(GenerationsCommand):
    """List the generations.

    \b
    Examples:
      liontrack generations list
      liontrack generations list --json

    Exit codes: 0 listed, 1 PostgreSQL cannot be reached or is not migrated, 2 wrong usage or a setting is missing.
    """

    options = [json_option, data_dir_option]

    async def run(self, as_json: bool, data_dir: Path | None) -> None:
        """Read, print."""
        from liontrack_stream.warehouse.generations import listed

        async with connected(load_settings(use_data_dir(data_dir))) as connection:
            found = await listed(connection)
        if as_json or self.json:
            click.echo(self.dumps([_as_json(one) for one in found]))
            return
        for one in found:
            rules = "" if one.rule_version is None else f"rules {one.rule_version}"
            bounds = ", ".join(f"{name} {value}" for name, value in one.options.items())
            line = f"{one.number:>4}  {one.state:<9}{one.created_at:%Y-%m-%d %H:%M}  {rules:<9}{bounds}"
            click.echo(line.rstrip())


class Diff(GenerationsCommand):
    """Show a generation's diff again, as its replay made it.

    \b
    Examples:
      liontrack generations diff 2
      liontrack generations diff 2 --json | jq '.lions[]'

    Exit codes: 0 shown, 1 there is none, or PostgreSQL cannot be reached, 2 wrong usage or a setting is missing.
    """

    options = [argument("number", type=click.IntRange(min=0)), json_option, data_dir_option]

    async def run(self, number: int, as_json: bool, data_dir: Path | None) -> None:
        """Read, print."""
        from liontrack_stream.replay.diff import kept
        from liontrack_stream.warehouse.generations import found

        async with connected(load_settings(use_data_dir(data_dir))) as connection:
            one = await found(connection, number)
            diff = await kept(connection, number)
        if diff is None:
            raise CommandError(f"Generation {number} has not been compared: let `liontrack replay` come to its end.")
        if as_json or self.json:
            click.echo(self.dumps(_as_json(one) | diff_as_json(diff)))
        else:
            print_diff(diff)


class Swap(GenerationsCommand):
    """Make a generation the live one, in one transaction; the one before is kept, and can come back by rollback.

    The generation is brought up to the live one's records first, so that nothing is lost or told twice. Workers that
    run start again by themselves within seconds; they need the settings that the generation was computed with. Its lake
    lies in LAKE_ROOT/generations/N: `liontrack query` follows, who globs reads there.

    \b
    Examples:
      liontrack generations swap 2

    Exit codes: 0 it is live, 1 it cannot become live (the reason is said, and nothing has changed), 2 wrong usage or a
    setting is missing.
    """

    options = [argument("number", type=click.IntRange(min=0)), data_dir_option]

    async def run(self, number: int, data_dir: Path | None) -> None:
        """Catch up, exchange."""
        await swap_to(load_settings(use_data_dir(data_dir)), number, quiet=self.quiet)


class Rollback(GenerationsCommand):
    """Make the generation live again that was live before, with all records that came since.

    It takes one swap back. Called again, perhaps because it was killed, it says that this is done; `swap N` goes on to
    any other generation.

    \b
    Examples:
      liontrack generations rollback

    Exit codes: as of `liontrack generations swap`; 1 also where no generation was live before.
    """

    options = [data_dir_option]

    async def run(self, data_dir: Path | None) -> None:
        """Find it, catch up, exchange."""
        await swap_to(load_settings(use_data_dir(data_dir)), None, quiet=self.quiet)


class Drop(GenerationsCommand):
    """Drop a generation: its schemas and its files in the lake. The live one cannot be dropped.

    \b
    Examples:
      liontrack generations drop 2

    Exit codes: 0 dropped, 1 there is none, it is live, a replay works at it, or PostgreSQL or the lake cannot be
    reached, 2 wrong usage or a setting is missing.
    """

    options = [argument("number", type=click.IntRange(min=0)), data_dir_option]

    async def run(self, number: int, data_dir: Path | None) -> None:
        """Drop the schemas, then the files."""
        await drop_generation(load_settings(use_data_dir(data_dir)), number)
        if not self.quiet:
            click.echo(f"Generation {number} is gone.")


async def drop_generation(settings: Settings, number: int) -> None:
    """Drop a generation's schemas, then its files in the lake."""
    from liontrack_stream.lake.generations import remove_lake
    from liontrack_stream.warehouse.generations import drop

    async with connected(settings) as connection:
        await drop(connection, number)
    await asyncio.to_thread(remove_lake, settings.in_generation(number))


async def swap_to(settings: Settings, number: int | None, *, quiet: bool) -> None:
    """Make a generation the live one, and say so; None: the one that was before the last swap."""
    from liontrack_stream.commands.progress import progress
    from liontrack_stream.replay.swap import previous, swap
    from liontrack_stream.warehouse.generations import LiveAlreadyError

    with progress(quiet=quiet) as report, failing():
        try:
            back = number is None
            number = await previous(settings) if number is None else number
            former = await swap(settings, number, report, back=back)
            way = f"swap {former}" if back else "rollback"
            told = f"Generation {number} is live. Generation {former} is kept: `liontrack generations {way}`."
        except LiveAlreadyError as done:
            told = str(done)
    if not quiet:
        click.echo(told)


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Any]:
    """A connection that may manage generations; trouble becomes a sentence."""
    from liontrack_stream.warehouse.generations import catalog_connection

    with failing():
        async with catalog_connection(settings) as connection:
            yield connection


@contextmanager
def failing() -> Iterator[None]:
    """Trouble becomes a sentence."""
    import asyncpg

    from liontrack_stream.kafka.exits import WorkerError
    from liontrack_stream.lake.ports import LakeError
    from liontrack_stream.warehouse.generations import GenerationError

    try:
        yield
    except (GenerationError, WorkerError, LakeError) as error:
        raise CommandError(str(error)) from error
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise CommandError(f"PostgreSQL, Kafka or the lake cannot be used: {error}") from error


def _as_json(one: Generation) -> dict[str, Any]:
    times = {name: getattr(one, name) for name in ("created_at", "compared_at", "swapped_at")}
    return {
        "generation": one.number,
        "state": one.state,
        "options": dict(one.options),
        "rule_version": one.rule_version,
        **{name: None if time is None else time.isoformat() for name, time in times.items()},
    }


def diff_as_json(diff: Compared) -> dict[str, Any]:
    """A diff: whether there is any, its moment, tables and lions."""
    return {
        "differs": diff.differs,
        "offsets": [[topic, partition, offset] for (topic, partition), offset in sorted(diff.offsets.items())],
        "tables": [dataclasses.asdict(table) for table in diff.tables],
        "lions": [dataclasses.asdict(lion) for lion in diff.lions],
    }


def print_diff(diff: Compared) -> None:
    """A line per table, and per lion that differs."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    tables = Table("table", box=None, title="Rows", title_justify="left")
    for name in ("live", "added", "removed", "changed"):
        tables.add_column(name, justify="right")
    for one in diff.tables:
        counts = (one.rows_live, one.added, one.removed, one.changed)
        tables.add_row(one.table, *(f"{count:,}" for count in counts), style="yellow" if one.differs else "")
    console.print(tables)
    if diff.lions:
        lions = Table("lion", box=None, title="Lions: before → after", title_justify="left")
        for name in ("fixes", "km", "latest health"):
            lions.add_column(name, justify="right")
        for lion in diff.lions[:LIONS_SHOWN]:
            lions.add_row(
                lion.lion_id,
                f"{_figure(lion.fixes_before)} → {_figure(lion.fixes_after)}",
                f"{_figure(lion.km_before, 3)} → {_figure(lion.km_after, 3)}",
                f"{_figure(lion.health_before, 2)} → {_figure(lion.health_after, 2)}",
            )
        console.print(lions)
        if len(diff.lions) > LIONS_SHOWN:
            console.print(f"… and {len(diff.lions) - LIONS_SHOWN} more; --json has them all.")


def _figure(value: float | None, decimals: int = 0) -> str:
    return "–" if value is None else f"{value:,.{decimals}f}"
