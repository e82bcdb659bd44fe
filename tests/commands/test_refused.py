"""Whom PostgreSQL does not let in is told why and what to do, whatever command it was."""

from __future__ import annotations

import asyncpg
import pytest

from liontrack_stream.commands.base import LionTrackCommand
from liontrack_stream.settings import Settings
from tests.commands.running import liontrack
from tests.support.stack import environment_of
from tests.support.worker_process import REPOSITORY

WRONG = "canary-of-a-password"
CELL = ("gold.lions_metrics", "lion_id=a", "metric_date=2025-01-01")


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", *CELL),
        ("export", "movebank"),
        ("generations", "list"),
        ("lake", "verify"),
        ("refresh",),
        ("report",),
        ("retain", "--bronze-days", "30"),
        ("source", "mongo", "--status"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_wrong_password_is_told(settings: Settings, arguments: tuple[str, ...]) -> None:
    environment = environment_of(settings) | {"PG_PASSWORD": WRONG, "MONGO_URL": "mongodb://127.0.0.1:9/liontrack"}
    done = liontrack(*arguments, cwd=REPOSITORY, environment=environment)
    place = f"{settings.pg_host}:{settings.pg_port}"
    said = f"liontrack: PostgreSQL: {place} does not let {settings.pg_user} in with this password. "
    assert done.returncode in (1, 2), done.stderr
    assert done.stderr.endswith(f"{said}Correct PG_USER and PG_PASSWORD.\n"), done.stderr
    assert WRONG not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_connection_that_ends_under_a_command_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    class Broken(LionTrackCommand):
        async def run(self) -> int:
            raise error

    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    command = Broken.__new__(Broken)  # without Faust's own command line around it
    command.args, command.kwargs = (), {}
    with pytest.raises(SystemExit) as ended:
        command()
    place = f"{settings.pg_host}:{settings.pg_port}"
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"liontrack: PostgreSQL at {place} went away ({error}): run the same again.\n"
