"""Reads user activities: hands each fetched batch to its partition's lane, which stores it."""

from __future__ import annotations

from typing import Any

from liontrack_stream.app import LionTrackApp
from liontrack_stream.contract.topics import ACTIVITIES


def register(app: LionTrackApp) -> None:
    """Add the agent to the app."""

    @app.agent(app.source(ACTIVITIES), name="activities")
    async def activities(batches: Any) -> None:
        async for batch in batches:
            await app.lanes.submit(batch)
