"""Environments of their own beside ``.venv``, made by the Makefile."""

from __future__ import annotations

import subprocess
from pathlib import Path

from liontrack_stream.local.cache import locked

from .worker_process import REPOSITORY


def made(target: str) -> Path:
    """``.venv-TARGET``; created where it is missing or outdated, by one run of the tests at a time."""
    with locked(REPOSITORY / ".cache" / f"venv-{target}.lock"):
        done = subprocess.run(
            ["make", "--old-file=.venv/.stamp", target], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return REPOSITORY / f".venv-{target}"
