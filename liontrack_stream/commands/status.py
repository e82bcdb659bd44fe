"""``liontrack status``: whether the embedded Kafka and PostgreSQL run."""

from __future__ import annotations

from pathlib import Path

import click

from liontrack_stream.commands.base import LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.local import PartStatus, Stack, StackError

NOT_RUNNING = 3


class Status(LionTrackCommand):
    """Show whether Kafka and PostgreSQL of this folder run, where, and since when.

    \b
    Examples:
      liontrack status
      liontrack --json status
      liontrack status || liontrack up

    Exit codes: 0 both run, 3 at least one does not.
    """

    options = [data_dir_option]
    failures = (StackError,)

    def run(self, data_dir: Path | None) -> int:
        """Print a table, or JSON."""
        folder = use_data_dir(data_dir)
        parts = Stack(folder).status()
        if self.json:
            click.echo(self.dumps([_as_json(part) for part in parts]))
        elif not self.quiet:
            _print_table(folder, parts)
        return 0 if all(part.running for part in parts) else NOT_RUNNING


def _as_json(part: PartStatus) -> dict[str, object]:
    uptime_s = None if part.uptime_s is None else round(part.uptime_s, 1)
    return {"name": part.name, "running": part.running, "address": part.address, "pid": part.pid, "uptime_s": uptime_s}


def _print_table(folder: Path, parts: list[PartStatus]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Embedded stack in {folder}", title_justify="left", box=None, pad_edge=False)
    for heading in ("part", "state", "address", "pid", "up for"):
        table.add_column(heading)
    for part in parts:
        state = "[green]running" if part.running else "[yellow]not running"
        table.add_row(part.name, state, part.address, str(part.pid or ""), _duration(part.uptime_s))
    Console(highlight=False).print(table)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
