"""By its Delta log, each table has exactly the manifest's rows; after ``kill -9`` and repair, too."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import pytest

from liontrack_stream.lake import delta, verify
from liontrack_stream.lake.catalog import BRONZE
from liontrack_stream.lake.delta import log_paths
from liontrack_stream.lake.manifest import Manifest
from liontrack_stream.lake.repair import repair
from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from tests.lake import delta_reading
from tests.lake.compacting import command, export, fill_days
from tests.lake.delta_reading import DELTA_TABLES, delta_differences
from tests.lake.filling import POSITIONS, add_bronze, add_positions, add_the_rest, mark
from tests.lake.reading import both_stores, differences, stranger
from tests.lake.test_crashes import run_exporter

MIDDAY = datetime(2025, 3, 1, 12, tzinfo=UTC)
FIRST = date(2025, 2, 27)


@pytest.fixture
def lake(lake: Settings) -> Settings:
    return lake.model_copy(update={"lake_delta": True})


async def assert_level(lake: Settings, tables: Iterable[str] = DELTA_TABLES) -> None:
    assert await verify(lake) == []
    assert delta_differences(lake, tables) == []


@both_stores
async def test_the_log_follows_the_manifest(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await add_positions(warehouse, FIRST, days=3)
    await add_the_rest(warehouse)
    for n, topic in enumerate(sorted(BRONZE)):
        await add_bronze(warehouse, topic, n % 2, 0, 30, MIDDAY)
    await export(lake, *BRONZE)
    await assert_level(lake)
    assert delta_reading.delta(lake, "silver/positions").version() == 0
    changed = ["silver/positions", "gold/lions_positions_history", "gold/lions_metrics", f"bronze/{POSITIONS}"]
    # A day with other rows under the same name, a day that goes, another file of bronze.
    await warehouse.execute("DELETE FROM silver.positions WHERE event_time < '2025-02-28Z'")
    await add_positions(warehouse, date(2025, 2, 28), days=1, lions=3)
    await mark(warehouse, "silver", "positions", [FIRST])
    await add_bronze(warehouse, POSITIONS, 0, 30, 30, MIDDAY)
    await add_bronze(warehouse, POSITIONS, 1, 0, 30, MIDDAY)
    await export(lake, *BRONZE)
    await assert_level(lake, changed)
    code, output = await command(lake, "lake", "compact", "--not-at-once")
    assert (code, "3 files became" in output) == (0, True), output
    await assert_level(lake, changed)
    assert await differences(lake, warehouse) == []  # nor does the log disturb who globs
    table = delta_reading.delta(lake, f"bronze/{POSITIONS}")
    assert table.to_pyarrow_table(filters=[("date", "=", date(2025, 3, 1))]).num_rows == 90
    assert table.to_pyarrow_table(filters=[("date", "=", date(2025, 3, 2))]).num_rows == 0
    store, secret = open_store(lake), lake.s3_secret_access_key
    logs = b"".join(store.read(path).to_pybytes() for path in log_paths(store))
    assert secret is None or secret.get_secret_value().encode() not in logs


@pytest.mark.parametrize(
    ("point", "heals"), [("before_commit", "worker"), ("before_commit:3", "repair"), ("after_commit", "worker")]
)
async def test_killed_between_manifest_and_log(
    lake: Settings, warehouse: asyncpg.Connection, point: str, heals: str
) -> None:
    await add_positions(warehouse, FIRST, days=2)
    await add_bronze(warehouse, POSITIONS, 0, 0, 30, MIDDAY)
    assert await run_exporter(lake, f"lake.delta.{point}") == -signal.SIGKILL
    problems = await verify(lake)
    assert problems
    assert all("Delta log" in problem for problem in problems)
    if heals == "worker":
        assert await run_exporter(lake) == 0
    else:
        repaired = await repair(lake)
        assert repaired.left == []
        assert all("brought the Delta log level" in sentence for sentence in repaired.done)
    await assert_level(lake)


async def test_checkpoints_keep_the_log_short(
    lake: Settings, warehouse: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delta, "CHECKPOINT_EVERY", 3)
    for n in range(11):
        await add_bronze(warehouse, POSITIONS, 0, 10 * n, 10, MIDDAY)
        await export(lake, *BRONZE)
    assert await verify(lake) == []
    assert delta_differences(lake) == []
    with stranger(lake) as db:
        glob = f"{lake.lake_root}/bronze/{POSITIONS}/date=*/*.parquet"
        assert db.execute('SELECT count(DISTINCT "offset") FROM read_parquet(?)', [glob]).fetchall() == [(110,)]
    names = sorted(path.name for path in Path(lake.lake_root, "bronze", POSITIONS, "_delta_log").glob("0*"))
    assert [int(name[:20]) for name in names] == [6, 6, 7, 8, 9, 9, 10]
    assert sum(".checkpoint" in name for name in names) == 2
    assert delta_reading.delta(lake, f"bronze/{POSITIONS}").version() == 10


async def test_a_broken_log_begins_anew(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await add_positions(warehouse, FIRST, days=2)
    await export(lake, *BRONZE)
    Path(lake.lake_root, "silver/positions/_delta_log", f"{0:020d}.json").write_bytes(b'{"add"')
    assert "silver/positions: version 0 of the Delta log cannot be read" in (await verify(lake))[0]
    code, output = await command(lake, "lake", "repair", "--json")
    assert code == 0, output
    assert json.loads(output.splitlines()[-1])["done"] == ["silver/positions: began the Delta log anew"]
    await assert_level(lake)


@pytest.mark.parametrize("commits", [1, 3])
async def test_a_log_that_begins_anew_under_a_worker(
    lake: Settings, warehouse: asyncpg.Connection, commits: int
) -> None:
    """The worker's last version is then beyond the new log, or is one of its numbers and says something else."""
    off, manifest = lake.model_copy(update={"lake_delta": False}), Manifest(lake)
    worker = delta.DeltaLogs(open_store(lake), manifest)
    for n in range(commits):
        await add_positions(warehouse, FIRST, days=1 + n)
        await export(off)
        await worker.run_once()
    assert delta_reading.delta(lake, "silver/positions").version() == commits - 1
    last = date(2025, 3, 8)
    await add_positions(warehouse, last, days=1)
    await export(off)
    Path(lake.lake_root, "silver/positions/_delta_log", f"{0:020d}.json").write_bytes(b'{"add"')
    assert "silver/positions: began the Delta log anew" in (await repair(lake)).done
    await warehouse.execute("DELETE FROM silver.positions WHERE event_time >= '2025-03-08Z'")  # the new log has it
    await mark(warehouse, "silver", "positions", [last])
    await export(off)
    await worker.run_once()
    await manifest.close()
    await assert_level(lake)
    assert delta_reading.delta(lake, "silver/positions").version() == 1


async def test_switched_on_and_off(lake: Settings, warehouse: asyncpg.Connection) -> None:
    off = lake.model_copy(update={"lake_delta": False})
    await fill_days(off, warehouse, days=2, files=2)
    assert log_paths(open_store(off)) == []
    await export(lake, *BRONZE)
    await assert_level(lake)
    await add_bronze(warehouse, POSITIONS, 0, 100, 10, MIDDAY)
    await export(off, *BRONZE)
    assert await verify(off) == []
    assert "differs from the manifest" in (await verify(lake))[0]
    await export(lake, *BRONZE)
    await assert_level(lake)
