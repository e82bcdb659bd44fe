"""Worker processes for integration tests: started, killed, and asked for their report."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from liontrack_stream.settings import Settings
from tests.support.forked import Forked

REPOSITORY = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(settings: Settings, data_dir: Path, **changes: Any) -> dict[str, str]:
    """The variables that give a worker process these settings, in a data folder of its own."""
    jwt = settings.jwt_secret.get_secret_value() if settings.jwt_secret else secrets.token_hex(32)
    values = {
        "KAFKA_BROKERS": settings.kafka_brokers,
        "PG_HOST": settings.pg_host,
        "PG_PORT": settings.pg_port,
        "PG_DATABASE": settings.pg_database,
        "PG_USER": settings.pg_user,
        "PG_PASSWORD": settings.pg_password.get_secret_value(),
        "TOPIC_PREFIX": settings.topic_prefix,
        "TOPIC_PARTITIONS": settings.topic_partitions,
        "LIONTRACK_APP_ID": f"{settings.topic_prefix}app",
        "LIONTRACK_DATA_DIR": data_dir,
        "LAKE_ROOT": settings.lake_root,
        "JWT_SECRET": jwt,
        "WEB_PORT": free_port(),
        "LOG_FORMAT": "text",
        **changes,
    }
    return {**os.environ, **{name: str(value) for name, value in values.items()}}


class WorkerProcess:
    """One worker; its stderr goes to a file. End it with `kill`, `stop` or `report`."""

    def __init__(
        self, environment: Mapping[str, str], log: Path, *arguments: str, module: str = "tests.support.fake_worker"
    ) -> None:
        words = [*(["worker"] if module == "liontrack_stream" else []), *arguments]
        self.log = log
        self._out = log.with_name(f"{log.name}.{secrets.token_hex(4)}.out")
        self.started_at = time.monotonic()
        self._process = Forked(module, words, environment, REPOSITORY, self._out, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """``kill -9``."""
        self._process.kill()
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self, timeout_s: float = 15.0) -> tuple[int, float]:
        """SIGTERM; exit code, and the seconds that it took."""
        started = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout_s), time.monotonic() - started

    def wait(self, timeout_s: float = 60.0) -> tuple[int, str]:
        """Exit code and stdout, once it ends by itself."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"The worker did not end within {timeout_s} s:\n{self.log_text()[-5000:]}") from None
        return code, self._out.read_text()

    def report(self, timeout_s: float = 60.0) -> dict[str, Any]:
        """The line of JSON that ``--until-caught-up`` prints, and nothing else."""
        code, stdout = self.wait(timeout_s)
        assert code == 0, self.log_text()[-5000:]
        lines = stdout.splitlines()
        assert len(lines) == 1, stdout
        return dict(json.loads(lines[0]))


def wait_until(condition: Callable[[], bool], timeout_s: float = 20.0, what: str = "condition") -> float:
    """Poll; the seconds that it took."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > timeout_s:
            raise AssertionError(f"{what} did not come true within {timeout_s} s")
        time.sleep(0.05)
    return time.monotonic() - started
