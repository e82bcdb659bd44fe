"""``liontrack demo`` from nothing to serving, and away again without a trace but the data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from liontrack_stream.local import Stack
from liontrack_stream.local.processes import free_ports, port_answers
from tests.commands.running import liontrack
from tests.support.stack import OWN_VARIABLES

STARTS_WITHIN_S = 200


@contextmanager
def demo(folder: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running demo and what it printed until it served; interrupted as by Ctrl-C at the end."""
    command = [sys.executable, "-m", "liontrack_stream", "demo", "--lions=3", "--days=2", f"--web-port={port}"]
    clean = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
    with (folder / "demo.err").open("w") as errors:
        process = subprocess.Popen(command, cwd=folder, env=clean, stdout=subprocess.PIPE, stderr=errors, text=True)
    too_slow = threading.Timer(STARTS_WITHIN_S, process.kill)
    too_slow.start()
    try:
        printed = ""
        for line in process.stdout or ():
            printed += line
            if line.startswith("Ctrl-C stops"):
                break
        too_slow.cancel()
        yield process, printed
    finally:
        too_slow.cancel()
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.mark.timeout(420)
def test_demo_twice(tmp_path: Path) -> None:
    stack, [port] = Stack(tmp_path / ".liontrack"), free_ports(1)
    try:
        with demo(tmp_path, port) as (process, printed):
            assert "LionTrack Stream serves." in printed, (tmp_path / "demo.err").read_text()
            assert "The lions are simulated. Their exact positions are open to this machine" in printed
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/analytics/lions") as answer:
                assert json.load(answer)["count"] == 3
            [explain] = [line.split()[1:] for line in printed.splitlines() if " explain gold." in line]
            explained = liontrack(*explain, cwd=tmp_path)
            assert explained.returncode == 0, explained.stderr
            assert "lions.position.events" in explained.stdout
            busy = liontrack("demo", f"--web-port={port}", cwd=tmp_path)
            assert (busy.returncode, busy.stderr.splitlines()[-1]) == (
                1,
                f"liontrack: Port {port} is taken by another program: choose one with --web-port.",
            )
            assert all(part.running for part in stack.status()), "the second demo stops nothing of the first"
        assert process.returncode == 0
        assert not any(part.running for part in stack.status())
        assert not port_answers(port)

        with demo(tmp_path, port) as (process, printed):
            assert "in Kafka already, none sent" in printed, (tmp_path / "demo.err").read_text()
        assert process.returncode == 0
    finally:
        stack.down()
