"""What is lost, damaged or left over is found by verify and made good by repair, or named as beyond it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import asyncpg
import pytest

from liontrack_stream.lake import LakeExporter, verify
from liontrack_stream.lake.catalog import BRONZE
from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from tests.lake.compacting import command, fill_days
from tests.lake.damaging import copy_file, corrupt, remove, truncate
from tests.lake.filling import POSITIONS, add_bronze, add_positions
from tests.lake.reading import both_stores, differences

pytestmark = both_stores
FILE = f"bronze/{POSITIONS}/date=2025-03-01/p0000-{0:020d}.parquet"
DAY = "silver/positions/day=2025-02-27/part-0.parquet"


async def filled(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await add_positions(warehouse, date(2025, 2, 27), days=2)
    for partition in (0, 1):
        await add_bronze(warehouse, POSITIONS, partition, 0, 20, datetime(2025, 3, 1, 12, tzinfo=UTC))
    exporter = LakeExporter(lake)
    exporter.assigned([(topic, partition) for topic in BRONZE for partition in (0, 1)])
    await exporter.close()
    assert await command(lake, "lake", "verify") == (0, "verify: file 1 of 10\nAll well.\n")


@pytest.mark.parametrize("damage", [corrupt, truncate, remove])
async def test_damage_is_found_and_repaired(
    lake: Settings, warehouse: asyncpg.Connection, damage: Callable[[Settings, str], None]
) -> None:
    await filled(lake, warehouse)
    for path in (FILE, DAY):
        damage(lake, path)
    code, output = await command(lake, "lake", "verify", "--json")
    problems = json.loads(output.splitlines()[-1])["problems"]
    assert code == 1
    assert all(any(path in problem for problem in problems) for path in (FILE, DAY))
    code, output = await command(lake, "lake", "repair", "--json")
    result = json.loads(output.splitlines()[-1])
    assert (code, result["left"]) == (0, []), output
    assert {text.split()[1] for text in result["done"]} == {FILE, DAY}
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_strangers_are_removed(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await filled(lake, warehouse)
    left_over = [FILE.replace("p0000", "p0007"), DAY.replace("part-0", "part-1")]
    for path in left_over:
        copy_file(lake, FILE if "p0007" in path else DAY, path)
    assert (await command(lake, "lake", "verify"))[0] == 1
    code, output = await command(lake, "lake", "repair")
    assert code == 0, output
    assert not open_store(lake).files("").keys() & set(left_over)
    assert await verify(lake) == []


async def test_beyond_repair(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await filled(lake, warehouse)
    corrupt(lake, FILE)
    await warehouse.execute("DELETE FROM bronze.lions_raw")  # retention
    code, output = await command(lake, "lake", "repair", "--json")
    assert code == 1
    assert json.loads(output.splitlines()[-1])["left"] == [
        f"{FILE} is beyond repair: bronze has 0 of its 20 rows (retention, or a loss)"
    ]


async def test_a_compacted_file_is_repaired(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await fill_days(lake, warehouse, days=1, files=3)
    assert (await command(lake, "lake", "compact", "--not-at-once"))[0] == 0
    [first, _] = sorted(open_store(lake).files("bronze"))
    truncate(lake, first)
    code, output = await command(lake, "lake", "repair")
    assert code == 0, output
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_a_worker_that_leads_writes_the_days(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await filled(lake, warehouse)
    exporter = LakeExporter(lake)
    await exporter.start()
    try:
        while not await exporter.days.leads():
            pass
        corrupt(lake, DAY)
        code, output = await command(lake, "lake", "repair")
        assert code == 0, output
        assert "by the worker that runs" in output
    finally:
        await exporter.stop()
    assert await verify(lake) == []
