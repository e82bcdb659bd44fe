"""What any engine reads from the folders is what the manifest lists and what the warehouse holds."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import asyncpg
import pyarrow.parquet as pq

from liontrack_stream.lake import LakeExporter, verify
from liontrack_stream.lake.catalog import BRONZE, TABLES
from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import query
from tests.lake.damaging import copy_file
from tests.lake.filling import POSITIONS, add_bronze, add_positions, add_the_rest, mark
from tests.lake.reading import both_stores, differences, duckdb_rows

pytestmark = both_stores
MIDDAY = datetime(2025, 3, 1, 12, tzinfo=UTC)


def owner(lake: Settings) -> LakeExporter:
    """The exporter of every partition."""
    exporter = LakeExporter(lake)
    exporter.assigned([(topic, partition) for topic in BRONZE for partition in range(2)])
    return exporter


async def export(lake: Settings) -> int:
    return await owner(lake).close()


async def test_every_table_arrives(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await add_positions(warehouse, date(2025, 2, 27), days=5)
    await add_the_rest(warehouse)
    for topic in BRONZE:
        await add_bronze(warehouse, topic, 0, 0, 20, MIDDAY)
        await add_bronze(warehouse, topic, 1, 0, 5, MIDDAY)
    assert await export(lake) == 5 * 4 + 10 + len(BRONZE) * 2
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []
    assert await warehouse.fetchval("SELECT count(*) FROM metadata.lake_dirty") == 0
    assert await export(lake) == 0


async def test_files_prune(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await add_positions(warehouse, date(2025, 2, 27), days=2, lions=3)
    await export(lake)
    file = pq.ParquetFile(open_store(lake).open("silver/positions/day=2025-02-27/part-0.parquet"))
    rows = file.read().to_pylist()
    assert [(r["lion_id"], r["event_time"]) for r in rows] == sorted((r["lion_id"], r["event_time"]) for r in rows)
    column = file.metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert (column.statistics.min, column.statistics.max) == ("lion-1", "lion-3")
    assert sorted(duckdb_rows(lake, "silver/positions", "DISTINCT day, event_time::date")) == [
        (day, day) for day in (date(2025, 2, 27), date(2025, 2, 28))
    ]


async def test_changed_and_vanished_days(lake: Settings, warehouse: asyncpg.Connection) -> None:
    first = date(2025, 2, 27)
    await add_positions(warehouse, first, days=3)
    await export(lake)
    await add_positions(warehouse, first, days=1, lions=4)
    await warehouse.execute("DELETE FROM silver.positions WHERE event_time >= '2025-03-01Z'")
    await warehouse.execute(
        "UPDATE silver.positions SET flags = 8 WHERE event_time BETWEEN '2025-02-28Z' AND '2025-03-01Z'"
    )
    for day in (date(2025, 2, 28), date(2025, 3, 1)):
        await mark(warehouse, "silver", "positions", [day])
    await export(lake)
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []
    assert open_store(lake).files("silver/positions/day=2025-03-01") == {}
    assert open_store(lake).files("gold/lions_positions_history/day=2025-02-28") == {}


async def test_bronze_from_memory_equals_bronze(lake: Settings, warehouse: asyncpg.Connection) -> None:
    exporter = owner(lake)
    for topic in BRONZE:
        for first in (0, 40, 80):
            exporter.offer(await add_bronze(warehouse, topic, 0, first, 40, MIDDAY))
    assert exporter.status().held_rows == 5 * 120
    await warehouse.execute("CREATE TABLE public.safe AS SELECT * FROM bronze.lions_raw")
    await warehouse.execute("DELETE FROM bronze.lions_raw")  # memory must do
    assert await exporter.close() == len(BRONZE)
    await warehouse.execute("INSERT INTO bronze.lions_raw SELECT * FROM public.safe")
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_restart_and_memory_continue_each_other(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await add_bronze(warehouse, POSITIONS, 0, 0, 30, MIDDAY)
    await export(lake)
    await add_bronze(warehouse, POSITIONS, 0, 30, 30, MIDDAY)  # a worker that died before its file
    exporter = owner(lake)
    exporter.offer(await add_bronze(warehouse, POSITIONS, 0, 60, 30, MIDDAY))
    await exporter.close()
    names = sorted(path.rsplit("/", 1)[1] for path in open_store(lake).files(f"bronze/{POSITIONS}"))
    assert names == [f"p0000-{first:020d}.parquet" for first in (0, 30, 60)]
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_ranges_continue_each_other_over_offsets_without_records(
    lake: Settings, warehouse: asyncpg.Connection
) -> None:
    await add_bronze(warehouse, POSITIONS, 0, 0, 20, MIDDAY)
    await export(lake)
    exporter = owner(lake)
    exporter.offer(await add_bronze(warehouse, POSITIONS, 0, 27, 20, MIDDAY))  # after a transaction that was aborted
    await exporter.close()
    ranges = await warehouse.fetch("SELECT first_offset, next_offset FROM metadata.lake_files ORDER BY 1")
    assert [tuple(row) for row in ranges] == [(0, 20), (20, 47)]
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_midnight_splits_a_batch(lake: Settings, warehouse: asyncpg.Connection) -> None:
    before_midnight = datetime(2025, 3, 1, 23, 59, 50, tzinfo=UTC)
    held = await add_bronze(warehouse, POSITIONS, 0, 0, 20, before_midnight)
    await add_bronze(warehouse, POSITIONS, 1, 0, 20, before_midnight)
    exporter = owner(lake)
    exporter.offer(held)
    assert await exporter.close() == 4
    assert await differences(lake, warehouse) == []
    assert await verify(lake) == []
    assert len(duckdb_rows(lake, f"bronze/{POSITIONS}/date=2025-03-01")) == 20


async def test_follows_while_running(lake: Settings, warehouse: asyncpg.Connection) -> None:
    exporter = owner(lake)
    await exporter.start()
    try:
        exporter.offer(await add_bronze(warehouse, POSITIONS, 0, 0, 20, MIDDAY))
        await add_positions(warehouse, date(2025, 2, 27), days=1)
        async with asyncio.timeout(20):
            while exporter.files_written < 5:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert exporter.status().lag_records == 0
        assert exporter.status().error is None
    finally:
        await exporter.stop()
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_lost_files_come_back(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await add_positions(warehouse, date(2025, 2, 27), days=2)
    await add_bronze(warehouse, POSITIONS, 0, 0, 20, MIDDAY)
    await export(lake)
    victims = [
        "silver/positions/day=2025-02-27/part-0.parquet",
        f"bronze/{POSITIONS}/date=2025-03-01/p0000-{0:020d}.parquet",
    ]
    for victim in victims:
        open_store(lake).delete(victim)
    assert len(await verify(lake)) == 2
    await export(lake)
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_verify_sees_what_is_wrong(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await add_positions(warehouse, date(2025, 2, 27), days=1)
    await export(lake)
    folder = "silver/positions/day=2025-02-27"
    copy_file(lake, f"{folder}/part-0.parquet", f"{folder}/part-1.parquet")
    copy_file(lake, "gold/lion_windows/day=2025-02-27/part-0.parquet", f"{folder}/part-0.parquet")
    problems = await verify(lake)
    assert any("part-1.parquet is in the folder and not in the manifest" in problem for problem in problems)
    assert any("part-0.parquet has sha256" in problem for problem in problems)


async def test_files_have_every_column_but_bookkeeping(lake: Settings, warehouse: asyncpg.Connection) -> None:
    relations = {"silver.quality_checks": "metadata.data_quality_checks"}
    for table in TABLES:
        name = f"{table.layer}.{table.name}"
        everything = await warehouse.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped",
            relations.get(name, name),
        )
        statement = await warehouse.prepare(query(table.query_name).format(days="true"))
        missing = {row["attname"] for row in everything} - {attribute.name for attribute in statement.get_attributes()}
        assert missing <= {"content_hash", "dw_insert_date", "dw_update_date", "revision", "topic"}, name
