"""Long streams of all topics: delivered batch by batch with restarts, and by all partitions at once."""

from __future__ import annotations

import os

import pytest

from tests.support.oracle import ACTIVITIES, CHALLENGES, POSITIONS, TOPICS, WEIGHTS
from tests.support.random_cases import random_case

FACTOR = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1


@pytest.mark.parametrize("seed", range(3 * FACTOR))
async def test_fixes_late_by_hours_and_weeks(replay, seed):
    case = random_case(seed, (POSITIONS,), 200)
    await replay.holds(case)


@pytest.mark.parametrize("seed", range(2 * FACTOR))
async def test_all_topics(replay, seed):
    case = random_case(1000 + seed, TOPICS, 400)
    await replay.holds(case)


@pytest.mark.parametrize("topics", [(POSITIONS, WEIGHTS), (WEIGHTS, ACTIVITIES, CHALLENGES), TOPICS])
@pytest.mark.parametrize("seed", range(2 * FACTOR))
async def test_partitions_at_once(replay, topics, seed):
    """Partitions meet in the same lions, users and challenges; the rows are still those of the set."""
    case = random_case(2000 + seed, topics, 300)
    await replay.deliver_at_once(case.steps)
    assert await replay.differences(case.stream.records) == []
