"""Inferred members: whoever a record names has a row at once, and it completes when its facts come, in any order."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import asyncpg
import pytest_asyncio

from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.ports import Committed
from tests.support.oracle import Consumed
from tests.support.records import activity, at, challenge, fix, weight
from tests.support.replaying import Replay

OLD = {"username": "cub", "email": "cub@example.org", "roles": ["user"]}
NEW = {"username": "kuki", "email": "kuki@example.org", "roles": ["ranger", "user"]}

_LION = "lion_id, name, status, current_weight"
_USER = "user_id, username, total_challenges, last_activity"


class Story:
    """Records told one by one; after each one everything it says is there."""

    def __init__(self, replay: Replay, worker) -> None:
        self._replay, self._worker, self._told = replay, worker, []

    @classmethod
    async def begin(cls, replay: Replay) -> Story:
        await replay.empty()
        return cls(replay, await replay.start([]))

    async def tell(self, told: Consumed) -> dict[str, dict]:
        """Store one record by itself; the warehouse's tables, which equal the oracle's."""
        place = (told.topic, told.partition)
        before = [other for other in self._told if (other.topic, other.partition) == place]
        if not before:
            await self._worker.offsets.claim([place])
        offset = len(before)
        self._told.append(Consumed(*place, offset, told.timestamp, told.key, told.value))
        outcome = await self._worker.sink.process(RecordBatch(*place, (self._told[-1],)))
        assert isinstance(outcome, Committed), outcome
        self._replay.stats += outcome.stats
        assert await self._replay.differences(self._told) == []
        return await self._replay.rows()


@pytest_asyncio.fixture
async def story(replay):
    return await Story.begin(replay)


async def test_a_weight_before_its_lion(story):
    rows = await story.tell(weight("w", "nala", "2025-03-01", 180))
    lion = rows["silver.lions"]["nala",]
    assert (lion["status"], lion["name"], lion["position_lat"], lion["last_update"]) == ("inferred", None, None, None)
    day = rows["gold.lions_metrics"]["nala", at("2025-03-01").date()]
    assert (day["avg_weight"], day["tracking_frequency"]) == (180.0, 0)

    rows = await story.tell(fix("nala", "2025-03-01T05:00:00", name="Nala"))
    lion = rows["silver.lions"]["nala",]
    assert (lion["status"], lion["name"], lion["position_lat"]) == ("active", "Nala", -21.5)
    assert lion["last_update"] == at("2025-03-01 05:00")
    day = rows["gold.lions_metrics"]["nala", at("2025-03-01").date()]
    assert (day["avg_weight"], day["tracking_frequency"]) == (180.0, 1)


async def test_flagged_fixes_alone_leave_a_lion_inferred(story):
    rows = await story.tell(fix("nala", "2025-03-01T05:00:00", 0, 0, name="Nala"))
    lion = rows["silver.lions"]["nala",]
    assert (lion["status"], lion["name"], lion["fixes"], lion["accepted_fixes"]) == ("inferred", None, 1, 0)


async def test_a_challenge_before_its_user(story):
    rows = await story.tell(challenge("c", "kuki-id", "2025-03-01T10:00:00", "completed"))
    assert _user(rows) == ("kuki-id", None, [], True)
    day = rows["gold.users_activity"]["kuki-id", at("2025-03-01").date()]
    assert (day["challenges_completed"], day["challenges_total"]) == (1, 1)

    rows = await story.tell(activity("kuki-id", "2025-03-02T08:00:00", metadata=NEW))
    assert _user(rows) == ("kuki", "kuki@example.org", ["ranger", "user"], False)


async def test_a_weighing_by_an_unknown_user(story):
    rows = await story.tell(weight("w", "nala", "2025-03-01", 180, user_id="kuki-id"))
    assert _user(rows) == ("kuki-id", None, [], True)
    assert rows["gold.users_activity"]["kuki-id", at("2025-03-01").date()]["weight_entries"] == 1
    rows = await story.tell(activity("kuki-id", "2025-03-02T08:00:00", metadata=NEW))
    assert _user(rows) == ("kuki", "kuki@example.org", ["ranger", "user"], False)


async def test_an_activity_without_a_profile(story):
    rows = await story.tell(activity("kuki-id", "2025-03-01T08:00:00"))
    assert _user(rows) == ("kuki-id", None, [], True)
    assert rows["silver.users"]["kuki-id",]["updated_at"] == at("2025-03-01 08:00")
    rows = await story.tell(activity("kuki-id", "2025-03-02T08:00:00", metadata=NEW))
    assert _user(rows) == ("kuki", "kuki@example.org", ["ranger", "user"], False)
    rows = await story.tell(activity("kuki-id", "2025-03-03T08:00:00"))
    assert _user(rows) == ("kuki", "kuki@example.org", ["ranger", "user"], False), "no profile takes nothing back"


async def test_a_profile_completes_field_by_field(story):
    await story.tell(activity("kuki-id", "2025-03-01T08:00:00", metadata={"email": "kuki@example.org"}))
    rows = await story.tell(activity("kuki-id", "2025-03-02T08:00:00", metadata={"roles": ["user"]}))
    assert _user(rows) == ("kuki-id", "kuki@example.org", ["user"], True), "its name is still unknown"
    rows = await story.tell(activity("kuki-id", "2025-03-03T08:00:00", username="kuki"))
    assert _user(rows) == ("kuki", "kuki@example.org", ["user"], False)


async def test_an_older_profile_that_arrives_late(story):
    await story.tell(activity("kuki-id", "2025-03-05T08:00:00", metadata=NEW))
    rows = await story.tell(activity("kuki-id", "2025-03-01T08:00:00", metadata=OLD))
    assert _user(rows) == ("kuki", "kuki@example.org", ["ranger", "user"], False)
    assert rows["silver.users"]["kuki-id",]["created_at"] == at("2025-03-01 08:00")


LION = (
    lambda: weight("w", "nala", "2025-03-01", 180),
    lambda: weight("w", "other", "2025-03-02", 150),  # the same weighing of another lion: the first one holds
    lambda: fix("nala", "2025-03-01T05:00:00", name="Nala"),
    lambda: fix("nala", "2025-03-01T06:00:00", 0, 0),
)
USER = (
    lambda: challenge("c", "kuki-id", "2025-03-01T10:00:00", "pending"),
    lambda: weight("w", "nala", "2025-03-01", 180, user_id="kuki-id"),
    lambda: activity("kuki-id", "2025-03-01T08:00:00", metadata=OLD),
    lambda: activity("kuki-id", "2025-03-02T08:00:00", metadata=NEW),
)


async def test_a_lion_in_every_order(replay):
    for order in permutations(LION):
        story = await Story.begin(replay)
        for make in order:
            rows = await story.tell(make())
        lions = {lion: row["status"] for (lion,), row in rows["silver.lions"].items()}
        assert lions == {"nala": "active", "other": "inferred"}


async def test_a_user_in_every_order(replay):
    ends = []
    for order in permutations(USER):
        story = await Story.begin(replay)
        for make in order:
            rows = await story.tell(make())
        ends.append((_user(rows), rows["silver.users"]["kuki-id",]["created_at"], _days(rows)))
    days = {at("2025-03-01").date(): (1, 1), at("2025-03-02").date(): (0, 1)}
    right = (("kuki", "kuki@example.org", ["ranger", "user"], False), at("2025-03-01 08:00"), days)
    assert ends == [right] * len(ends)


async def test_analytics_show_inferred_members(story, settings):
    await story.tell(weight("w", "nala", "2025-03-01", 180))
    await story.tell(challenge("c", "kuki-id", "2025-03-01T10:00:00", "in_progress"))
    assert await _analytics(settings) == (
        [("nala", None, "inferred", 180.0)],
        [("kuki-id", "kuki-id", 1, at("2025-03-01 10:00"))],
    )
    await story.tell(fix("nala", "2025-03-01T05:00:00", name="Nala"))
    await story.tell(activity("kuki-id", "2025-03-02T08:00:00", metadata=NEW))
    assert await _analytics(settings) == (
        [("nala", "Nala", "active", 180.0)],
        [("kuki-id", "kuki", 1, at("2025-03-02 08:00"))],
    )


def _user(rows) -> tuple[str, str | None, list[str], bool]:
    user = rows["silver.users"]["kuki-id",]
    return (user["username"], user["email"], user["roles"], user["inferred"])


def _days(rows) -> dict[date, tuple[int, int]]:
    return {
        day: (row["weight_entries"], row["challenges_total"]) for (_, day), row in rows["gold.users_activity"].items()
    }


async def _analytics(settings) -> tuple[list[tuple], list[tuple]]:
    """Lions and users as the refreshed views show them."""
    connection = await asyncpg.connect(**settings.pg_dsn)
    try:
        for view in ("lions_current_status", "user_engagement_summary"):
            await connection.execute(f"REFRESH MATERIALIZED VIEW CONCURRENTLY analytics.{view}")
        return (
            [tuple(row) for row in await connection.fetch(f"SELECT {_LION} FROM analytics.lions_current_status")],
            [tuple(row) for row in await connection.fetch(f"SELECT {_USER} FROM analytics.user_engagement_summary")],
        )
    finally:
        await connection.close()
