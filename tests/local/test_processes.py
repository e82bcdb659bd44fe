"""Only what we started is ever signalled."""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from liontrack_stream.local import processes
from liontrack_stream.local.processes import Recorded

SLEEPER = "import time; time.sleep(60)"


@pytest.fixture
def sleeper(tmp_path: Path):
    marker = str(tmp_path / "marker")
    child, recorded = processes.start([sys.executable, "-c", SLEEPER, marker], tmp_path / "log", marker)
    processes.wait_until(lambda: recorded.process() is not None, lambda: True, 5)
    yield recorded
    child.kill()
    child.wait()


def test_a_recorded_process_is_found_and_stopped(sleeper: Recorded) -> None:
    assert sleeper.process() is not None
    assert processes.stop(sleeper, signal.SIGTERM, signal.SIGKILL, 5)
    assert sleeper.process() is None
    assert not processes.stop(sleeper, signal.SIGTERM, signal.SIGKILL, 5)


@pytest.mark.parametrize(
    "changed",
    [{"started": 1.0}, {"marker": "/another/folder"}, {"pid": os.getpid()}],
    ids=["id used again later", "another folder's server", "another process"],
)
def test_a_process_that_only_looks_alike_is_left_alone(sleeper: Recorded, changed: dict) -> None:
    stranger = replace(sleeper, **changed)
    assert stranger.process() is None
    assert not processes.stop(stranger, signal.SIGTERM, signal.SIGKILL, 1)
    assert sleeper.process() is not None


def test_one_that_ignores_the_first_signal_is_ended_by_the_second(tmp_path: Path) -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    log, marker = tmp_path / "log", str(tmp_path)
    child, recorded = processes.start([sys.executable, "-c", stubborn, marker], log, marker)
    assert processes.wait_until(lambda: "ready" in log.read_text(), lambda: child.poll() is None, 10)
    assert processes.stop(recorded, signal.SIGTERM, signal.SIGKILL, 0.3)
    assert child.wait() is not None
    assert recorded.process() is None


def test_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not processes.port_is_free(port)
        assert processes.port_answers(port)
    assert not processes.port_answers(port)
    assert len(set(processes.free_ports(5))) == 5
