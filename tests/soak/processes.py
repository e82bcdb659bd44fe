"""Workers and producers that are started again when they end, as a supervisor does in production."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from liontrack_stream.kafka.exits import ExitCode
from tests.support.forked import Forked
from tests.support.worker_process import REPOSITORY

_AGAIN_AFTER_S = 0.5
# What a supervisor shows to a person: no fault below may lead there.
ALARMING = (ExitCode.UNEXPECTED, ExitCode.CONSISTENCY)


class Supervised:
    """One command that is kept running; its output goes to a file."""

    def __init__(
        self, name: str, arguments: Callable[[int], list[str]], environment: Callable[[], dict[str, str]], log: Path
    ) -> None:
        self.name, self.log, self.exits = name, log, Counter[int]()
        self._arguments, self._environment = arguments, environment
        self._process: Forked | None = None
        self._starts, self._wanted, self._lock = 0, False, threading.RLock()

    def start(self) -> None:
        with self._lock:
            self._wanted = True
            self._start()

    def kill(self) -> None:
        """``kill -9``; it is started again."""
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.wait(30.0)

    def send(self, number: signal.Signals) -> None:
        with self._lock:
            if self._process is not None:
                self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM, within_s: float = 30.0) -> int | None:
        """End it for now; its exit code."""
        with self._lock:
            self._wanted = False
            if self._process is None:
                return None
            self._process.send_signal(number)
            try:
                code = self._process.wait(within_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(30.0)
                raise AssertionError(f"{self.name} did not end within {within_s} s of {number.name}") from None
            finally:
                self._process = None
            return code

    @contextmanager
    def down(self, number: signal.Signals = signal.SIGTERM) -> Iterator[None]:
        """It does not run meanwhile."""
        self.end(number)
        yield
        self.start()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def look(self) -> None:
        """Start it again where it has ended."""
        with self._lock:
            if self._process is None or self._process.poll() is None:
                return
            self.exits[self._process.poll() or 0] += 1
            self._process = None
            if self._wanted:
                time.sleep(_AGAIN_AFTER_S)
                self._start()

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._starts += 1
        nowhere = Path(os.devnull)
        arguments = self._arguments(self._starts)
        self._process = Forked("liontrack_stream", arguments, self._environment(), REPOSITORY, nowhere, self.log)


class Supervisor:
    """Looks after some of them, from a thread."""

    def __init__(self) -> None:
        self.all: list[Supervised] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._done.wait(0.2):
            for one in list(self.all):
                one.look()

    def close(self) -> None:
        self._done.set()
        self._thread.join(10.0)
        for one in self.all:
            one.end(signal.SIGKILL)

    def alarms(self) -> list[str]:
        """Exits that no fault may cause."""
        return [
            f"{one.name} ended {count} times with {code} ({ExitCode(code).name})"
            for one in self.all
            for code, count in one.exits.items()
            if code in ALARMING
        ]
