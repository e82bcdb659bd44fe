"""``liontrack explain``: from a cell of silver or gold back to Kafka, and what it said before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from faust.cli.base import argument, option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.settings import Settings, load_settings

if TYPE_CHECKING:
    from liontrack_stream.warehouse.explain import Explanation
    from liontrack_stream.warehouse.explain_tables import Explained, Key

NO_SUCH_ROW = 3


class Explain(LionTrackCommand):
    """Show where a row of silver or gold comes from: rules, silver rows, Kafka offsets, bronze, and its revisions.

    \b
    Examples:
      liontrack explain gold.lions_metrics lion_id=lion-07 metric_date=2025-01-12
      liontrack explain gold.lion_windows lion_id=lion-07 window_start=2025-01-12T05:30:00Z
      liontrack explain silver.weight_history weight_id=w-1 --json

    Tables: gold.lions_metrics, gold.lion_windows, gold.lions_positions_history, gold.users_activity,
    gold.user_windows, gold.quality_daily, silver.positions, silver.weight_history, silver.user_activities,
    silver.challenge_events, silver.lions, silver.users, silver.challenges.

    Exit codes: 0 shown, 1 PostgreSQL does not answer, 2 wrong usage or settings, 3 there is no such row (its
    revisions are shown all the same).
    """

    options = [
        argument("table"),
        argument("key", nargs=-1),
        option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows per list."),
        option("--json", "as_json", is_flag=True, default=False, help="One JSON object instead of a tree."),
        data_dir_option,
    ]

    async def run(self, table: str, key: tuple[str, ...], limit: int, as_json: bool, data_dir: Path | None) -> int:
        """Print a tree, or JSON."""
        from liontrack_stream.warehouse.explain_tables import ExplainError, key_of, table_of

        try:
            explained = table_of(table)
            values = key_of(explained, _pairs(key))
        except ExplainError as error:
            raise CommandError(str(error), Exit.USAGE) from None
        explanation = await _explain(load_settings(use_data_dir(data_dir)), explained, values, limit)
        if as_json or self.json:
            import orjson

            click.echo(orjson.dumps(explanation, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode())
        else:
            from liontrack_stream.commands.explanation import print_explanation

            print_explanation(explanation)
        if explanation["row"] is None:
            click.echo(f"liontrack: {explained.name} has no row with this key.", err=True)
            return NO_SUCH_ROW
        return Exit.OK


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    """``name=value`` …; a value may hold an equals sign."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise CommandError(f"{text!r} is not of the form name=value.", Exit.USAGE)
        if name in pairs:
            raise CommandError(f"{name} is given more than once.", Exit.USAGE)
        pairs[name] = value
    return pairs


async def _explain(settings: Settings, table: Explained, key: Key, limit: int) -> Explanation:
    """Read everything in one snapshot."""
    import asyncpg

    from liontrack_stream.warehouse.explain import explain
    from liontrack_stream.warehouse.pool import acting_as
    from liontrack_stream.warehouse.queries import query

    try:
        role = acting_as(settings.pg_api_role)
        names = {"application_name": "liontrack explain", "timezone": "UTC"}
        connection = await asyncpg.connect(**settings.pg_dsn, timeout=10.0, server_settings=names | role)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise CommandError(f"PostgreSQL at {settings.pg_host}:{settings.pg_port} cannot be used ({error}).") from None
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await explain(lambda name, *rest: connection.fetch(query(name), *rest), table, key, limit)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        raise CommandError("The warehouse lacks a table or column: run `liontrack migrate`.") from None
    finally:
        await connection.close()
