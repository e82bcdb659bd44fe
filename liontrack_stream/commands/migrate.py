"""``liontrack migrate``: the warehouse's schema."""

from __future__ import annotations

from pathlib import Path

import click

from liontrack_stream.commands.base import LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.settings import load_settings
from liontrack_stream.warehouse.migrations import MigrationError, migrate


class Migrate(LionTrackCommand):
    """Bring the warehouse's schema up to this version. Run it as often as you like.

    \b
    Examples:
      liontrack migrate
      PG_HOST=db.internal PG_USER=lions PG_PASSWORD=… liontrack migrate

    Exit codes: 0 the schema is current, 1 a migration failed (those before it stay), 2 a setting is missing.
    """

    options = [data_dir_option]
    failures = (MigrationError,)

    def run(self, data_dir: Path | None) -> None:
        """Apply what is missing and name it."""
        settings = load_settings(use_data_dir(data_dir))
        applied = migrate(settings.pg_dsn, warn=lambda text: click.echo(f"warning: {text}", err=True))
        if not self.quiet:
            for name in applied:
                click.echo(f"applied {name}")
            if not applied:
                click.echo("The schema is current.")
