"""While a worker stores, the lake reads rows in small parts and rests between them; at its end it does not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import asyncpg
import pyarrow as pa
import pytest

from liontrack_stream.lake import days, verify
from liontrack_stream.lake.exporter import LakeExporter
from liontrack_stream.lake.reader import Reader
from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import query
from tests.lake.filling import add_positions, add_the_rest
from tests.support.worker_process import wait_until

DAY = date(2025, 3, 1)
FOR_EVER = 1e9  # of rest per second of work
LIONS = 1_000  # 24,000 fixes, some 4 MB


@asynccontextmanager
async def resting(lake: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LakeExporter]:
    """An exporter at work that has begun to read a day, and rests for ever."""
    monkeypatch.setattr(days, "REST_PER_WORK", FOR_EVER)
    monkeypatch.setattr(days, "QUIET_S", 0.0)
    rests = asyncio.Event()
    loop = asyncio.get_running_loop()
    exporter = LakeExporter(lake)
    wait = exporter.days.hurry.wait

    def noted(timeout: float) -> bool:
        loop.call_soon_threadsafe(rests.set)
        return wait(min(timeout, 100.0))  # no thread may wait for ever

    monkeypatch.setattr(exporter.days.hurry, "wait", noted)
    await exporter.start()
    await asyncio.wait_for(rests.wait(), 20)
    yield exporter


async def test_rows_come_in_small_parts_with_rests_between(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await add_positions(warehouse, DAY, 1, LIONS)
    reader, rests = Reader(lake), list[float]()
    sql = query("lake/silver_positions").format(days="true ORDER BY lion_id, event_time")
    with reader.snapshot() as snapshot:
        at_once = snapshot.rows(sql)
        parts = list(snapshot.parts(sql, rests.append))
    reader.close()
    assert len(rests) == len(parts) > 4
    assert min(rests) > 0
    assert pa.concat_tables(parts).equals(at_once)


async def test_a_worker_that_ends_does_not_rest(
    lake: Settings, warehouse: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_positions(warehouse, DAY, 3, LIONS)
    async with resting(lake, monkeypatch) as exporter:
        assert open_store(lake).files("silver") == {}
        assert await asyncio.wait_for(exporter.close(), 30) > 0
    assert len(open_store(lake).files("silver/positions")) == 3
    assert await verify(lake) == []


async def test_a_worker_that_stops_at_once_does_not_rest(
    lake: Settings, warehouse: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_positions(warehouse, DAY, 1, LIONS)
    async with resting(lake, monkeypatch) as exporter:
        await asyncio.wait_for(exporter.stop(), 20)
    assert len(open_store(lake).files("silver/positions")) == 1  # what was under way is completed


async def test_a_flush_does_not_rest(
    lake: Settings, warehouse: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(days, "REST_PER_WORK", FOR_EVER)
    await add_positions(warehouse, DAY, 2, LIONS)
    exporter = LakeExporter(lake)
    await exporter._resources.in_thread(exporter._resources.store.prepare)
    assert await asyncio.wait_for(exporter.days.run_once(flush=True), 30) > 0
    await exporter.stop()


async def test_a_large_day_holds_no_other_up(
    lake: Settings, warehouse: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake.model_copy(update={"lake_compact_max_mb": 1})
    monkeypatch.setattr(days, "QUIET_S", 0.0)
    monkeypatch.setattr(days, "HELD_BYTES", 1 << 20)
    begun, go_on, write = threading.Event(), threading.Event(), days.write_large

    def slowly(*arguments: Any) -> list[days.DayFolder]:
        begun.set()
        assert go_on.wait(60)
        return write(*arguments)

    monkeypatch.setattr(days, "write_large", slowly)
    await add_positions(warehouse, DAY, 1, LIONS)
    await add_the_rest(warehouse)
    exporter = LakeExporter(lake)
    await exporter.start()
    try:
        assert await asyncio.to_thread(begun.wait, 20)
        await asyncio.to_thread(wait_until, lambda: bool(open_store(lake).files("silver/users")))
        assert not open_store(lake).files("silver/positions")
    finally:
        go_on.set()
        await exporter.close()
    assert open_store(lake).files("silver/positions")
    assert await verify(lake) == []
