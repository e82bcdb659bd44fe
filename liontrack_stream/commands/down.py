"""``liontrack down``: stop the embedded Kafka and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import click

from liontrack_stream.commands.base import LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.commands.progress import progress
from liontrack_stream.local import Stack, StackError


class Down(LionTrackCommand):
    """Stop what `liontrack up` started for this folder, and nothing else. The data stay.

    \b
    Examples:
      liontrack down
      liontrack down --data-dir /srv/lions

    Exit codes: 0 nothing runs any more, 1 a server could not be stopped.
    """

    options = [data_dir_option]
    failures = (StackError,)

    def run(self, data_dir: Path | None) -> None:
        """Stop both."""
        with progress(quiet=self.quiet) as report:
            stopped = Stack(use_data_dir(data_dir), report=report).down()
        if not self.quiet and not stopped:
            click.echo("Nothing was running.")
