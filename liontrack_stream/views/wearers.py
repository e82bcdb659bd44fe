"""Who wears which collar, for fixes that trackers push: the catalog's deployments, kept for some seconds."""

from __future__ import annotations

import asyncio
from datetime import datetime
from time import monotonic

import asyncpg
from mode import get_logger

from liontrack_stream.contract.times import to_microseconds
from liontrack_stream.sources.deployments import Deployment, Deployments
from liontrack_stream.views.database import Database
from liontrack_stream.warehouse.trouble import LOST

logger = get_logger(__name__)

KEPT_S = 5.0


class Wearers:
    """The deployments. For one event loop.

    A push needs Kafka alone: with Postgres away, or slow, those known last count. A fix that goes by an older one is
    given to the right lion by the next ``liontrack import reference``.
    """

    def __init__(self) -> None:
        self._known = Deployments()
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def known(self, database: Database) -> Deployments:
        """All of them, as they were told at most `KEPT_S` ago."""
        async with self._reading:
            if monotonic() - self._read_at > KEPT_S:
                try:
                    rows = await database.fetch("deployments/stored")
                    self._known = Deployments.of(
                        Deployment(tag, animal, _us(on), _us(off)) for tag, animal, on, off, *_ in rows
                    )
                except (OSError, asyncpg.PostgresError, *LOST) as error:
                    logger.warning("Deployments are not read, those known count: %r", error)
                self._read_at = monotonic()
            return self._known


def _us(time: datetime | None) -> int | None:
    return None if time is None else to_microseconds(time)
