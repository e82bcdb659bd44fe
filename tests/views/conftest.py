"""A served site over a filled warehouse, at a fixed time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from liontrack_stream.kafka.topics import create_topics
from liontrack_stream.settings import Settings
from liontrack_stream.views.database import Database
from liontrack_stream.views.http_server import server_options
from liontrack_stream.views.site import LiveAnswer, Probe, Site, WorkerState
from liontrack_stream.views.web import attach
from tests.support.stack import filled_database, new_topic_prefix, run_apart
from tests.views.tokens import SECRET

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
OLD_WINDOW = {  # older than the delay, so it is open to all
    "window_start": "2026-03-01T00:00:00+00:00",
    "fixes": 1,
    **dict.fromkeys(("mean_lat", "min_lat", "max_lat"), -24.5),
    **dict.fromkeys(("mean_lng", "min_lng", "max_lng"), 23.5),
    **{name: {"time": "2026-03-01T00:01:00+00:00", "lat": -24.5, "lng": 23.5} for name in ("first", "last")},
}
DATA = Path(__file__).with_name("data.sql")

Client = TestClient[web.Request, web.Application]
Serve = Callable[..., Awaitable[Client]]


@pytest.fixture(scope="session")
def filled(stack_settings: Settings, template_database: str) -> Iterator[str]:
    """Name of a database that holds `data.sql`. Views only read, so all their tests share it."""
    with filled_database(stack_settings, template_database, DATA) as name:
        yield name


@pytest.fixture(scope="session")
def pushed_topics(stack_settings: Settings) -> str:
    """Prefix of topics of one partition that all tests of views push into; nothing reads them."""
    prefix = new_topic_prefix()
    settings = stack_settings.model_copy(update={"topic_prefix": prefix, "topic_partitions": 1})
    run_apart(create_topics(settings))
    return prefix


@pytest.fixture
def web_settings(stack_settings: Settings, filled: str, pushed_topics: str) -> Settings:
    """The test stack's settings, with `data.sql`, this folder's secret, and the contract's defaults for positions."""
    changes = {"pg_database": filled, "jwt_secret": SecretStr(SECRET), "liontrack_demo": False}
    topics = {"topic_prefix": pushed_topics, "topic_partitions": 1}
    return stack_settings.model_copy(update={**changes, **topics})


@pytest.fixture
async def serve(web_settings: Settings) -> AsyncIterator[Serve]:
    """``await serve(**settings)``: a client of a site with these settings."""
    async with AsyncExitStack() as stack:

        async def start(
            live: dict[str, Any] | None = None,
            probes: dict[str, Probe] | None = None,
            bind: str = "127.0.0.1",
            now: Callable[[], datetime] = lambda: NOW,
            worker: WorkerState | None = None,
            **changes: Any,
        ) -> Client:
            async def look_up(lion_id: str) -> LiveAnswer:
                return LiveAnswer((live or {}).get(lion_id), "not here, but by worker other")

            async def worker_state() -> WorkerState:
                return worker or WorkerState()

            changed = web_settings.model_copy(update=changes)
            site = Site(
                settings=changed,
                database=Database(changed),
                bind=lambda: bind,
                live=look_up,
                probes=probes or {},
                now=now,
                worker_state=worker_state,
            )
            web_app = web.Application()
            attach(web_app, site)
            server = TestServer(web_app)
            await server.start_server(**server_options())
            assert server.handler is not None
            server.handler.handler_cancellation = False  # as a worker's: who waits for a client has to look
            return await stack.enter_async_context(TestClient(server))

        yield start


@pytest.fixture
async def client(serve: Serve) -> Client:
    """A client of the site with the default settings."""
    return await serve()
