"""Reads challenge statuses: hands each fetched batch to its partition's lane, which stores it."""

from __future__ import annotations

from typing import Any

from liontrack_stream.app import LionTrackApp
from liontrack_stream.contract.topics import CHALLENGES


def register(app: LionTrackApp) -> None:
    """Add the agent to the app."""

    @app.agent(app.source(CHALLENGES), name="challenges")
    async def challenges(batches: Any) -> None:
        async for batch in batches:
            await app.lanes.submit(batch)
