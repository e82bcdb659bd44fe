"""Compaction changes how many files there are, and never what a reader sees; ``kill -9`` anywhere included."""

from __future__ import annotations

import asyncio
import json
import signal
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from liontrack_stream.lake import LakeExporter, verify
from liontrack_stream.lake.compaction_plan import plan_days
from liontrack_stream.lake.ports import LakeFile
from liontrack_stream.lake.retention import Retention
from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import query
from tests.lake.compacting import FIRST_DAY, command, export, fill_days, reading
from tests.lake.filling import POSITIONS, add_bronze
from tests.lake.reading import differences

MB = 1 << 20


def bronze_files(lake: Settings) -> list[str]:
    root = Path(lake.lake_root)
    return sorted(path.relative_to(root).as_posix() for path in (root / "bronze").rglob("*.parquet"))


async def test_closed_days_become_one_file_per_partition(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await fill_days(lake, warehouse, days=2, files=3)
    today = datetime.now(UTC)
    at = max(today - timedelta(seconds=10), today.replace(hour=0, minute=0, second=0, microsecond=0))
    for hour in (1, 2):
        await add_bronze(warehouse, POSITIONS, 0, 150 + hour * 10, 5, at)
        await export(lake)
    before = bronze_files(lake)
    code, output = await command(lake, "lake", "compact", "--dry-run")
    assert (code, bronze_files(lake)) == (0, before), output
    code, output = await command(lake, "lake", "compact", "--json")
    assert code == 0, output
    assert {(d["day"], d["files_before"], d["files_after"]) for d in json.loads(output)["days"]} == {
        ("2025-03-01", 6, 2), ("2025-03-02", 6, 2)
    }  # fmt: skip
    names = [f"date={FIRST_DAY}/p000{p}-{0:020d}-{75:020d}.parquet" for p in (0, 1)]
    assert [path.split("/", 2)[2] for path in bronze_files(lake)][:2] == names
    assert len(bronze_files(lake)) == 4 + len([path for path in before if f"date={today.date()}" in path])
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []
    assert "Nothing to merge" in (await command(lake, "lake", "compact"))[1]


@pytest.mark.parametrize(
    ("point", "heals"),
    [
        ("staged", "worker"),
        ("before_swap", "repair"),
        *[(point, heals) for point in ("after_swap", "after_manifest") for heals in ("worker", "compact", "repair")],
        ("after_swap:2", "worker"),
        ("finished", "compact"),
    ],
)
async def test_killed_compaction(lake: Settings, warehouse: asyncpg.Connection, point: str, heals: str) -> None:
    expected = await fill_days(lake, warehouse, days=2, files=3)
    await warehouse.execute("CREATE TABLE public.safe AS SELECT * FROM bronze.lions_raw")
    await warehouse.execute("DELETE FROM bronze.lions_raw")  # nothing may be taken from there, as after retention
    with reading(lake, expected) as readers:
        code, output = await command(lake, "lake", "compact", crash_at=f"lake.compact.{point}")
        assert code == -signal.SIGKILL, output
        if heals == "worker":
            await export(lake)
        else:
            code, output = await command(lake, "lake", heals)
            assert code == 0, output
    assert readers.wrong == []
    assert readers.exact > 0
    assert await verify(lake) == []
    code, output = await command(lake, "lake", "compact")
    assert (code, len(bronze_files(lake))) == (0, 4), output
    await warehouse.execute("INSERT INTO bronze.lions_raw SELECT * FROM public.safe")
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_readers_see_the_manifests_rows_all_the_while(lake: Settings, warehouse: asyncpg.Connection) -> None:
    expected = await fill_days(lake, warehouse, days=8, files=3)
    with reading(lake, expected) as readers:
        code, output = await command(lake, "lake", "compact")
    assert code == 0, output
    assert readers.wrong == []
    assert readers.exact > 1
    assert len(bronze_files(lake)) == 16


async def test_explain_and_retention_find_what_was_merged(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await fill_days(lake, warehouse, days=1, files=3)
    await command(lake, "lake", "compact")
    wanted = [0, 1], [60, 0], [FIRST_DAY] * 2
    found = await warehouse.fetch(query("explain/lake_files"), POSITIONS, *wanted)
    names = [f"p000{p}-{0:020d}-{75:020d}.parquet" for p in (0, 1)]
    assert [row["path"].rsplit("/", 1)[1] for row in sorted(found, key=lambda row: row["n"])] == names
    async with Retention.open(lake) as retention:
        days = [day async for day in retention.run(FIRST_DAY + timedelta(days=1), False)]
    assert [(day.row_count, day.dropped) for day in days if day.row_count] == [(150, True)]
    assert await verify(lake) == []
    assert (await command(lake, "lake", "compact"))[0] == 0


async def test_a_late_record_joins_at_the_next_time(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await fill_days(lake, warehouse, days=1, files=2)
    await command(lake, "lake", "compact")
    await add_bronze(warehouse, POSITIONS, 0, 50, 5, datetime(2025, 3, 1, 20, tzinfo=UTC))
    code, output = await command(lake, "lake", "compact")  # not exported yet
    assert (code, len(bronze_files(lake))) == (0, 2), output
    await export(lake)
    assert len(bronze_files(lake)) == 3
    await command(lake, "lake", "compact")
    assert len(bronze_files(lake)) == 2
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_a_day_that_awaits_its_export_is_left(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await fill_days(lake, warehouse, days=1, files=2)
    await add_bronze(warehouse, POSITIONS, 0, 50, 5, datetime(2025, 3, 1, 20, tzinfo=UTC))
    code, output = await command(lake, "lake", "compact")
    assert code == 1
    assert "wait for their export" in output


async def test_a_worker_compacts_when_it_may(lake: Settings, warehouse: asyncpg.Connection) -> None:
    expected = await fill_days(lake, warehouse, days=2, files=3)
    backlog = [True]
    compacting = lake.model_copy(update={"lake_compact_interval_s": 0.1})
    exporter = LakeExporter(compacting, has_backlog=lambda: backlog[0])
    exporter.assigned([(POSITIONS, 0), (POSITIONS, 1)])
    with reading(lake, expected) as readers:
        await exporter.start()
        await asyncio.sleep(1)
        assert len(bronze_files(lake)) == 12
        backlog[0] = False
        async with asyncio.timeout(60):
            while len(bronze_files(lake)) > 4:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert exporter.status().error is None
        await exporter.close()
    assert readers.wrong == []
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_sizes_of_large_days(lake: Settings, warehouse: asyncpg.Connection) -> None:
    small = lake.model_copy(update={"lake_compact_min_mb": 1, "lake_compact_max_mb": 2})
    each = 25
    for n in range(12):
        for partition in (0, 1):
            at = datetime(2025, 3, 1, n, tzinfo=UTC)
            await add_bronze(warehouse, POSITIONS, partition, n * each, each, at)
        await warehouse.execute(
            "UPDATE bronze.lions_raw SET raw = (SELECT string_agg(decode(md5(random()::text || g), 'hex'), '')"
            ' FROM generate_series(1, 800) g WHERE "offset" >= 0) WHERE length(raw) < 12800'
        )
        await export(lake)
    before = open_store(lake).files("bronze")
    code, output = await command(small, "lake", "compact")
    after = open_store(lake).files("bronze")
    assert code == 0, output
    assert len(after) < len(before) == 24
    assert all(MB <= size <= 2 * MB for size in after.values()), after
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_a_damaged_file_is_not_merged(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await fill_days(lake, warehouse, days=1, files=2)
    victim = Path(lake.lake_root, bronze_files(lake)[0])
    victim.write_bytes(victim.read_bytes()[:-20] + bytes(20))
    code, output = await command(lake, "lake", "compact")
    assert code == 1
    assert victim.name in output
    assert len(bronze_files(lake)) == 4


def file(first: int, mb: float, day: int = 1, partition: int = 0) -> LakeFile:
    return LakeFile(
        f"{partition}-{first}", "bronze", POSITIONS, date(2025, 3, day), 1, int(mb * MB), "", POSITIONS, partition,
        first, first + 1,
    )  # fmt: skip


def sizes(files: list[LakeFile], before: int = 9) -> list[list[float]]:
    plans = plan_days(files, date(2025, 3, before), 32 * MB, 256 * MB)
    return [[round(sum(f.byte_count for f in group) / MB) for group in plan.merged] for plan in plans]


def test_the_plan() -> None:
    assert sizes([]) == []
    assert sizes([file(0, 5)]) == []
    assert sizes([file(n, 5) for n in range(4)]) == [[20]]
    assert sizes([file(n, 10) for n in range(60)]) == [[200, 200, 200]]
    assert sizes([file(0, 40), file(1, 200)]) == []  # as they should be
    assert sizes([file(0, 200), file(1, 5)]) == [[205]]
    assert sizes([file(0, 250), file(1, 5)]) == []  # nothing larger than the maximum
    assert sizes([file(0, 1), file(1, 1)], before=1) == []  # its day is not over
    assert sizes([file(0, 1), file(1, 1, day=2), file(2, 1)]) == []  # another day lies between
    assert sizes([file(0, 1), file(0, 1, partition=1)]) == []
    for count in range(2, 400, 7):
        merged = sizes([file(n, 3 + n % 29) for n in range(count)])
        assert all(size <= 256 for size in merged[0])
        assert len(merged[0]) == 1 or all(size >= 32 for size in merged[0])


@pytest.mark.parametrize("point", ["", "before_swap", "after_swap", "after_manifest"])
@pytest.mark.parametrize("lake", ["bucket"], indirect=True)
async def test_in_a_bucket_no_row_is_ever_missing(lake: Settings, warehouse: asyncpg.Connection, point: str) -> None:
    expected = await fill_days(lake, warehouse, days=2, files=3)
    code, output = await command(lake, "lake", "compact")
    assert code == 1
    assert "--not-at-once" in output
    with reading(lake, expected) as readers:
        code, output = await command(lake, "lake", "compact", "--not-at-once", crash_at=f"lake.compact.{point}")
        assert code == (-signal.SIGKILL if point else 0), output
        if point:
            code, output = await command(lake, "lake", "repair")
            assert code == 0, output
            code, output = await command(lake, "lake", "compact", "--not-at-once")
            assert code == 0, output
    assert readers.wrong == []
    assert readers.exact > 0
    assert len(open_store(lake).files("bronze")) == 4
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []
