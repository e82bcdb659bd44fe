"""``liontrack migrate``: the warehouse's schema."""

from __future__ import annotations

from pathlib import Path

import click
from faust.cli.base import option

from liontrack_stream import __version__
from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.settings import load_settings
from liontrack_stream.warehouse.migrations import MigrationError, migrate, standing

PENDING, NEWER = 3, 4  # exit codes


class Migrate(LionTrackCommand):
    """Bring the warehouse's schema up to this version. Run it as often as you like.

    \b
    Examples:
      liontrack migrate
      liontrack migrate --check || liontrack migrate
      PG_HOST=db.internal PG_USER=lions PG_PASSWORD=… liontrack migrate

    With --check nothing is changed, and a role that only reads is enough.

    \b
    Exit codes:
      0  the schema is current
      1  a migration failed (those before it stay), or the database cannot be reached
      2  a setting is missing
      3  --check: migrations are pending; they are named
      4  the database is newer than this version of LionTrack Stream
    """

    options = [
        option("--check", is_flag=True, help="Only say whether the schema is current, and what is pending."),
        data_dir_option,
    ]
    failures = (MigrationError,)

    def run(self, *, check: bool, data_dir: Path | None) -> int:
        """Apply what is missing and name it, or only name it."""
        settings = load_settings(use_data_dir(data_dir))
        found = standing(settings.pg_dsn)
        if found.unknown:
            raise CommandError(
                f"The database is newer than LionTrack Stream {__version__}: it has {', '.join(found.unknown)}. "
                "Run a version that knows them; migrations are not taken back.",
                NEWER,
            )
        if check:
            return self._tell_pending(found.pending)
        applied = migrate(settings.pg_dsn, warn=lambda text: click.echo(f"warning: {text}", err=True))
        if not self.quiet:
            for name in applied:
                click.echo(f"applied {name}")
            if not applied:
                click.echo("The schema is current.")
        return Exit.OK

    def _tell_pending(self, names: list[str]) -> int:
        if not self.quiet:
            for name in names:
                click.echo(f"pending {name}")
            click.echo("Run `liontrack migrate`." if names else "The schema is current.")
        return PENDING if names else Exit.OK
