"""A MongoDB with change streams for tests: SecantusDB, a process of its own on a free port. It is never imported."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.errors import PyMongoError

from liontrack_stream.local.processes import free_ports
from tests.support.needs import missing

_START_TIMEOUT_S = 60


class Mongo:
    """A server with a folder of its own; it may be stopped, and started again on the same port."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder, self._options = folder, options
        self.port = free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/liontrack?directConnection=true"

    def client(self) -> pymongo.MongoClient[dict[str, Any]]:
        return pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=2_000)

    def start(self) -> None:
        command = Path(sys.executable).with_name("secantusd-py")
        if not command.exists():
            missing("SecantusDB is not installed: `make setup` installs it.")
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--storage-path", str(self._folder / "mongo")]
        with (self._folder / "mongo.log").open("ab") as log:
            self._process = subprocess.Popen(
                [command, *place, "--log-level", "WARNING", "--enable-test-commands", *self._options],
                cwd=self._folder,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + _START_TIMEOUT_S
        with self.client() as client:
            while True:
                try:
                    client.admin.command("ping")
                except PyMongoError:
                    assert self._process.poll() is None, (self._folder / "mongo.log").read_text()[-2000:]
                    assert time.monotonic() < until, "SecantusDB does not answer"
                    time.sleep(0.1)
                else:
                    return

    def stop(self) -> None:
        """SIGTERM, so that what was answered is on disk."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


@contextmanager
def running_mongo(folder: Path, *options: str) -> Iterator[Mongo]:
    """A server for as long as the context lasts."""
    server = Mongo(folder, *options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[Mongo]:
    """A server of this test's own."""
    with running_mongo(tmp_path) as server:
        yield server
