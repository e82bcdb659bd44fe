"""Servers over this test's own warehouse, and a source that fills it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pydantic import SecretStr

from liontrack_stream.settings import Settings
from liontrack_stream.views import stream
from tests.support.replaying import Replay
from tests.views.stream.following import Clock, Served, Source, serving
from tests.views.tokens import SECRET

StartServer = Callable[..., Awaitable[Served]]


@pytest.fixture(autouse=True)
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that notice at once when a client has left."""
    monkeypatch.setattr(stream, "_LOOK_S", 0.02)


@pytest.fixture
def clock() -> Clock:
    """The wall clock of all servers."""
    return Clock()


@pytest.fixture
async def replay(settings: Settings) -> AsyncIterator[Replay]:
    """The sink."""
    opened = await Replay.open(settings)
    yield opened
    await opened.close()


@pytest.fixture
def source(replay: Replay) -> Source:
    """What fills the warehouse."""
    return Source(replay)


@pytest.fixture
async def start(settings: Settings, clock: Clock) -> AsyncIterator[StartServer]:
    """``await start(**settings)``: one more server."""
    async with AsyncExitStack() as stack:

        async def one(**changes: Any) -> Served:
            changed = {"jwt_secret": SecretStr(SECRET), "liontrack_demo": False, "api_burst": 10_000, **changes}
            return await stack.enter_async_context(serving(settings.model_copy(update=changed), clock))

        yield one


@pytest.fixture
async def server(start: StartServer) -> Served:
    """A server with the default settings."""
    return await start()
