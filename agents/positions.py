"""Reads lion positions: hands each fetched batch to its partition's lane, which stores it."""

from __future__ import annotations

from typing import Any

from liontrack_stream.app import LionTrackApp
from liontrack_stream.contract.topics import POSITIONS


def register(app: LionTrackApp) -> None:
    """Add the agent to the app."""

    @app.agent(app.source(POSITIONS), name="positions")
    async def positions(batches: Any) -> None:
        async for batch in batches:
            await app.lanes.submit(batch)
