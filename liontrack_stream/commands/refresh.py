"""``liontrack refresh``: the materialized views of analytics, now."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
from faust.cli.base import option

from liontrack_stream.commands.base import CommandError, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.settings import Settings, load_settings


class Refresh(LionTrackCommand):
    """Refresh the materialized views of analytics, while they are read. A worker does it every minute by itself.

    \b
    Examples:
      liontrack refresh
      liontrack refresh --view lions_current_status
      liontrack --json refresh

    Exit codes: 0 refreshed, 1 Postgres is away or refused, 2 wrong usage or a setting is missing.
    """

    options = [
        option("--view", default=None, help="Only this one, by its name in the schema analytics.  [default: all]"),
        data_dir_option,
    ]

    async def run(self, view: str | None, data_dir: Path | None) -> None:
        """Refresh, and print a line per view."""
        settings = load_settings(use_data_dir(data_dir))
        name = None if view is None else view.removeprefix("analytics.")
        done = await _refresh(settings, name)
        if self.json:
            click.echo(self.dumps([dataclasses.asdict(one) for one in done]))
        elif not self.quiet:
            for one in done:
                click.echo(f"analytics.{one.view}  {one.rows:,} rows  {one.seconds:.3f} s")


async def _refresh(settings: Settings, view: str | None) -> list:
    import asyncpg

    from liontrack_stream.warehouse.refreshing import refresh_views

    try:
        return await refresh_views(settings, view=view)
    except asyncpg.UndefinedObjectError as error:
        raise CommandError(f"{error}.") from error
    except (asyncpg.UndefinedFunctionError, asyncpg.InvalidSchemaNameError) as error:
        raise CommandError("The warehouse is not migrated: run `liontrack migrate`.") from error
    except asyncpg.InsufficientPrivilegeError as error:
        user = settings.pg_user
        raise CommandError(f"{user} may not refresh the views ({error}): GRANT liontrack_ingest TO {user}.") from error
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        place = f"{settings.pg_host}:{settings.pg_port}"
        raise CommandError(f"PostgreSQL at {place} does not refresh the views ({error!r}).") from error
