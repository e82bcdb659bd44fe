"""The commands of ``liontrack``, one file each, beside Faust's own in Faust's command line.

To add one, write ``commands/<name>.py`` with a subclass of `LionTrackCommand` (see `base`) and add the module's
name to `MODULES`. Importing a command's module must be cheap: import Kafka, Postgres and Arrow inside ``run``.

Commands that need the Faust app (``worker``) subclass Faust's ``AppCommand`` instead. They get the app from
``liontrack_stream.app``, which is built from the settings at that moment and not before: ``liontrack up`` runs where
no setting exists yet.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import click

from liontrack_stream import __version__

MODULES: tuple[str, ...] = (
    "up",
    "down",
    "status",
    "env",
    "doctor",
    "migrate",
    "retain",
    "replay",
    "submit",
    "generations",
    "lake",
    "query",
    "report",
    "topics",
    "refresh",
    "import_",
    "export",
    "source",
    "simulate",
    "demo",
    "worker",
    "quality",
    "explain",
    "token",
)

EXAMPLES = """\b
Examples:
  liontrack up                          start Kafka and PostgreSQL in ./.liontrack
  liontrack migrate && liontrack topics prepare the warehouse and the five topics
  liontrack simulate --lions 50 --days 30
  liontrack worker -l info              process events, serve http://127.0.0.1:4001
  liontrack down
"""


def register(wanted: str | None = None) -> None:
    """Add the commands to Faust's group (once; a second call does nothing).

    When ``wanted`` is one of ours, only that one: the worker's imports take longer than most commands.
    """
    from faust.cli.faust import cli

    _tell_our_version(cli)
    cli.help = "Lion events from Kafka into a warehouse and a lake, exactly once; the commands are Faust's and ours."
    cli.epilog = EXAMPLES
    modules = {module.rstrip("_"): module for module in MODULES}
    for module in [modules[wanted]] if wanted in modules else MODULES:
        name = f"{__name__}.{module}"
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)


def _tell_our_version(cli: click.Group) -> None:
    """Have ``--version`` tell ours; Faust's own tells Faust's."""
    cli.params = [parameter for parameter in cli.params if parameter.name != "version"]
    click.version_option(__version__, prog_name="LionTrack Stream", message="%(prog)s %(version)s")(cli)


def app_for_command_line() -> Any:
    """The Faust app, or a stand-in that lets the commands run which need no settings.

    Faust imports the app for every command of ``faust -A liontrack_stream``, ``up`` included.
    """
    from liontrack_stream.logs import guard_terminal
    from liontrack_stream.settings import SettingsError

    guard_terminal()
    register()
    try:
        from liontrack_stream.app import get_app

        return get_app()
    except SettingsError as error:
        from liontrack_stream.commands.unconfigured import UnconfiguredApp

        return UnconfiguredApp(str(error))
