"""A real S3: MinIO, built once with Go (`go_programs.py`), one process for the test run."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pyarrow import fs
from pydantic import SecretStr

from liontrack_stream.local.processes import free_ports
from liontrack_stream.settings import Settings
from tests.support.go_programs import MINIO

_START_TIMEOUT_S = 30
_CACHE = Path(__file__).resolve().parents[2] / ".cache"


class Minio:
    """A server on a free port with a folder of its own; it may be stopped, and started again on the same port."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary, self._folder = binary, folder
        self.port = free_ports(1)[0]
        self.access_key, self.secret_key = secrets.token_hex(10), secrets.token_hex(20)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder.parent / "minio.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binary, "server", "--address", f"127.0.0.1:{self.port}", "--quiet", self._folder],
                env={
                    **os.environ,
                    "MINIO_ROOT_USER": self.access_key,
                    "MINIO_ROOT_PASSWORD": self.secret_key,
                    "MINIO_BROWSER": "off",
                    "MINIO_UPDATE": "off",
                    "MINIO_PROMETHEUS_AUTH_TYPE": "public",
                    "GOMAXPROCS": "2",
                },
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                self.filesystem().get_file_info(fs.FileSelector(""))
                return
            except OSError:
                assert self._process.poll() is None, (self._folder.parent / "minio.log").read_text()[-2000:]
                assert time.monotonic() < until, "MinIO does not answer"
                time.sleep(0.2)

    def stop(self) -> None:
        """End the process at once; what was answered is on disk."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def filesystem(self, **options: object) -> fs.S3FileSystem:
        return fs.S3FileSystem(
            access_key=self.access_key, secret_key=self.secret_key, endpoint_override=self.endpoint, region="us-east-1",
            connect_timeout=2, request_timeout=10, **options,
        )  # fmt: skip

    def new_bucket(self) -> str:
        name = f"lake-{uuid.uuid4().hex[:12]}"
        self.filesystem(allow_bucket_creation=True).create_dir(name)
        return name

    def settings(self, settings: Settings) -> Settings:
        """The same settings with a lake in a new bucket of this server."""
        return settings.model_copy(
            update={
                "lake_root": f"s3://{self.new_bucket()}/prefix",
                "s3_endpoint_url": self.endpoint,
                "s3_access_key_id": self.access_key,
                "s3_secret_access_key": SecretStr(self.secret_key),
                "s3_region": "us-east-1",
            }
        )


@pytest.fixture(scope="session")
def minio() -> Iterator[Minio]:
    """A running MinIO."""
    for left in _CACHE.glob("test-minio-*"):
        pid = left.name.rsplit("-", 1)[1]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    folder = _CACHE / f"test-minio-{os.getpid()}"
    server = Minio(MINIO.path(), folder / "data")
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
