"""Order does not matter: whatever way a set of records arrives, the warehouse holds the oracle's rows.

Any interleaving of partitions, any cut into batches, batches delivered again, restarts with empty caches.
``HYPOTHESIS_PROFILE=thorough`` tries twenty times as many. Failures are made small by ``tests.support.minimise``, which
knows that any record may be left out.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings

from tests.support.oracle import ACTIVITIES, CHALLENGES, POSITIONS, TOPICS, WEIGHTS
from tests.support.strategies import cases

FACTOR = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1


def examples(count: int) -> hypothesis_settings:
    return hypothesis_settings(
        max_examples=count * FACTOR,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )


@examples(40)
@given(case=cases((POSITIONS,)))
async def test_fixes_in_any_delivery(replay, case):
    await replay.holds(case)


@examples(25)
@given(case=cases((POSITIONS, WEIGHTS)))
async def test_lions_in_any_delivery(replay, case):
    await replay.holds(case)


@examples(25)
@given(case=cases((WEIGHTS, ACTIVITIES, CHALLENGES)))
async def test_users_in_any_delivery(replay, case):
    await replay.holds(case)


@examples(20)
@given(case=cases(TOPICS, max_records=60, tombstones=True))
async def test_all_topics_in_any_delivery(replay, case):
    await replay.holds(case)


@examples(25)
@given(case=cases((POSITIONS,), tombstones=True))
async def test_deleted_lions_in_any_delivery(replay, case):
    await replay.holds(case)


@examples(25)
@given(case=cases((WEIGHTS, ACTIVITIES, CHALLENGES), tombstones=True))
async def test_deleted_weighings_users_and_challenges_in_any_delivery(replay, case):
    await replay.holds(case)
