"""The views of a real worker: live windows from RocksDB, readiness while Kafka and Postgres are there."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.settings import Settings
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import wait_until
from tests.views.tokens import RANGER, SECRET

LION = "5f1a2b3c4d5e6f7a8b9c0d1e"


@pytest.fixture
def pipeline(settings: Settings, tmp_path: Path) -> Iterator[PipelineKit]:
    """A pipeline whose tokens are those of these tests."""
    kit = PipelineKit(settings.model_copy(update={"jwt_secret": SecretStr(SECRET)}), tmp_path)
    yield kit
    kit.end()


def get(kit: PipelineKit, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """Status and body; status 0 while nothing listens."""
    request = urllib.request.Request(f"http://127.0.0.1:{kit.settings.web_port}{path}", headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, None


def fix(time: datetime, lat: float, lng: float) -> Outgoing:
    """A position event of the lion."""
    event = {"lion_id": LION, "name": "Nala", "position": {"lat": lat, "lng": lng}, "timestamp": time.isoformat()}
    return Outgoing("lions.position.events", LION.encode(), json.dumps(event).encode())


def test_a_worker_serves_what_it_has_stored(pipeline: PipelineKit) -> None:
    recent = datetime.now(UTC).replace(minute=30, second=0, microsecond=0) - timedelta(hours=2)
    pipeline.send([fix(recent, -24.123456, 23.987654), fix(recent + timedelta(minutes=4), -24.125, 23.989)])
    worker = pipeline.worker()
    wait_until(lambda: get(pipeline, "/ready")[0] == 200, 40, "/ready")
    wait_until(lambda: get(pipeline, f"/api/analytics/lions/{LION}/live", RANGER)[0] == 200, 20, "the live window")

    _, body = get(pipeline, f"/api/analytics/lions/{LION}/live", RANGER)
    window = body["window"]
    assert datetime.fromisoformat(window["window_start"]) == recent
    assert (window["fixes"], window["first"]["lat"], window["last"]["lat"]) == (2, -24.123456, -24.125)
    assert (window["min_lat"], window["max_lng"]) == (-24.125, 23.989)
    assert get(pipeline, f"/api/analytics/lions/{LION}/live")[0] == 401
    assert get(pipeline, "/api/analytics/lions/nobody/live", RANGER)[0] == 404

    assert get(pipeline, f"/api/analytics/lions/{LION}/position-history", RANGER)[1]["count"] == 2
    assert get(pipeline, f"/api/analytics/lions/{LION}/position-history")[1]["count"] == 0
    assert get(pipeline, "/api/analytics/lions")[1]["lions"][0]["position_lat"] is None
    assert get(pipeline, "/api/analytics/dashboard")[1]["dashboard"]["total_lions"] == 1
    assert get(pipeline, "/health")[0] == 200

    state = get(pipeline, "/api/analytics/pipeline")[1]["pipeline"]
    lags = {(p["topic"], p["partition"]): p["lag_records"] for p in state["partitions"]}
    assert len(lags) == 5 * pipeline.settings.topic_partitions
    assert (state["lag_records"], *set(lags.values())) == (0, 0)  # all of them are read here
    assert type(state["lake"]["lag_records"]) is int
    assert {run["status"] for run in state["runs"]} == {"running"}
    assert set(get(pipeline, "/ready")[1]["checks"]) == {"kafka", "postgres", "lag", "lake"}
    assert worker.stop()[0] == 0
