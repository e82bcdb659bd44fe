"""Whom PostgreSQL does not let in is told why and what to do, whatever command it was."""

from __future__ import annotations

import pytest

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
