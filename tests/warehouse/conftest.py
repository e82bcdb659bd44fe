"""A warehouse to replay records into."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from liontrack_stream.settings import Settings
from tests.support.replaying import Replay


@pytest_asyncio.fixture
async def replay(settings: Settings) -> AsyncIterator[Replay]:
    opened = await Replay.open(settings)
    yield opened
    await opened.close()
