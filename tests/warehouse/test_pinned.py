"""Deliveries that once went wrong, as small as they could be made; times in UTC, one batch per record."""

from __future__ import annotations

from tests.support.records import fix, weight
from tests.support.strategies import Case, Step, Stream


def one_by_one(*records) -> Case:
    """Each record a batch, all of a topic in one partition."""
    partitions = {}
    steps = []
    for record in records:
        partitions.setdefault((record.topic, record.partition), []).append(record)
        steps.append(Step(record.topic, record.partition, (record,)))
    return Case(Stream(partitions), steps)


async def test_a_flagged_fix_older_than_the_tail_keeps_its_identity(replay):
    """
    ::

        Mar 1 ──────────── Apr 1 00:00 ──── 04:00        the weighing makes the worker read the lion anew
        0,0 (3rd)          1st              0,0 (4th)    5th: another fix of the 3rd one's instant
    """
    await replay.holds(
        one_by_one(
            fix("a", "2025-04-01T00:00:00"),
            weight("w", "a", "2025-03-01", 180),
            fix("a", "2025-03-01T00:00:00", 0, 0),
            fix("a", "2025-04-01T04:00:00", 0, 0),
            fix("a", "2025-03-01T00:00:00", -21.6),
        )
    )


async def test_a_lion_stays_live_when_an_older_fix_is_flagged(replay):
    """Two late fixes of a lion without a name make a spike of the second; the third is the last one all the same."""
    await replay.holds(
        one_by_one(
            fix("a", "2025-03-01T00:00:00", -21.5),
            fix("a", "2025-03-01T01:00:00", -21.5),
            fix("a", "2025-03-01T06:00:00", -21.5),
            fix("a", "2025-03-01T00:59:30", -21.6),
            fix("a", "2025-03-01T01:00:30", -21.6),
        )
    )
