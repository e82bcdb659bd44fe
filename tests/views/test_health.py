"""Alive, ready, the page, the dashboard."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest

from liontrack_stream.settings import Settings
from liontrack_stream.views import health, probes
from liontrack_stream.views.database import Database
from liontrack_stream.views.site import Check
from tests.views.conftest import Client, Serve

POSITIONS = "lions.position.events"


async def test_dashboard(client: Client) -> None:
    body = await (await client.get("/api/analytics/dashboard")).json()
    assert body == {
        "dashboard": {
            "total_lions": 3,
            "total_users": 2,
            "data_quality_score": 95,
            "timestamp": "2026-03-10T12:00:00Z",
        }
    }
    body = await (await client.get("/api/analytics/dashboard?as_of=2026-03-04")).json()
    assert body["dashboard"]["data_quality_score"] == 50
    body = await (await client.get("/api/analytics/dashboard?as_of=2026-02-04")).json()
    assert body["dashboard"]["data_quality_score"] is None


async def test_health_needs_nothing(serve: Serve) -> None:
    client = await serve(pg_port=1)
    response = await client.get("/health")
    assert (response.status, (await response.json())["status"]) == (200, "alive")


async def fine() -> Check:
    return Check(True, "answers")


async def test_ready(serve: Serve) -> None:
    client = await serve(probes={"kafka": fine, "postgres": fine})
    response = await client.get("/ready")
    body = await response.json()
    assert (response.status, body["status"], body["reasons"]) == (200, "ready", [])
    assert body["checks"]["kafka"] == {"ok": True, "detail": "answers"}


async def test_not_ready_names_each_reason(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    async def behind() -> Check:
        return Check(False, "7 records wait")

    async def broken() -> Check:
        raise ConnectionRefusedError("secret-host:5432")

    async def hangs() -> Check:
        await asyncio.sleep(60)
        return Check(True, "never")

    monkeypatch.setattr(health, "PROBE_TIMEOUT_S", 0.1)
    client = await serve(probes={"kafka": fine, "lag": behind, "postgres": broken, "lake": hangs})
    response = await client.get("/ready")
    body = await response.json()
    assert response.status == 503
    assert body["reasons"] == [
        "lag: 7 records wait",
        "postgres: does not answer (ConnectionRefusedError)",
        "lake: does not answer within 0 s",
    ]
    assert "secret-host" not in await response.text()


async def test_many_questions_probe_once(serve: Serve) -> None:
    asked = 0

    async def count() -> Check:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        return Check(True, "")

    client = await serve(probes={"kafka": count})
    await asyncio.gather(*(client.get("/ready") for _ in range(20)))
    assert asked == 1


def worker(settings: Settings, **attributes: Any) -> Any:
    """What the probes read of a worker."""
    progress = SimpleNamespace(next_offset={(POSITIONS, 0): 5})
    loop = asyncio.get_running_loop()
    return SimpleNamespace(**{"settings": settings, "progress": progress, "lake": None, "loop": loop, **attributes})


def all_probes(app: Any) -> dict[str, Any]:
    return dict(probes.worker_probes(cast(Any, app), Database(app.settings)))


async def test_probes_of_a_real_stack(web_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "lag_records", lambda app: {(POSITIONS, 0): 7})
    database = Database(web_settings)
    await database.open()
    found = probes.worker_probes(worker(web_settings), database)
    assert await found["kafka"]() == Check(True, "reachable, 1 partitions are read here")
    assert await found["postgres"]() == Check(True, "answers")
    assert await found["lag"]() == Check(True, "7 records wait")
    assert (await found["lake"]()).ok
    await database.close()


async def test_kafka_probe_tells_a_broker_from_a_port(web_settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        deaf = web_settings.model_copy(update={"kafka_brokers": f"127.0.0.1:{port}"})
        with pytest.raises(Exception):  # noqa: B017 - whatever the client makes of silence
            await all_probes(worker(deaf))["kafka"]()
    refused = web_settings.model_copy(update={"kafka_brokers": "127.0.0.1:1"})
    with pytest.raises(Exception):  # noqa: B017
        await all_probes(worker(refused))["kafka"]()
    one_of_two = web_settings.model_copy(update={"kafka_brokers": f"127.0.0.1:1,{web_settings.kafka_brokers}"})
    assert (await all_probes(worker(one_of_two))["kafka"]()).ok


async def test_a_worker_without_partitions_is_not_ready(web_settings: Settings) -> None:
    idle = worker(web_settings, progress=SimpleNamespace(next_offset={}))
    assert not (await all_probes(idle)["kafka"]()).ok


def test_lag_and_lake_limits() -> None:
    assert probes.lag_check(10, 10).ok
    assert not probes.lag_check(0, 10, unknown=1).ok, "no lag is known before Kafka has told the ends"
    assert probes.lag_check(11, 10) == Check(False, "11 records wait, more than READY_MAX_LAG_RECORDS=10")
    assert probes.lake_check(5, 1.0, None).ok
    assert not probes.lake_check(5, 1.0, "bronze: PermissionError(...)").ok
    assert not probes.lake_check(5, 601.0, None).ok
