"""The views on Faust's own web server, and the look-up in a worker's live table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from faust.web.drivers.aiohttp import Web

from liontrack_stream.app import LionTrackApp, create_app
from liontrack_stream.local.processes import free_ports
from liontrack_stream.settings import Settings
from liontrack_stream.views.live import look_up

POSITIONS = "lions.position.events"


@pytest.fixture
async def app(web_settings: Settings, tmp_path: Path) -> AsyncIterator[LionTrackApp]:
    """A worker's app of which only the web server runs."""
    changes = {"liontrack_data_dir": tmp_path, "web_port": free_ports(1)[0], "liontrack_demo": True}
    app = create_app(web_settings.model_copy(update=changes), parts=["liontrack_stream.views"])
    app.web.init_server()
    web = cast(Web, app.web)
    await web.start_server()
    try:
        yield app
    finally:
        await web.stop_server()


async def test_faust_serves_our_routes_and_none_of_its_own(app: LionTrackApp) -> None:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{app.settings.web_port}") as client:
        assert "<title>LionTrack Stream" in await (await client.get("/")).text(), "the dashboard, not Faust's page"
        body = await (await client.get("/api/analytics/lions")).json()
        assert body["count"] == 3
        for path in (
            "/table",
            "/table/",
            "/table/positions/",
            "/router",
            "/router/",
            "/graph",
            "/stats",
            "/performance/",
        ):
            response = await client.get(path)
            assert (response.status, set(await response.json())) == (404, {"error", "detail"})


@pytest.mark.filterwarnings("ignore:Setting new value")
async def test_the_demo_closes_when_the_command_line_binds_elsewhere(app: LionTrackApp) -> None:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{app.settings.web_port}") as client:
        response = await client.get("/api/analytics/lions")
        assert response.headers["X-Position-Precision"].startswith("exact; demo")
        app.conf.web_bind = "0.0.0.0"  # as `worker --web-bind 0.0.0.0` does
        response = await client.get("/api/analytics/lions")
        assert response.headers["X-Position-Precision"].startswith("generalised")


def worker(windows: dict[str, Any], served: set[int], others: dict[str, Any]) -> Any:
    """What the look-up reads of a worker of two partitions."""
    return SimpleNamespace(
        live={POSITIONS: SimpleNamespace(get=windows.get)},
        settings=SimpleNamespace(topic_partitions=2, topic=lambda name: f"prefix.{name}"),
        progress=SimpleNamespace(next_offset={(POSITIONS, number): 0 for number in served}),
        router=SimpleNamespace(external_topics_metadata=lambda: others),
    )


def test_look_up_says_where_else() -> None:
    lion = "nobody"  # on partition 1 of 2, by Kafka's murmur2
    others = {
        "http://app-1.invalid": {f"prefix.{POSITIONS}": [0]},
        "http://app-2.invalid": {f"prefix.{POSITIONS}": [1]},
    }
    assert look_up(worker({"here": {"fixes": 1}}, {0}, {}), "here").window == {"fixes": 1}
    assert "its partition 1, which is served here" in look_up(worker({}, {0, 1}, others), lion).elsewhere
    assert "by worker app-2: ask there" in look_up(worker({}, {0}, others), lion).elsewhere
    assert "by no worker at present" in look_up(worker({}, {0}, {}), lion).elsewhere


async def test_a_weak_secret_ends_the_worker_outside_the_demo(web_settings: Settings, tmp_path: Path) -> None:
    changes = {"liontrack_data_dir": tmp_path, "web_port": free_ports(1)[0], "jwt_secret": None}
    app = create_app(web_settings.model_copy(update=changes), parts=["liontrack_stream.views"])
    failures: list[BaseException] = []
    app.fail = failures.append  # type: ignore[method-assign]
    web = cast(Web, app.web)
    await web.start_server()
    await web.stop_server()
    [failure] = failures
    assert str(failure).startswith("Set JWT_SECRET to a random text of at least 32 characters, such as `openssl rand")
    assert str(failure).endswith("it is not set.")
