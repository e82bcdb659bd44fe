"""A day of silver that is too large for one file becomes several, changes and shrinks, in one step for who globs."""

from __future__ import annotations

import base64
import json
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import asyncpg
import duckdb
import pytest

from liontrack_stream.lake import days, swap, verify
from liontrack_stream.lake.ports import LakeError
from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from tests.lake.compacting import command, export
from tests.lake.damaging import copy_file, corrupt, remove
from tests.lake.delta_reading import delta_differences
from tests.lake.filling import add_positions, mark
from tests.lake.reading import both_stores, dataset, differences, stranger
from tests.lake.test_crashes import run_exporter

MB = 1 << 20
DAY = date(2025, 2, 27)
TABLE = "silver/positions"
POINTS = ("staged", "shown", "recorded", "finished")


@pytest.fixture
def lake(lake: Settings) -> Settings:
    return lake.model_copy(update={"lake_delta": True, "lake_compact_min_mb": 1, "lake_compact_max_mb": 2})


async def write(warehouse: asyncpg.Connection, version: int, rows: int, row_bytes: int = 16_384) -> None:
    """The day has so many fixes, all of one version, as an accuracy tells, with bytes that hardly shrink."""
    noise, start = random.Random(version), datetime.combine(DAY, datetime.min.time(), UTC)
    columns = ("lion_id", "event_time", "lat", "lng", "flags", "accuracy", "metadata", "partition", "offset",
               "append_time", "content_hash")  # fmt: skip
    records = (
        (
            f"lion-{n % 3}", start + timedelta(milliseconds=100 * n), -24.0, 20.0, 0, float(version),
            json.dumps({"a": base64.b64encode(noise.randbytes(row_bytes)).decode()}), 0, n, start, 0,
        )
        for n in range(rows)
    )  # fmt: skip
    async with warehouse.transaction():
        await warehouse.execute("DELETE FROM silver.positions WHERE event_time < '2025-02-28Z'")
        await warehouse.copy_records_to_table("positions", schema_name="silver", columns=columns, records=records)
        await mark(warehouse, "silver", "positions", [DAY])


def files(lake: Settings) -> dict[str, int]:
    """The day's files and their bytes."""
    folder = f"{TABLE}/day={DAY.isoformat()}/"
    return {p.removeprefix(folder): size for p, size in open_store(lake).files(TABLE).items() if p.startswith(folder)}


Seen = tuple[tuple[float, int], ...]  # version and rows


def by_duckdb(lake: Settings) -> Seen:
    with stranger(lake) as db:
        sql = "SELECT accuracy, count(*) FROM read_parquet(?) GROUP BY 1"
        try:
            return tuple(db.execute(sql, [f"{lake.lake_root}/{TABLE}/day={DAY.isoformat()}/*.parquet"]).fetchall())
        except duckdb.IOException as error:
            if "No files found" not in str(error):
                raise
            return ()  # it looks for each name that it has listed, and leaves out those that are gone: here all


def by_pyarrow(lake: Settings) -> Seen:
    found = dataset(lake, f"{TABLE}/day={DAY.isoformat()}")
    return tuple(Counter(found.to_table(["accuracy"])["accuracy"].to_pylist()).items()) if found.files else ()


@contextmanager
def reading(lake: Settings, rows: dict[int, int]) -> Iterator[list[str]]:
    """Glob all the while: of all rows of one version each look finds all. Yields what was wrong.

    A reader that is told that a file is gone lists again. One that looks for itself before it opens leaves out what is
    gone by then (decision 9): at an exchange, never at two looks in a row, and never are two versions mixed.
    """
    wrong: list[str] = []
    ended, exact = threading.Event(), Counter[str]()

    def loop(read: Callable[[Settings], Seen]) -> None:
        left_out = False
        while not ended.wait(0.02):
            try:
                found = read(lake)
            except (FileNotFoundError, duckdb.Error) as error:
                if not any(gone in repr(error) for gone in ("No such file", "FileNotFoundError", "does not exist")):
                    wrong.append(f"{read.__name__}: {error}")
                continue
            except Exception as error:
                wrong.append(f"{read.__name__}: {error!r}")
                return
            missing = {version: rows[int(version)] - count for version, count in found}
            if set(missing.values()) == {0} and len(found) == 1:
                exact[read.__name__] += 1
                left_out = False
            elif left_out or len(found) > 1 or min(missing.values(), default=0) < 0:
                wrong.append(f"{read.__name__}: {found}")
            else:
                left_out = True

    threads = [threading.Thread(target=loop, args=(read,)) for read in (by_duckdb, by_pyarrow)]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert exact.keys() == {"by_duckdb", "by_pyarrow"}, exact


async def assert_all_well(lake: Settings, warehouse: asyncpg.Connection) -> None:
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []
    assert delta_differences(lake, [TABLE, "gold/lions_positions_history"]) == []
    if not lake.lake_root.startswith("s3://"):
        assert [p for p in Path(lake.lake_root, ".compact").glob("*/*/*") if ".old" not in p.parts] == []


async def test_a_day_grows_changes_shrinks_and_goes(lake: Settings, warehouse: asyncpg.Connection) -> None:
    rows = {1: 20, 2: 300, 3: 310, 4: 20}
    await write(warehouse, 1, rows[1])
    await export(lake)
    before: set[str] = set()
    with reading(lake, rows) as wrong:
        for version in (2, 3, 4):
            await write(warehouse, version, rows[version])
            await export(lake)
            sizes = files(lake)
            assert (len(sizes) > 2) == (version < 4)
            assert sizes.keys() == {"part-0.parquet"} or all(MB <= size <= 2 * MB for size in sizes.values()), sizes
            assert not before & sizes.keys(), "a name came again with other rows"
            before = set(sizes)
            await assert_all_well(lake, warehouse)
    assert wrong == []
    await write(warehouse, 5, 300)
    await export(lake)
    code, output = await command(lake, "query", "SELECT count(*) AS n FROM silver.positions", "--format", "csv")
    assert (code, output.split()) == (0, ["n", "300"])
    await write(warehouse, 6, 0)
    await export(lake)
    assert files(lake) == {}
    await assert_all_well(lake, warehouse)


@both_stores
async def test_more_than_is_held(
    lake: Settings, warehouse: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read a part at a time: a day that fits into one file, and one that does not; in a bucket that is one, too."""
    monkeypatch.setattr(days, "HELD_BYTES", 10_000)
    await add_positions(warehouse, DAY + timedelta(days=1), days=3, lions=6)
    await write(warehouse, 1, 300)
    await export(lake)
    await assert_all_well(lake, warehouse)
    several = open_store(lake).swaps_at_once
    assert (len(files(lake)) > 2) == several
    await write(warehouse, 2, 110, row_bytes=64)
    await export(lake)
    assert files(lake).keys() == {"part-0.parquet"}
    await assert_all_well(lake, warehouse)


@pytest.mark.parametrize(
    ("point", "heals"),
    [("staged", "worker"), ("shown", "worker"), ("shown:2", "repair"), ("recorded", "worker"), ("finished", "repair")],
)
async def test_killed(lake: Settings, warehouse: asyncpg.Connection, point: str, heals: str) -> None:
    rows = {1: 300, 2: 310}
    await write(warehouse, 1, rows[1])
    await export(lake)
    await write(warehouse, 2, rows[2])
    with reading(lake, rows) as wrong:
        assert await run_exporter(lake, f"lake.large.{point}") == -signal.SIGKILL
        if heals == "repair":
            code, output = await command(lake, "lake", "repair")
            assert code == 0, output
            assert await verify(lake) == []
        await export(lake)
    assert wrong == []
    assert by_duckdb(lake) == ((2.0, rows[2]),)
    await assert_all_well(lake, warehouse)


async def test_what_is_damaged_is_written_again(lake: Settings, warehouse: asyncpg.Connection) -> None:
    await write(warehouse, 1, 300)
    await export(lake)
    [victim, lost, *_] = sorted(files(lake))
    corrupt(lake, f"{TABLE}/day={DAY.isoformat()}/{victim}")
    remove(lake, f"{TABLE}/day={DAY.isoformat()}/{lost}")
    copy_file(
        lake, "gold/lions_positions_history/day=2025-02-27/part-0.parquet", f"{TABLE}/day=2025-02-27/part-7.parquet"
    )
    code, output = await command(lake, "lake", "repair", "--json")
    assert (code, json.loads(output.splitlines()[-1])["left"]) == (0, []), output
    await assert_all_well(lake, warehouse)


async def test_a_large_file_of_before_is_cut_when_a_worker_takes_the_lead(
    lake: Settings, warehouse: asyncpg.Connection
) -> None:
    await write(warehouse, 1, 300)
    await export(lake.model_copy(update={"lake_compact_max_mb": 256}))
    assert files(lake).keys() == {"part-0.parquet"}
    await export(lake)
    assert len(files(lake)) > 2
    await assert_all_well(lake, warehouse)


async def test_where_folders_cannot_be_exchanged_a_day_is_one_file(
    lake: Settings, warehouse: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap, "_exchange", Mock(side_effect=LakeError("cannot")))
    for version, rows in ((1, 300), (2, 310), (3, 20), (4, 0)):
        await write(warehouse, version, rows)
        await export(lake)
        assert files(lake).keys() == ({"part-0.parquet"} if rows else set())
        await assert_all_well(lake, warehouse)
