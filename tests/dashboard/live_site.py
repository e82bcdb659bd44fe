"""A real worker with simulated lions of the last month, and what its API says."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import jwt

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.kafka.producer import Outgoing, headers_for
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import WorkerProcess, wait_until

API = "/api/analytics"
LIONS, DAYS, USERS = 5, 33, 4
SIMULATE = (
    "simulate",
    *("--lions", str(LIONS), "--days", str(DAYS), "--users", str(USERS)),
    *("--seed", "5", "--start", "recent", "--bad-fraction", "0.005"),
)
_VARIABLES = {"LIONTRACK_DEMO": 1, "QUALITY_INTERVAL_S": 2, "REFRESH_INTERVAL_S": 2, "LAKE_INTERVAL_S": 1}


class LiveSite:
    """A worker that serves the dashboard, as `liontrack demo` does: loopback, positions open, users' data not."""

    def __init__(self, kit: PipelineKit) -> None:
        self.kit = kit
        self.url = f"http://127.0.0.1:{kit.settings.web_port}"
        kit.command(*SIMULATE)
        sent = len(kit.consumed())
        self.worker: WorkerProcess = kit.worker(**_VARIABLES)
        wait_until(lambda: kit.stored() >= sent, 60.0, "everything stored")
        wait_until(lambda: self.status("/ready") == 200, 30.0, "/ready")
        wait_until(lambda: bool(kit.fetch("SELECT FROM metadata.data_quality_checks LIMIT 1")), 30.0, "quality checks")
        self.users: list[str] = [row[0] for row in kit.fetch("SELECT user_id FROM silver.users ORDER BY user_id")]

    def token(self, user_id: str | None = None, roles: Sequence[str] = ("admin",), **claims: Any) -> str:
        """A token that this server accepts for an hour; of an admin who is the first user, unless told otherwise."""
        claims = {"id": user_id or self.users[0], "roles": list(roles), "exp": int(time.time()) + 3600, **claims}
        return jwt.encode(claims, self.kit.settings.require_jwt_secret(), "HS256")

    def get(self, path: str, token: str | None = None) -> Any:
        """The JSON of an answer; an answer that is an error fails the test."""
        status, body = self._ask(path, token)
        assert status == 200, f"{path}: {status} {body[:500]!r}"
        return json.loads(body)

    def status(self, path: str) -> int:
        """The status of an answer; 0 while nothing listens."""
        return self._ask(path, None)[0]

    def send_fix(self, lion: dict[str, Any], lat: float, lng: float) -> datetime:
        """Send a fix of a lion, of this second; its time."""
        moment = datetime.now(UTC).replace(microsecond=0)
        stamp = moment.isoformat().replace("+00:00", "Z")
        value = {
            "lion_id": lion["lion_id"], "name": lion["name"], "position": {"lat": lat, "lng": lng},
            "timestamp": stamp, "source": "simulator", "confidence": 0.9,
        }  # fmt: skip
        headers = headers_for(POSITIONS.name, stamp.encode(), b"simulator")
        self.kit.send([Outgoing(POSITIONS.name, lion["lion_id"].encode(), json.dumps(value).encode(), headers)])
        return moment

    def _ask(self, path: str, token: str | None) -> tuple[int, bytes]:
        request = urllib.request.Request(self.url + path)
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10.0) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""
