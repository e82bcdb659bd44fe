"""Fills bronze with days of many small files, and reads them in a loop as strangers do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from liontrack_stream.lake import LakeExporter
from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from tests.lake.filling import POSITIONS, add_bronze
from tests.lake.reading import dataset, stranger
from tests.support.forked import Forked
from tests.support.stack import environment_of
from tests.support.worker_process import wait_until

RELISTED_MAX = 3  # as often as files may be exchanged while one reader reads
FIRST_DAY = date(2025, 3, 1)
Seen = tuple[int, int, int]  # rows, different places, sum of the offsets


async def export(lake: Settings, *topics: str) -> None:
    exporter = LakeExporter(lake)
    exporter.assigned([(topic, partition) for topic in topics or (POSITIONS,) for partition in (0, 1)])
    await exporter.close()


async def fill_days(lake: Settings, warehouse: asyncpg.Connection, days: int = 3, files: int = 4) -> Seen:
    """Per day and partition some small files; what a reader has to see."""
    each, offset = 25, 0
    for day in range(days):
        for file in range(files):
            at = datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time(), UTC) + timedelta(hours=file)
            for partition in (0, 1):
                await add_bronze(warehouse, POSITIONS, partition, offset, each, at)
            offset += each
            await export(lake)
    return 2 * offset, 2 * offset, offset * (offset - 1)


async def command(lake: Settings, *arguments: str, crash_at: str = "") -> tuple[int, str]:
    """Exit code and output of ``liontrack`` in a process of its own."""
    environment = {**environment_of(lake), "LIONTRACK_CRASH_AT": crash_at}

    def run() -> tuple[int, str]:
        with TemporaryDirectory() as folder:
            output = Path(folder, "output")
            code = Forked("liontrack_stream", arguments, environment, Path.cwd(), output, output).wait()
            return code, output.read_text()

    return await asyncio.to_thread(run)


def by_duckdb(lake: Settings) -> Seen:
    glob = f"{lake.lake_root}/bronze/{POSITIONS}/*/*.parquet"
    with stranger(lake) as db:
        [row] = db.execute(
            'SELECT count(*), count(DISTINCT (partition, "offset")), sum("offset") FROM read_parquet(?)', [glob]
        ).fetchall()
    return int(row[0]), int(row[1]), int(row[2])


def by_pyarrow(lake: Settings) -> Seen:
    table = dataset(lake, f"bronze/{POSITIONS}").to_table(["partition", "offset"])
    places = pa.TableGroupBy(table, ["partition", "offset"]).aggregate([]).num_rows
    return table.num_rows, places, pc.sum(table["offset"]).as_py()


class Readers:
    """What readers in a loop saw: how often everything, how often a file was gone when opened, and whatever else."""

    def __init__(self) -> None:
        self.exact = 0
        self.relisted = 0
        self.twice = 0  # in a bucket: all rows, some of them twice
        self.wrong: list[str] = []


@contextmanager
def reading(lake: Settings, expected: Seen) -> Iterator[Readers]:
    """DuckDB and pyarrow glob all the while; a reader that is told that a file is gone lists again."""
    readers, ended = Readers(), threading.Event()
    at_once = open_store(lake).swaps_at_once

    def loop(read: Callable[[Settings], Seen]) -> None:
        while not ended.is_set():
            try:
                seen = read(lake)
                for _ in range(RELISTED_MAX):
                    if read is not by_pyarrow or seen[0] >= expected[0]:
                        break
                    readers.relisted += 1  # it leaves out what goes between its listing and its look
                    seen = read(lake)
            except (FileNotFoundError, duckdb.Error) as error:
                if not any(gone in repr(error) for gone in ("No such file", "FileNotFoundError", "does not exist")):
                    readers.wrong.append(f"{read.__name__}: {error}")
                readers.relisted += 1
                continue
            if seen == expected:
                readers.exact += 1
            elif not at_once and seen[0] > expected[0] and seen[1] == expected[1]:
                readers.twice += 1
            else:
                readers.wrong.append(f"{read.__name__}: {seen} instead of {expected}")

    threads = [threading.Thread(target=loop, args=(read,)) for read in (by_duckdb, by_pyarrow)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: readers.exact > 0 or bool(readers.wrong), 60.0, "a reader has seen everything")
        yield readers
    finally:
        ended.set()
        for thread in threads:
            thread.join()
