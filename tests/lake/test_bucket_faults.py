"""A bucket that goes away, hangs, or whose answers are lost: files are late, and each is there once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

import asyncpg
import pytest

from liontrack_stream.lake import LakeExporter, verify
from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from tests.lake.compacting import command
from tests.lake.filling import POSITIONS, add_bronze, add_positions
from tests.lake.reading import differences
from tests.support.minio import Minio

pytestmark = pytest.mark.parametrize("lake", ["bucket"], indirect=True)
MIDDAY = datetime(2025, 3, 1, 12, tzinfo=UTC)


def assert_secretless(lake: Settings, text: str) -> None:
    assert lake.s3_secret_access_key is not None
    assert lake.s3_secret_access_key.get_secret_value() not in text
    assert lake.s3_access_key_id not in text


async def test_an_outage_delays_files_and_nothing_else(
    lake: Settings, warehouse: asyncpg.Connection, minio: Minio, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = LakeExporter(lake)
    exporter.assigned([(POSITIONS, 0)])
    await exporter.start()
    with caplog.at_level(logging.DEBUG):
        exporter.offer(await add_bronze(warehouse, POSITIONS, 0, 0, 20, MIDDAY))
        minio.stop()
        try:
            for first in range(20, 120, 20):
                exporter.offer(await add_bronze(warehouse, POSITIONS, 0, first, 20, MIDDAY))
            await add_positions(warehouse, date(2025, 2, 27), days=2)
            async with asyncio.timeout(60):
                while exporter.status().error is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            trouble = exporter.status().error
            code, output = await command(lake, "lake", "verify")
        finally:
            minio.start()
        await exporter.close()
    assert code == 1
    assert output.startswith("liontrack: The lake or PostgreSQL cannot be used: ")
    assert_secretless(lake, f"{trouble} {output} {caplog.text}")
    assert len([record for record in caplog.records if "retried" in record.message]) <= 2
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


async def test_no_signed_header_is_logged(lake: Settings, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store(lake)
    store.prepare()
    with caplog.at_level(logging.DEBUG):
        await asyncio.to_thread(store.delete, "silver/positions/day=2025-02-27/part-0.parquet")
    assert_secretless(lake, caplog.text)


async def test_a_bucket_that_hangs(lake: Settings, warehouse: asyncpg.Connection, minio: Minio) -> None:
    exporter = LakeExporter(lake)
    exporter.assigned([(POSITIONS, 0)])
    await exporter.start()
    minio.pause()
    try:
        for first in range(0, 60, 20):
            exporter.offer(await add_bronze(warehouse, POSITIONS, 0, first, 20, MIDDAY))
        await asyncio.sleep(3)
        assert exporter.files_written == 0
    finally:
        minio.resume()
    await exporter.close()
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []


@asynccontextmanager
async def losing_answers(minio: Minio, to: bytes, count: int) -> AsyncIterator[tuple[str, list[bytes]]]:
    """An endpoint before MinIO that passes requests on and cuts the connection instead of the answer.

    It does so for the first ``count`` requests that begin with ``to``; those are in the list.
    """
    lost: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind = await asyncio.open_connection("127.0.0.1", minio.port)
        cutting = False

        async def requests() -> None:
            nonlocal cutting
            while data := await reader.read(65536):
                if data.startswith(to) and len(lost) < count:
                    cutting = True
                    lost.append(data.split(b"\r\n", 1)[0])
                behind.write(data)
                await behind.drain()

        async def answers() -> None:
            while data := await behind_reader.read(65536):
                if cutting and b" 200 OK" in data.split(b"\r\n", 1)[0]:
                    writer.transport.abort()
                    return
                writer.write(data)
                await writer.drain()

        tasks = [asyncio.create_task(requests()), asyncio.create_task(answers())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        behind.close()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", lost
    finally:
        server.close()


@pytest.mark.parametrize("count", [1, 12])
async def test_a_put_whose_answer_was_lost_makes_one_object(
    lake: Settings, warehouse: asyncpg.Connection, minio: Minio, count: int
) -> None:
    await add_bronze(warehouse, POSITIONS, 0, 0, 20, MIDDAY)
    await add_positions(warehouse, date(2025, 2, 27), days=1)
    async with losing_answers(minio, b"PUT ", count) as (endpoint, lost):
        exporter = LakeExporter(lake.model_copy(update={"s3_endpoint_url": endpoint}))
        exporter.assigned([(POSITIONS, 0)])
        await exporter.close()
    assert len(lost) == count
    assert len(open_store(lake).files("bronze")) == 1
    assert await verify(lake) == []
    assert await differences(lake, warehouse) == []
