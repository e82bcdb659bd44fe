"""Order does not matter: whatever way a set of records arrives, the warehouse holds the oracle's rows.

Any interleaving of partitions, any cut into batches, batches delivered again, restarts with empty caches.
``HYPOTHESIS_PROFILE=thorough`` tries twenty times as many.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest_asyncio
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from tests.support.oracle import ACTIVITIES, CHALLENGES, POSITIONS, TOPICS, WEIGHTS
from tests.support.replaying import Replay
from tests.support.strategies import Case, cases

FACTOR = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1


def examples(count: int) -> hypothesis_settings:
    return hypothesis_settings(
        max_examples=count * FACTOR,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )


@pytest_asyncio.fixture
async def replay(settings) -> AsyncIterator[Replay]:
    opened = await Replay.open(settings)
    yield opened
    await opened.close()


async def holds(replay: Replay, case: Case) -> None:
    await replay.empty()
    await replay.deliver(case.steps)
    assert await replay.differences(case.stream.records) == []


@examples(40)
@given(case=cases((POSITIONS,)))
async def test_fixes_in_any_delivery(replay, case):
    await holds(replay, case)


@examples(25)
@given(case=cases((POSITIONS, WEIGHTS)))
async def test_lions_in_any_delivery(replay, case):
    await holds(replay, case)


@examples(25)
@given(case=cases((WEIGHTS, ACTIVITIES, CHALLENGES)))
async def test_users_in_any_delivery(replay, case):
    await holds(replay, case)


@examples(20)
@given(case=cases(TOPICS, max_records=60))
async def test_all_topics_in_any_delivery(replay, case):
    await holds(replay, case)
