"""What tests need beyond Python's packages: where it is missing they skip, or fail where nothing may skip (CI=true)."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def nothing_may_skip() -> bool:
    """Whether this is continuous integration."""
    return os.environ.get("CI") == "true"


def needs_command(command: str, package: str | None = None) -> str:
    """Path of a command; ``package`` is the Debian package that has it, by default of the same name."""
    path = shutil.which(command)
    if path is None:
        missing(f"{command} is not installed: `apt-get install {package or command}`, or what your system calls it.")
    return path


def missing(sentence: str) -> NoReturn:
    """Skip the running test with a sentence; fail it with CI=true."""
    if nothing_may_skip():
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
