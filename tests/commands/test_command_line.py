"""Help, errors and exit codes of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from faust.cli.faust import cli

from liontrack_stream import commands
from liontrack_stream.commands.base import CommandError, LionTrackCommand
from liontrack_stream.settings import SettingsError
from tests.commands.running import liontrack

commands.register()
OURS = (
    "up",
    "down",
    "status",
    "env",
    "doctor",
    "migrate",
    "topics",
    "import",
    "export",
    "source",
    "simulate",
    "demo",
    "worker",
    "quality",
    "report",
    "retain",
    "replay",
    "token",
)
GROUPS = ("source",)


@pytest.mark.parametrize("name", [*(name for name in OURS if name not in GROUPS), "source mongo"])
def test_help_has_examples_and_exit_codes(name: str) -> None:
    command: Any = cli
    for word in name.split():
        command = command.commands[word]
    text = command.get_help(click.Context(command, info_name=f"liontrack {name}"))
    assert "Examples:" in text
    assert "Exit codes:" in text
    assert all(len(line) <= 130 for line in text.splitlines())


@pytest.mark.parametrize("through_faust", [False, True], ids=["liontrack", "faust -A liontrack_stream"])
def test_without_settings(tmp_path: Path, through_faust: bool) -> None:
    overview = liontrack("--help", cwd=tmp_path, through_faust=through_faust)
    assert overview.returncode == 0
    assert all(f"\n  {name} " in overview.stdout for name in OURS)
    for name in ("env", "worker"):
        done = liontrack(name, cwd=tmp_path, through_faust=through_faust)
        assert done.returncode == 2
        assert "Set KAFKA_BROKERS, PG_HOST, PG_USER, PG_PASSWORD, or start the embedded stack" in done.stderr
        assert "Traceback" not in done.stderr


def test_usage_error(tmp_path: Path) -> None:
    done = liontrack("up", "--kafka-port", "99999999", cwd=tmp_path)
    assert done.returncode == 2
    assert "99999999 is not in the range" in done.stderr
    assert list(tmp_path.iterdir()) == []


class Odd(Exception):
    """A failure that a command announces."""


def run_command(action) -> int:
    """Exit code of a command whose ``run`` is ``action``; taken out of the command line again."""

    class Probe(LionTrackCommand):
        """For this test."""

        failures = (Odd,)

        def run(self):
            return action()

    try:
        with pytest.raises(SystemExit) as end:
            cli(["probe"], prog_name="liontrack")
    finally:
        del cli.commands["probe"]
    return end.value.code


async def later(code: int) -> int:
    return code


@pytest.mark.parametrize(
    ("action", "code", "stderr"),
    [
        (lambda: None, 0, ""),
        (lambda: 3, 3, ""),
        (lambda: later(4), 4, ""),
        (lambda: raise_(CommandError("No lions.")), 1, "liontrack: No lions.\n"),
        (lambda: raise_(CommandError("No lions.", 2)), 2, "liontrack: No lions.\n"),
        (lambda: raise_(SettingsError("Set X.")), 2, "liontrack: Set X.\n"),
        (lambda: raise_(Odd("Odd.")), 1, "liontrack: Odd.\n"),
        (lambda: raise_(KeyboardInterrupt()), 130, ""),
    ],
    ids=["done", "own code", "coroutine", "failed", "usage", "settings", "announced", "interrupted"],
)
def test_exit_codes(action, code: int, stderr: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(action) == code
    assert capsys.readouterr().err == stderr


def raise_(error: BaseException) -> None:
    raise error
