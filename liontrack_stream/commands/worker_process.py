"""A worker as a child process, for commands that start one beside themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from liontrack_stream.commands.base import CommandError

_STOP_WITHIN_S = 30.0
_PR_SET_PDEATHSIG = 1


class WorkerProcess:
    """``liontrack worker`` with its output in a file. It ends with us, even when we are killed (on Linux)."""

    def __init__(self, log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "liontrack_stream", "worker", "--loglevel", "info"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={"LOG_FORMAT": "text", **os.environ, **environment},
                start_new_session=True,  # a Ctrl-C in the terminal is for us; we stop the worker in our order
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads yet
            )

    def check(self) -> None:
        """Raise `CommandError` when the worker has ended by itself."""
        code = self._child.poll()
        if code is not None:
            lines = "\n".join(self.log.read_text(errors="replace").strip().splitlines()[-8:])
            raise CommandError(f"The worker ended with exit code {code}. Its log is {self.log}:\n{lines}")

    def stop(self) -> None:
        """Ask it to end, and insist after a while."""
        if self._child.poll() is not None:
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def _end_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
