"""``kill -9`` at every named point, then a restart: readers never see a row twice, and in the end see every row."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from datetime import UTC, date, datetime
from pathlib import Path
from unittest.mock import AsyncMock

import asyncpg
import pytest

from liontrack_stream.lake import LakeExporter, verify
from liontrack_stream.lake.catalog import BRONZE
from liontrack_stream.settings import Settings
from tests.lake.filling import POSITIONS, add_bronze, add_positions
from tests.lake.reading import differences
from tests.support.forked import run_forked

BRONZE_POINTS = [f"lake.bronze.{p}" for p in ("before_manifest", "before_rename", "after_rename", "after_manifest")]
DAY_POINTS = [f"lake.days.{p}" for p in ("before_rename", "after_rename", "before_manifest", "after_manifest")]
MIDDAY = datetime(2025, 3, 1, 12, tzinfo=UTC)


async def run_exporter(lake: Settings, crash_at: str = "") -> int:
    values = {**lake.model_dump(mode="json"), "pg_password": lake.pg_password.get_secret_value()}
    environment = {**os.environ, "LIONTRACK_CRASH_AT": crash_at}
    arguments = [json.dumps(values)]
    done = await asyncio.to_thread(run_forked, "tests.lake.export_once", arguments, environment, Path.cwd(), 90.0)
    print(done.stderr)
    return done.returncode


@pytest.mark.parametrize(
    "point", [*BRONZE_POINTS, "lake.bronze.after_rename:2", *DAY_POINTS, "lake.days.after_rename:5"]
)
async def test_crash_and_restart(lake: Settings, warehouse: asyncpg.Connection, point: str) -> None:
    await add_positions(warehouse, date(2025, 2, 27), days=3)
    await add_bronze(warehouse, POSITIONS, 0, 0, 30, MIDDAY)
    await add_bronze(warehouse, POSITIONS, 1, 0, 30, MIDDAY)
    assert await run_exporter(lake, point) == -signal.SIGKILL
    # More arrives before the restart: the retry writes a longer run under the same name.
    await add_bronze(warehouse, POSITIONS, 0, 30, 30, MIDDAY)
    await add_positions(warehouse, date(2025, 2, 28), days=3, lions=3)
    assert await run_exporter(lake) == 0
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []
    assert list(Path(lake.lake_root, ".tmp").iterdir()) == []


@pytest.mark.parametrize("point", DAY_POINTS)
async def test_crash_while_days_change_and_vanish(lake: Settings, warehouse: asyncpg.Connection, point: str) -> None:
    await add_positions(warehouse, date(2025, 2, 27), days=3)
    assert await run_exporter(lake) == 0
    await warehouse.execute("DELETE FROM silver.positions WHERE event_time < '2025-02-28Z'")
    await add_positions(warehouse, date(2025, 2, 28), days=1, lions=3)
    await warehouse.execute("INSERT INTO metadata.lake_dirty VALUES ('silver', 'positions', '2025-02-27')")
    assert await run_exporter(lake, point) == -signal.SIGKILL
    assert await run_exporter(lake) == 0
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_orphans_are_gone_when_the_partition_is_claimed(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await add_bronze(warehouse, POSITIONS, 0, 0, 30, MIDDAY)
    assert await run_exporter(lake, "lake.bronze.after_rename") == -signal.SIGKILL
    assert len(await verify(lake)) == 1
    await warehouse.execute("ALTER TABLE bronze.lions_raw RENAME TO lions_raw_away")  # nothing can be written
    exporter = LakeExporter(lake)
    exporter.assigned([(topic, 0) for topic in BRONZE])
    with pytest.raises(Exception, match="lions_raw"):
        await exporter.bronze.run_once(flush=True)
    await exporter.stop()
    assert await verify(lake) == []


async def test_a_lead_that_could_not_look_at_the_lake_looks_again(
    lake: Settings, warehouse: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_positions(warehouse, date(2025, 2, 27), days=1)
    assert await run_exporter(lake, "lake.days.after_rename") == -signal.SIGKILL
    await warehouse.execute("DELETE FROM silver.positions")  # what was shown stays an orphan
    await warehouse.execute("DELETE FROM metadata.lake_dirty")
    days = LakeExporter(lake).days
    with monkeypatch.context() as patch:
        patch.setattr(days, "_reconcile", AsyncMock(side_effect=OSError("away")))
        with pytest.raises(OSError, match="away"):
            await days.run_once()
    assert await verify(lake) != []
    await days.run_once()
    assert await verify(lake) == []
