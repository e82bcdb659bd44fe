"""``up``, ``status``, ``env``, ``migrate`` and ``down``, one after the other, as a user types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from liontrack_stream.local import Stack
from tests.commands.running import liontrack


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the user is; nothing keeps running there."""
    yield tmp_path
    Stack(tmp_path / "lions").down()


def test_the_life_of_a_stack(folder: Path) -> None:
    here = ("--data-dir", "lions")
    up = liontrack("up", *here, cwd=folder, through_faust=True)
    assert (up.returncode, up.stderr.count("running on")) == (0, 2), up.stderr

    status = liontrack("--json", "status", *here, cwd=folder)
    parts = json.loads(status.stdout)
    assert status.returncode == 0
    assert [(part["name"], part["running"]) for part in parts] == [("kafka", True), ("postgres", True)]

    env = liontrack("env", *here, cwd=folder)
    values = dict(line.split("=", 1) for line in env.stdout.splitlines())
    assert values["KAFKA_BROKERS"] == parts[0]["address"]
    assert f"{values['PG_HOST']}:{values['PG_PORT']}" == parts[1]["address"]
    assert Path(values["LAKE_ROOT"]) == folder / "lions" / "lake"
    assert {"PG_USER", "PG_PASSWORD", "PG_DATABASE", "JWT_SECRET"} <= values.keys()

    first = liontrack("migrate", *here, cwd=folder)
    assert first.stdout.startswith("applied 0001"), first.stderr
    # The variables of `env` are enough where there is no data folder.
    assert liontrack("migrate", cwd=folder, environment=values).stdout == "The schema is current.\n"

    down = liontrack("down", *here, cwd=folder)
    assert down.returncode == 0, down.stderr
    assert not any(psutil.pid_exists(part["pid"]) for part in parts)
    assert liontrack("status", *here, cwd=folder).returncode == 3

    migrate = liontrack("migrate", *here, cwd=folder)
    assert migrate.returncode == 1
    assert migrate.stderr.startswith("liontrack: PostgreSQL at 127.0.0.1:")
    assert "Traceback" not in migrate.stderr
