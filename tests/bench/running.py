"""Runs a contender in its own process, watching its time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
_SAMPLE_S = 0.05
_LOG_LINES = 15


class ContenderFailed(Exception):
    """A process ended badly; the message is a sentence with the end of its log."""


@dataclass(slots=True)
class Run:
    """One process: the line of JSON it printed, its peak resident memory, its CPU time, the machine's load before."""

    report: dict[str, Any] = field(default_factory=dict)
    peak_mb: float = 0.0
    cpu_s: float = 0.0
    load_before: float = 0.0
    postgres_cpu_s: float = 0.0  # of all its processes meanwhile


def run_module(arguments: Sequence[str], environment: Mapping[str, str], log: Path, **options: Any) -> Run:
    """Run ``python -m …`` to its end; see `run_command`."""
    return run_command([sys.executable, "-m", *arguments], environment, log, name=" ".join(arguments), **options)


def run_command(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    *,
    name: str,
    json_line: bool = True,
    with_children: bool = False,
    timeout_s: float = 1_800,
    watch: Callable[[Run], None] = lambda run: None,
) -> Run:
    """Run a command to its end. ``with_children``: their memory and time count, too.

    ``watch`` is told of what was used until now, some 20 times a second, from a thread of its own.

    Raises
    ------
    ContenderFailed
        When it exits with another code than 0, prints no JSON, or takes longer than ``timeout_s``.
    """
    run = Run(load_before=os.getloadavg()[0])
    with log.open("ab") as stderr:
        child = subprocess.Popen(command, env=dict(environment), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=stderr)
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(child.pid, run, ended, with_children, watch), daemon=True)
    watcher.start()
    try:
        stdout, _ = child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise ContenderFailed(f"{name} did not end within {timeout_s:.0f} s.{_tail(log)}") from None
    finally:
        if child.poll() is None:
            _kill(child)
        ended.set()
        watcher.join()
    if child.returncode != 0:
        with log.open("ab") as said:
            said.write(stdout)  # there spark-submit puts what Python says
        raise ContenderFailed(f"{name} ended with code {child.returncode}.{_tail(log)}")
    if json_line:
        run.report = _last_json(stdout.decode(), name, log)
    return run


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End a process and what it has started: Spark's JVM is a child of its launcher."""
    with suppress(psutil.Error):
        for one in psutil.Process(child.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                one.kill()
    child.kill()
    child.communicate()


def _watch(pid: int, run: Run, ended: threading.Event, with_children: bool, watch: Callable[[Run], None]) -> None:
    """Keep the highest memory and the last CPU time seen."""
    cpu_s: dict[int, float] = {}
    try:
        process = psutil.Process(pid)
        while not ended.wait(_SAMPLE_S):
            memory = 0
            for one in [process, *(process.children(recursive=True) if with_children else ())]:
                with suppress(psutil.NoSuchProcess), one.oneshot():
                    times = one.cpu_times()
                    memory += one.memory_info().rss
                    cpu_s[one.pid] = times.user + times.system
            run.peak_mb = max(run.peak_mb, memory / 1e6)
            run.cpu_s = sum(cpu_s.values())
            watch(run)
    except psutil.Error:
        return


def _last_json(text: str, name: str, log: Path) -> dict[str, Any]:
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            return dict(json.loads(line))
    raise ContenderFailed(f"{name} printed no report.{_tail(log)}")


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()[-_LOG_LINES:]
    return "\n" + "\n".join(lines) if lines else ""
