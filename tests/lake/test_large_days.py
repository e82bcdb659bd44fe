"""Days of real size: `make bench-lake` has 420 MB, `make test` 80 in small bronze files and 12 of silver."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import numpy as np
import psutil
import pyarrow as pa

from liontrack_stream.lake import LakeFile, verify
from liontrack_stream.lake.catalog import BRONZE
from liontrack_stream.lake.layout import bronze_path
from liontrack_stream.lake.manifest import locked_watermark, move_watermark, put_files
from liontrack_stream.lake.parquet import encode
from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from tests.lake.compacting import FIRST_DAY, Seen
from tests.lake.compacting import reading as reading_bronze
from tests.lake.filling import POSITIONS
from tests.lake.reading import stranger
from tests.lake.test_days_of_several_files import reading, write
from tests.support.stack import environment_of

MB = 1 << 20
DAY_MB = int(os.environ.get("LAKE_DAY_MB", "80"))
ROW_BYTES = 900  # of a fix's metadata
FILE_ROWS, RAW_BYTES = 8_000, 512  # some 4 MB a file, since random bytes do not shrink
SILVER_MB = int(os.environ.get("LAKE_DAY_MB", "12"))
SILVER_MAX_MB = 256 if SILVER_MB > 256 else 4
PEAK_MB = 500  # of the command, some 200 of them libraries; a day's bytes are not held


def rows(partition: int, first: int, random: np.random.Generator) -> pa.Table:
    at = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(seconds=first // 100)
    offsets = pa.py_buffer(np.arange(0, (FILE_ROWS + 1) * RAW_BYTES, RAW_BYTES, dtype=np.int32))
    known = {
        "partition": pa.repeat(pa.scalar(partition, pa.int32()), FILE_ROWS),
        "offset": pa.array(np.arange(first, first + FILE_ROWS)),
        "topic": pa.repeat(POSITIONS, FILE_ROWS),
        "append_time": pa.repeat(pa.scalar(at, pa.timestamp("us", "UTC")), FILE_ROWS),
        "partition_date": pa.repeat(pa.scalar(FIRST_DAY, pa.date32()), FILE_ROWS),
        "raw": pa.Array.from_buffers(
            pa.binary(), FILE_ROWS, [None, offsets, pa.py_buffer(random.bytes(FILE_ROWS * RAW_BYTES))]
        ),
    }
    schema = BRONZE[POSITIONS].schema
    return pa.table([known.get(f.name, pa.nulls(FILE_ROWS, f.type)) for f in schema], schema=schema)


async def fill(lake: Settings, warehouse: asyncpg.Connection, files: tuple[int, int]) -> Seen:
    """So many files of two partitions, as exporters leave them; what a reader has to see."""
    store, random, total = open_store(lake), np.random.default_rng(7), 0
    store.prepare()
    for partition, count in enumerate(files):
        listed = []
        for first in range(0, count * FILE_ROWS, FILE_ROWS):
            encoded = encode(rows(partition, first, random))
            path = bronze_path(POSITIONS, partition, first, FIRST_DAY)
            store.stage(encoded).publish(path, False)
            listed.append(
                LakeFile(
                    path, "bronze", POSITIONS, FIRST_DAY, FILE_ROWS, encoded.byte_count, encoded.sha256, POSITIONS,
                    partition, first, first + FILE_ROWS,
                )
            )  # fmt: skip
        end = count * FILE_ROWS
        total += end * (end - 1) // 2
        async with warehouse.transaction():
            await warehouse.execute(
                "INSERT INTO metadata.consumed_offsets (topic, partition, next_offset) VALUES ($1, $2, $3)",
                POSITIONS, partition, end,
            )  # fmt: skip
            await locked_watermark(warehouse, POSITIONS, partition)
            await move_watermark(warehouse, POSITIONS, partition, 0, end)
            await put_files(warehouse, listed)
    return sum(files) * FILE_ROWS, sum(files) * FILE_ROWS, total


def content(lake: Settings) -> tuple:
    with stranger(lake) as db:
        sql = 'SELECT count(*), bit_xor(hash(partition, "offset", raw, append_time)) FROM read_parquet(?)'
        return db.execute(sql, [f"{lake.lake_root}/bronze/{POSITIONS}/date=*/*.parquet"]).fetchall()[0]


def run(lake: Settings, *arguments: str) -> tuple[int, int]:
    """Exit code and peak memory (MB) of ``python -m …``, as seen every 20 ms.

    Not ``ru_maxrss``: a child's begins with the memory of the process that spawned it.
    """
    environment = {**environment_of(lake), "PYTHONPATH": str(Path(__file__).parents[2])}
    peak_mb = 0
    with subprocess.Popen([sys.executable, "-m", *arguments], env=environment, stdout=sys.stderr) as process:
        while process.poll() is None:
            with suppress(psutil.Error):
                peak_mb = max(peak_mb, psutil.Process(process.pid).memory_info().rss // MB)
            time.sleep(0.02)
    return process.returncode, peak_mb


async def test_a_closed_day_becomes_files_within_bounds(lake: Settings, warehouse: asyncpg.Connection) -> None:
    many, few = DAY_MB // 4 - 3, 3
    expected = await fill(lake, warehouse, (many, few))
    before = await asyncio.to_thread(content, lake)
    assert len(open_store(lake).files("bronze")) == many + few
    with reading_bronze(lake, expected) as readers:
        code, peak_mb = await asyncio.to_thread(run, lake, "liontrack_stream", "lake", "compact")
    assert code == 0
    assert readers.wrong == []
    assert readers.exact > 0
    assert await asyncio.to_thread(content, lake) == before
    sizes: dict[str, list[float]] = {"p0000": [], "p0001": []}
    for path, size in open_store(lake).files("bronze").items():
        sizes[path.rsplit("/", 1)[1][:5]].append(size / MB)
    print(f"{DAY_MB} MB in {many + few} files became {sizes}; peak {peak_mb} MB")
    assert all(lake.lake_compact_min_mb <= size <= lake.lake_compact_max_mb for size in sizes["p0000"])
    assert len(sizes["p0000"]) == -(-DAY_MB // 256)
    assert len(sizes["p0001"]) == 1  # less than the minimum in all: one file
    assert peak_mb < PEAK_MB
    assert await verify(lake) == []


async def test_a_day_of_silver_becomes_files_within_bounds(lake: Settings, warehouse: asyncpg.Connection) -> None:
    """Twice: the second time other bytes, under readers."""
    lake = lake.model_copy(update={"lake_compact_max_mb": SILVER_MAX_MB})
    count = SILVER_MB * MB // ROW_BYTES
    values = json.dumps({**lake.model_dump(mode="json"), "pg_password": lake.pg_password.get_secret_value()})
    for version in (1, 2):
        await write(warehouse, version, count, ROW_BYTES)
        with reading(lake, {1: count, 2: count}) if version == 2 else nullcontext([]) as wrong:
            began_s = time.monotonic()
            code, peak_mb = await asyncio.to_thread(run, lake, "tests.lake.export_once", values)
        sizes = [size / MB for path, size in open_store(lake).files("silver/positions").items()]
        took_s = time.monotonic() - began_s
        print(f"{count:,} fixes became {[round(size, 1) for size in sizes]} MB in {took_s:.0f} s; peak {peak_mb} MB")
        assert (code, wrong) == (0, [])
        assert len(sizes) > 1
        assert all(SILVER_MAX_MB / 8 <= size <= SILVER_MAX_MB for size in sizes)
        assert peak_mb < PEAK_MB
    assert await verify(lake) == []
