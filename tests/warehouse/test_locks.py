"""A batch waits for another that touches its keys, whether they lock keys one by one or by their buckets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import numpy as np
import pytest
import pytest_asyncio

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.kafka.producer import partition_of
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.batch_connection import BatchConnection
from liontrack_stream.warehouse.work import BatchWork

FEW = {"nala"}
MANY = {f"lion-{n}" for n in range(2000)} | FEW


@pytest_asyncio.fixture
async def works(settings: Settings) -> AsyncIterator[list[BatchWork]]:
    """Two batches in transactions of their own; the second gives up soon."""
    connections = [await asyncpg.connect(**settings.pg_dsn) for _ in range(2)]
    for connection in connections:
        await connection.execute("BEGIN; SET LOCAL lock_timeout = '300ms'")
    nothing = np.empty(0, np.int64)
    works = [BatchWork(POSITIONS, [], nothing, nothing, nothing) for _ in connections]
    for work, connection in zip(works, connections, strict=True):
        work.connection = BatchConnection(connection)
    yield works
    for connection in connections:
        await connection.close()


async def lock(work: BatchWork, **keys: set[str]) -> None:
    await work.lock(**keys)
    await work.connection.fetchval("SELECT 1")  # the locks are under way: what follows waits for them


@pytest.mark.parametrize(("held", "wanted"), [(FEW, FEW), (FEW, MANY), (MANY, FEW), (MANY, MANY)])
async def test_the_second_waits_for_the_first(works: list[BatchWork], held: set[str], wanted: set[str]) -> None:
    await lock(works[0], lion=held)
    with pytest.raises(asyncpg.LockNotAvailableError):
        await lock(works[1], lion=wanted)


async def test_other_keys_and_other_spaces_go_on(works: list[BatchWork]) -> None:
    await lock(works[0], lion={f"lion-{n}" for n in range(200)})
    await lock(works[1], lion={f"other-{n}" for n in range(200)}, user={f"lion-{n}" for n in range(200)})
    await lock(works[0], lion={"lion-1"})


@pytest.mark.parametrize("partitions", [2, 3, 4, 6, 12, 32, 64])
async def test_many_keys_of_another_partition_go_on(works: list[BatchWork], partitions: int) -> None:
    keys = [f"lion-{n}" for n in range(1_000 * partitions)]
    first, second = ({key for key in keys if partition_of(key.encode(), partitions) == n} for n in (0, 1))
    await lock(works[0], lion=first)
    await lock(works[1], lion=second)
    with pytest.raises(asyncpg.LockNotAvailableError):
        await lock(works[1], lion={next(iter(first))})


async def test_many_keys_take_no_more_locks_than_there_are_buckets(works: list[BatchWork]) -> None:
    await lock(works[0], lion={f"lion-{n}" for n in range(50_000)})
    held = await works[0].connection.fetchval(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    )
    assert held == 960
