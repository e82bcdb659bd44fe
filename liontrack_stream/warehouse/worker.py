"""The open warehouse of one worker: its pool, its offsets and its sink."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.offsets import OffsetStore
from liontrack_stream.warehouse.pool import create_sink_pool
from liontrack_stream.warehouse.rules import register_rules
from liontrack_stream.warehouse.sink import Sink


@dataclass(frozen=True, slots=True)
class WorkerWarehouse:
    """What a worker writes to; see ``kafka.ports.Warehouse``."""

    pool: asyncpg.Pool
    offsets: OffsetStore
    sink: Sink
    rule_version: int | None = None

    async def close(self) -> None:
        """Close the connections."""
        await self.pool.close()


async def open_worker_warehouse(settings: Settings, owner: str, gold: bool = True) -> WorkerWarehouse:
    """Connect. ``owner`` names the worker in the lease; ``gold``: whether the sink writes it too."""
    rule_version = await register_rules(settings)
    pool = await create_sink_pool(settings, rule_version)
    offsets = OffsetStore(pool, owner)
    return WorkerWarehouse(pool, offsets, Sink(pool, offsets, settings, gold=gold), rule_version)
