"""``python -m MODULE ARGUMENTS`` as a process of its own, forked from a server that has imported what ours import.

A process that begins from nothing imports for two seconds of CPU time, and the tests start some hundreds.
"""

from __future__ import annotations

import atexit
import importlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from liontrack_stream import crashpoints

PRELOADED = ["tests.support.forked_imports", "tests.replay.test_kills"]  # whose own processes it forks, too
_PROCESSES = multiprocessing.get_context("forkserver")


def _run(module: str, arguments: Sequence[str], environment: Mapping[str, str], cwd: str, out: str, err: str) -> None:
    """In the new process: as if the interpreter had been started with these arguments and files."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for path, stream in ((out, 1), (err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, stream)
        os.close(file)
    sys.argv = [module, *arguments]
    sys.orig_argv[:] = [sys.executable, "-m", module, *arguments]  # a worker may start itself again
    importlib.reload(crashpoints)  # it reads the environment once
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()


class Forked:
    """What tests use of ``subprocess.Popen``; output goes to files."""

    def __init__(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path, out: Path, err: Path
    ) -> None:
        _PROCESSES.set_forkserver_preload(PRELOADED)
        paths = (str(cwd), str(out), str(err))
        arguments_of_run = (module, arguments, dict(environment), *paths)
        self._process = _PROCESSES.Process(target=_run, args=arguments_of_run, daemon=True)  # ends with the tests
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        if self._process.is_alive():
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        """Exit code, once it has ended.

        Raises
        ------
        subprocess.TimeoutExpired
        """
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout or 0.0)
        return code


def run_forked(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """As ``subprocess.run(…, capture_output=True, text=True)``.

    Raises
    ------
    subprocess.TimeoutExpired
        The process is ended then.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = Forked(module, arguments, environment, cwd, out, err)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess([module, *arguments], code, out.read_text(), err.read_text())
