"""``liontrack token``: what it prints is what the API takes."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest

from liontrack_stream.views.access import Viewer, viewer_of
from tests.commands.running import liontrack

SECRET = "9b1d5e0f7a3c48269bd1f0e4c7a85d32"
SETTINGS = {"KAFKA_BROKERS": "127.0.0.1:1", "PG_HOST": "127.0.0.1", "PG_USER": "nobody", "PG_PASSWORD": "none"}


def test_stdout_is_the_token_and_nothing_else(tmp_path: Path) -> None:
    arguments = ("token", "--id", "u1", "--role", "ranger", "--role", "admin", "--hours", "0.5")
    done = liontrack(*arguments, cwd=tmp_path, environment={**SETTINGS, "JWT_SECRET": SECRET})
    assert done.returncode == 0, done.stderr
    [token] = done.stdout.splitlines()
    viewer = viewer_of((f"Bearer {token}",), SECRET)
    assert viewer == Viewer("u1", frozenset({"ranger", "admin"}), viewer.expires_at)
    assert viewer.expires_at is not None
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert claims["exp"] - claims["iat"] == 1_800
    assert done.stderr.startswith("Holds until ")
    assert SECRET not in done.stderr


def test_a_producer_may_push_and_nothing_else(tmp_path: Path) -> None:
    arguments = ("token", "--id", "collars", "--role", "producer")
    done = liontrack(*arguments, cwd=tmp_path, environment={**SETTINGS, "JWT_SECRET": SECRET})
    viewer = viewer_of((f"Bearer {done.stdout.strip()}",), SECRET)
    assert (viewer.may_push, viewer.sees_exact_positions, viewer.is_admin) == (True, False, False)


@pytest.mark.parametrize(
    ("arguments", "secret", "sentence"),
    [
        (("--id", "u1"), None, "it is not set."),
        (("--id", "u1"), "changeme" * 4, "it is a repetition."),
        (("--id", ""), SECRET, "--id is no id"),
        (("--id", "u1", "--role", "king"), SECRET, "'king' is not one of"),
        (("--id", "u1", "--hours", "0"), SECRET, "is not in the range"),
        ((), SECRET, "Missing option '--id'"),
    ],
)
def test_refused_with_a_sentence(tmp_path: Path, arguments: tuple[str, ...], secret: str | None, sentence: str) -> None:
    environment = SETTINGS if secret is None else {**SETTINGS, "JWT_SECRET": secret}
    done = liontrack("token", *arguments, cwd=tmp_path, environment=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
