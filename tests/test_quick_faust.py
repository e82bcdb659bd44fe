"""Faust's recovery, which begins to read after each rebalance, and how long it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from unittest.mock import Mock

import pytest
from faust.tables.recovery import RebalanceAgain, ServiceStopped

from liontrack_stream.quick_faust import LastingRecovery


@pytest.fixture
async def recovery() -> AsyncIterator[LastingRecovery]:
    yield LastingRecovery(Mock(), Mock())


async def test_a_step_takes_as_long_as_it_takes(recovery: LastingRecovery) -> None:
    await recovery._wait(asyncio.sleep(0.05), timeout=0.001)


async def test_a_step_that_a_rebalance_cancels_is_one_of_the_assignment_before(recovery: LastingRecovery) -> None:
    claim = asyncio.ensure_future(asyncio.sleep(60.0))
    asyncio.get_running_loop().call_later(0.01, claim.cancel)

    async def on_completed() -> None:
        await recovery._wait(asyncio.shield(claim), timeout=30.0)

    with pytest.raises(RebalanceAgain):
        await recovery._wait(on_completed())


async def test_another_assignment_ends_the_wait(recovery: LastingRecovery) -> None:
    asyncio.get_running_loop().call_later(0.01, recovery.signal_recovery_start.set)
    with pytest.raises(RebalanceAgain):
        await recovery._wait(asyncio.sleep(60.0))


async def test_the_worker_s_end_ends_it(recovery: LastingRecovery) -> None:
    asyncio.get_running_loop().call_later(0.01, recovery._stopped.set)
    with pytest.raises(ServiceStopped):
        await recovery._wait(asyncio.sleep(60.0))


async def test_who_cancels_it_is_obeyed(recovery: LastingRecovery) -> None:
    waiting = asyncio.ensure_future(recovery._wait(asyncio.sleep(60.0)))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
