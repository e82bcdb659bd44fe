"""A warehouse that the sink filled with simulated events, and a site over it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from liontrack_stream.settings import Settings
from tests.support.oracle import Tables, compute
from tests.support.replaying import Replay
from tests.support.stack import copied_database, filled_database
from tests.views.analytics import simulated
from tests.views.conftest import DATA, Client, Serve


@pytest.fixture(scope="package")
def simulation(stack_settings: Settings, template_database: str) -> Iterator[tuple[str, Tables]]:
    """Name of a database that the sink filled, and what the oracle says it holds."""
    consumed = simulated.records()

    async def fill(settings: Settings) -> None:
        replay = await Replay.open(settings)
        try:
            await replay.deliver(simulated.steps(consumed))
        finally:
            await replay.close()

    with copied_database(stack_settings, template_database) as name:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, fill(stack_settings.model_copy(update={"pg_database": name}))).result()
        yield name, compute(consumed)


@pytest.fixture
def tables(simulation: tuple[str, Tables]) -> Tables:
    return simulation[1]


@pytest.fixture
async def site(serve: Serve, simulation: tuple[str, Tables]) -> Client:
    return await serve(pg_database=simulation[0], api_burst=100_000)


@pytest.fixture(scope="package")
def by_hand(stack_settings: Settings, template_database: str) -> Iterator[str]:
    """Name of a database that holds `data.sql` and `rows.sql`."""
    with filled_database(stack_settings, template_database, DATA, Path(__file__).with_name("rows.sql")) as name:
        yield name
