"""The bucket is away while a worker stores what comes in: `make soak-lake` minutes, `make test` seconds."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import asyncpg
import pytest

from liontrack_stream.settings import Settings
from tests.lake.reading import differences
from tests.support.minio import Minio
from tests.support.oracle import compute
from tests.support.oracle.compare import compare_tables
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import wait_until

OUTAGE_S = float(os.environ.get("LAKE_OUTAGE_S", "4"))
LOAD = ["simulate", "--lions", "150", "--days", "60", "--users", "8", "--seed", "3", "--bad-fraction", "0.01"]
RATE = 200 if OUTAGE_S >= 60 else 60  # records a second
LATE = """
SELECT coalesce(sum(o.next_offset - coalesce(w.next_offset, 0)), 0)::bigint
FROM metadata.consumed_offsets o LEFT JOIN metadata.lake_watermarks w USING (topic, partition)
"""


@pytest.mark.timeout(600 + 6 * OUTAGE_S)
def test_an_outage_delays_files_and_nothing_else(
    settings: Settings, tmp_path: Path, minio: Minio, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = PipelineKit(minio.settings(settings), tmp_path)
    try:
        with pipeline.load(LOAD, RATE):
            worker = pipeline.worker(LAKE_INTERVAL_S="1")
            wait_until(lambda: _files(pipeline) > 0, 120.0, "the worker has written files")
            minio.stop()
            try:
                before = pipeline.stored()
                for _ in range(4):
                    at = pipeline.stored()
                    time.sleep(OUTAGE_S / 4)
                    wait_until(lambda at=at: pipeline.stored() > at, 60.0, "ingestion goes on")  # type: ignore[misc]
                late = pipeline.fetch(LATE)[0][0]
            finally:
                minio.start()
            back_s = time.monotonic()
            at_return = pipeline.stored()
            wait_until(lambda: _exported(pipeline) >= at_return, 180.0, "the files of the outage are written")
            back_s = time.monotonic() - back_s
            assert worker.running, worker.log_text()[-3000:]
            worker.stop()
        pipeline.catch_up(180.0)
        records = pipeline.consumed()
        with capsys.disabled():
            print(
                f"\nThe bucket was away for {OUTAGE_S:g} s: {at_return - before:,} records were stored meanwhile, "
                f"{late:,} waited for their files at the end, and were in them {back_s:.0f} s after its return; "
                f"{len(records):,} records in all"
            )
        assert late > 0
        assert pipeline.command("lake", "verify").stdout.endswith("All well.\n")
        assert compare_tables(compute(records), pipeline.warehouse()) == []
        assert asyncio.run(_differences(pipeline.settings)) == []
    finally:
        pipeline.end()


def _files(pipeline: PipelineKit) -> int:
    return int(pipeline.fetch("SELECT count(*) FROM metadata.lake_files")[0][0])


def _exported(pipeline: PipelineKit) -> int:
    return int(pipeline.fetch("SELECT coalesce(sum(next_offset), 0) FROM metadata.lake_watermarks")[0][0])


async def _differences(settings: Settings) -> list[str]:
    connection = await asyncpg.connect(**settings.pg_dsn)
    try:
        return await differences(settings, connection)
    finally:
        await connection.close()
