"""Environments beside .venv: made where they are missing or outdated, by one run of the tests at a time."""

from __future__ import annotations

import subprocess

from liontrack_stream.local.cache import locked

from .worker_process import REPOSITORY


def make_environment(folder: str) -> str | None:
    """Make a folder of the Makefile, such as ``.venv-spark``; what went wrong, None when it is there."""
    with locked(REPOSITORY / ".cache" / f"{folder.strip('.').replace('/', '-')}.lock"):
        made = subprocess.run(
            ["make", "--old-file=.venv/.stamp", f"{folder}/.stamp"],
            cwd=REPOSITORY, capture_output=True, text=True, check=False,
        )  # fmt: skip
    return f"{folder} cannot be made: {(made.stdout + made.stderr).strip()[-2_000:]}" if made.returncode else None
