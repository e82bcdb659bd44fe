"""``liontrack up``: start the embedded Kafka and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import click
from faust.cli.base import option
from faust.cli.params import TCPPort

from liontrack_stream.commands.base import LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.commands.progress import progress
from liontrack_stream.local import Stack, StackError


class Up(LionTrackCommand):
    """Start Kafka and PostgreSQL on this machine, for this folder; what runs already stays as it is.

    The first start downloads Kafka (43 MB, kept in the user's cache folder, or in LIONTRACK_CACHE_DIR). Both listen on
    127.0.0.1 only and keep running until `liontrack down`. Kafka has no password: other users of this machine can
    reach it.

    \b
    Examples:
      liontrack up
      liontrack up --data-dir /srv/lions --kafka-port 9092 --pg-port 5433

    Exit codes: 0 both run, 1 one does not (the message says why), 2 wrong usage.
    """

    options = [
        data_dir_option,
        option(
            "--kafka-port", type=TCPPort(), default=None, help="Kafka's port.  [default: as before, else a free one]"
        ),
        option(
            "--pg-port", type=TCPPort(), default=None, help="PostgreSQL's port.  [default: as before, else a free one]"
        ),
    ]
    failures = (StackError,)

    def run(self, data_dir: Path | None, kafka_port: int | None, pg_port: int | None) -> None:
        """Start both and say where they are."""
        folder = use_data_dir(data_dir)
        with progress(quiet=self.quiet) as report:
            settings = Stack(folder, kafka_port, pg_port, report).up()
        if not self.quiet:
            click.echo(f"Kafka       {settings['KAFKA_BROKERS']}")
            click.echo(f"PostgreSQL  {settings['PG_HOST']}:{settings['PG_PORT']} {settings['PG_DATABASE']}")
            click.echo(f"Data        {folder}")
            click.echo(
                "Next: liontrack migrate && liontrack topics. Settings for clients: liontrack env. Stop: liontrack down"
            )
