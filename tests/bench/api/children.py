"""Processes that get ready, begin at a word, and report a line of JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.bench.running import REPOSITORY, ContenderFailed


class Child:
    """``python -m …`` that speaks as `events` and `requests` do; ended with the block, whatever happens."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._name = arguments[0]
        self._log = log
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=dict(environment), cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
                text=True,
            )  # fmt: skip

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def wait_until_ready(self) -> None:
        """Until it has said so."""
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise ContenderFailed(f"{self._name} did not get ready; {self._log} says why.")

    def begin(self) -> None:
        """The word."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def report(self, timeout_s: float) -> dict[str, Any]:
        """What it has found, once it ends.

        Raises
        ------
        ContenderFailed
            When it ends badly, or not in time.
        """
        try:
            text, _ = self._process.communicate(timeout=timeout_s)
            return dict(json.loads(text))
        except (subprocess.TimeoutExpired, ValueError):
            raise ContenderFailed(f"{self._name} made no report; {self._log} may say why.") from None
