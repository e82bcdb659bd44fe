"""A lake that cannot be written delays files and nothing else; several exporters never double a row."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pyarrow as pa
import pytest

from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.caught_up import CaughtUp
from liontrack_stream.kafka.ports import BatchStats
from liontrack_stream.kafka.progress import Progress
from liontrack_stream.lake import LakeExporter, LakeUnavailable, verify
from liontrack_stream.lake.buffer import BronzeBuffer
from liontrack_stream.lake.parquet import Encoded
from liontrack_stream.lake.store import LocalStore, Staged, Store
from liontrack_stream.settings import Settings
from tests.lake.filling import POSITIONS, add_bronze, add_positions
from tests.lake.reading import differences

MIDDAY = datetime(2025, 3, 1, 12, tzinfo=UTC)


async def test_unwritable_root_then_recovery(
    lake: Settings, warehouse: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    root = Path(lake.lake_root)
    root.write_text("not a folder")
    exporter = LakeExporter(lake)
    exporter.assigned([(POSITIONS, 0)])
    exporter.bronze.buffer = BronzeBuffer(max_rows=50)
    await exporter.start()
    with caplog.at_level(logging.INFO, "liontrack_stream.lake"):
        for first in range(0, 200, 20):
            exporter.offer(await add_bronze(warehouse, POSITIONS, 0, first, 20, MIDDAY))
        await add_positions(warehouse, date(2025, 2, 27), days=1)
        await asyncio.sleep(2.5)
        status = exporter.status()
        assert status.error and "bronze" in status.error
        assert status.held_rows <= 50
        assert len([record for record in caplog.records if "retried" in record.message]) <= 2
        root.unlink()
        await exporter.close()
    assert exporter.status().error is None
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_stop_leaves_files_and_manifest_equal(lake: Settings, warehouse: asyncpg.Connection) -> None:
    for attempt in range(5):
        exporter = LakeExporter(lake)
        exporter.assigned([(POSITIONS, 0)])
        await exporter.start()
        exporter.offer(await add_bronze(warehouse, POSITIONS, 0, attempt * 20, 20, MIDDAY))
        await add_positions(warehouse, date(2025, 2, 1), days=10, lions=attempt + 1)
        await warehouse.execute("UPDATE metadata.lake_dirty SET dirty_at = now() - interval '1 h'")
        await asyncio.sleep(0.1 + 0.15 * attempt)
        await exporter.stop()
        assert await verify(lake) == []


async def test_close_says_when_the_lake_stays_away(lake: Settings, warehouse: asyncpg.Connection) -> None:
    Path(lake.lake_root).write_text("not a folder")
    await add_positions(warehouse, date(2025, 2, 27), days=1)
    with pytest.raises(LakeUnavailable, match="was completed within 1 s"):
        await LakeExporter(lake).close(timeout_s=1)


async def test_two_exporters_of_everything(lake: Settings, warehouse: asyncpg.Connection) -> None:
    exporters = [LakeExporter(lake), LakeExporter(lake)]
    for exporter in exporters:
        exporter.assigned([(POSITIONS, 0), (POSITIONS, 1)])
        await exporter.start()
    for round_ in range(6):
        for partition in (0, 1):
            batch = await add_bronze(warehouse, POSITIONS, partition, round_ * 25, 25, MIDDAY)
            exporters[round_ % 2].offer(batch)
        await add_positions(warehouse, date(2025, 2, 27), days=2, lions=round_ + 1)
        await asyncio.sleep(0.3)
    await asyncio.gather(*(exporter.close() for exporter in exporters))
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_lost_connections_are_opened_again(lake: Settings, warehouse: asyncpg.Connection) -> None:
    exporter = LakeExporter(lake)
    exporter.assigned([(POSITIONS, 0)])
    await exporter.start()
    for first in (0, 30, 60):
        exporter.offer(await add_bronze(warehouse, POSITIONS, 0, first, 30, MIDDAY))
        await add_positions(warehouse, date(2025, 2, 27), days=2, lions=1 + first // 30)
        await asyncio.sleep(0.7)
        await warehouse.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'liontrack lake' AND datname = current_database()"
        )
    await exporter.close()
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_unusable_offers_are_read_from_bronze(
    lake: Settings, warehouse: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = LakeExporter(lake)
    exporter.assigned([(POSITIONS, 0)])
    for first in (0, 20):
        batch = await add_bronze(warehouse, POSITIONS, 0, first, 20, MIDDAY)
        batch.columns.pop("raw")  # type: ignore[attr-defined]
        exporter.offer(batch)
    assert exporter.status().held_rows == 0
    assert len([record for record in caplog.records if "unusable" in record.message]) == 1
    await exporter.close()
    assert await differences(lake, warehouse) == []


async def test_a_revoked_partition_is_not_kept(lake: Settings, warehouse: asyncpg.Connection) -> None:
    exporter = LakeExporter(lake)
    exporter.assigned([(POSITIONS, 0)])
    exporter.offer(await add_bronze(warehouse, POSITIONS, 0, 0, 20, MIDDAY))
    exporter.revoked([(POSITIONS, 0)])
    exporter.offer(await add_bronze(warehouse, POSITIONS, 0, 20, 20, MIDDAY))  # its COMMIT was slow
    assert exporter.status().held_rows == 0
    assert await exporter.close() == 0


async def test_a_rebalance_while_closing_leaves_nothing_out(lake: Settings, warehouse: asyncpg.Connection) -> None:
    exporter = LakeExporter(lake)
    exporter.assigned([(POSITIONS, 0)])
    exporter.offer(await add_bronze(warehouse, POSITIONS, 0, 0, 20, MIDDAY))
    closing = asyncio.create_task(exporter.close())
    await asyncio.sleep(0)
    exporter.revoked([(POSITIONS, 0)])
    assert await closing == 1
    assert await differences(lake, warehouse) == []


async def test_a_run_completes_the_files_of_what_it_stored_and_lost(
    lake: Settings, warehouse: asyncpg.Connection
) -> None:
    """A worker until caught up, that a rebalance has left without partitions just before it ends."""
    app = SimpleNamespace(progress=Progress(), lake=LakeExporter(lake))
    app.lake.assigned([(POSITIONS, 0), (POSITIONS, 1)])
    app.lake.offer(await add_bronze(warehouse, POSITIONS, 0, 0, 20, MIDDAY))
    app.progress.committed(RecordBatch(POSITIONS, 0, (SimpleNamespace(offset=19),)), BatchStats())
    app.lake.revoked([(POSITIONS, 0), (POSITIONS, 1)])
    assert await CaughtUp(app)._close_lake() == 1
    assert await differences(lake, warehouse) == []


async def test_what_was_computed_in_vain_leaves_memory_without_a_garbage_collection(
    lake: Settings, warehouse: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the lake cannot be written, days and bronze are read and encoded again and again."""
    encoded: list[weakref.ref[pa.Buffer]] = []

    def fails(store: Store, one: Encoded) -> Staged:
        encoded.append(weakref.ref(one.data))
        raise OSError("no space left")

    monkeypatch.setattr(LocalStore, "stage", fails)
    await add_positions(warehouse, date(2025, 2, 27), days=3)
    exporter = LakeExporter(lake)
    exporter.assigned([(POSITIONS, 0), (POSITIONS, 1)])
    for partition in (0, 1):
        exporter.offer(await add_bronze(warehouse, POSITIONS, partition, 0, 20, MIDDAY))
    gc.collect()
    gc.disable()
    try:
        for run_once in (exporter.bronze.run_once, exporter.days.run_once):
            encoded.clear()
            assert not await exporter._attempt("a try", partial(run_once, True))
            await asyncio.sleep(0.1)  # the threads let go of their last call
            assert len(encoded) > 1
            assert [one() for one in encoded if one() is not None] == []
    finally:
        gc.enable()
        await exporter.stop()
