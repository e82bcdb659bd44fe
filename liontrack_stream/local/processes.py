"""Start, recognise and end the servers. Only what this project started is ever signalled.

A recorded process is ours when its id, its start time and a marker on its command line (a path in our data folder)
all match: ids are used again after a reboot or in a new container.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_START_TIME_SLACK_S = 3.0  # the system clock may be set while the process runs
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A server we started: ``started`` is its creation time in Unix seconds, ``marker`` is in its command line."""

    pid: int
    started: float
    marker: str

    def process(self) -> psutil.Process | None:
        """The running process, or None when it has ended or its id belongs to another by now."""
        try:
            process = psutil.Process(self.pid)
            ours = (
                abs(process.create_time() - self.started) < _START_TIME_SLACK_S
                and process.status() != psutil.STATUS_ZOMBIE
                and any(self.marker in argument for argument in process.cmdline())
            )
        except psutil.Error:
            return None
        return process if ours else None


def start(
    command: Sequence[str | os.PathLike[str]],
    log: Path,
    marker: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> tuple[subprocess.Popen[bytes], Recorded]:
    """Start a server in its own session (a Ctrl-C in our terminal is not for it), output appended to ``log``."""
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - our own command
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
        )
    try:
        started = psutil.Process(child.pid).create_time()
    except psutil.NoSuchProcess:
        started = time.time()
    return child, Recorded(child.pid, started, marker)


def stop(recorded: Recorded, wanted: signal.Signals, then: signal.Signals, patience_s: float) -> bool:
    """Ask with ``wanted``, insist with ``then``; returns False when it was not running."""
    process = recorded.process()
    if process is None:
        return False
    try:
        process.send_signal(wanted)
        try:
            process.wait(patience_s)
        except psutil.TimeoutExpired:
            process.send_signal(then)
            process.wait(patience_s)
    except psutil.NoSuchProcess:
        pass
    return True


def wait_until(ready: Callable[[], bool], alive: Callable[[], bool], patience_s: float, pause_s: float = 0.05) -> bool:
    """Poll ``ready``; False when the process ended or patience ran out first."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if ready():
            return True
        if not alive():
            return False
        time.sleep(pause_s)
    return False


def port_is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def port_answers(port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_ports(count: int) -> list[int]:
    """Different free ports, by the operating system's choice."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
