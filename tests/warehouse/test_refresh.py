"""The materialized views: refreshed while they are read, by one session at a time, without what was deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from liontrack_stream.refresher import Refresher
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.refreshing import refresh_views

INGEST = "liontrack_ingest"
VIEWS = ["lions_current_status", "user_engagement_summary"]
FILL = """
INSERT INTO silver.lions (lion_id, deleted_at) VALUES ('here', NULL), ('gone', now());
INSERT INTO silver.weight_history (weight_id, lion_id, weight, measured_at, original_weight, original_unit, flags,
                                   topic, partition, "offset", append_time, content_hash)
VALUES ('valid', 'here', 170, '2025-03-01Z', 170, 'kg', 0, 't', 0, 0, now(), 1),
       ('implausible', 'here', 700, '2025-03-02Z', 700, 'kg', 1, 't', 0, 1, now(), 2),
       ('deleted', 'here', 180, '2025-03-03Z', 180, 'kg', 16, 't', 0, 2, now(), 3);
INSERT INTO silver.users (user_id, username, deleted_at) VALUES ('here', 'amina', NULL), ('gone', 'gone', now());
INSERT INTO silver.challenges (challenge_id, user_id, status, created_at, updated_at, deleted_at)
VALUES ('c-1', 'here', 'completed', now(), now(), NULL), ('c-2', 'here', 'pending', now(), now(), NULL),
       ('c-3', 'here', 'completed', now(), now(), now());
INSERT INTO metadata.consumed_offsets (topic, partition, next_offset) VALUES ('t', 0, 3);
"""


@pytest.fixture
async def owner(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(**settings.pg_dsn)
    await connection.execute(FILL)
    yield connection
    await connection.close()


async def test_what_was_deleted_is_left_out(settings: Settings, owner: asyncpg.Connection) -> None:
    assert [(one.view, one.rows) for one in await refresh_views(settings)] == [(view, 1) for view in VIEWS]
    lions = await owner.fetch("SELECT lion_id, current_weight, last_weight_update FROM analytics.lions_current_status")
    assert [(row[0], row[1], row[2].day) for row in lions] == [("here", 170.0, 1)]
    users = await owner.fetch(
        "SELECT user_id, username, total_challenges, completed_challenges, active_challenges, weight_entries"
        " FROM analytics.user_engagement_summary"
    )
    assert [tuple(row) for row in users] == [("here", "amina", 2, 1, 1, 0)]


async def test_readers_are_not_held_up(settings: Settings, owner: asyncpg.Connection) -> None:
    async with owner.transaction():
        for view in VIEWS:
            await owner.fetch(f"SELECT * FROM analytics.{view}")  # holds the lock that a plain refresh waits for
        assert len(await asyncio.wait_for(refresh_views(settings, INGEST), 30.0)) == 2


async def test_only_when_something_was_committed(settings: Settings, owner: asyncpg.Connection) -> None:
    async def stale() -> list[str]:
        return [one.view for one in await refresh_views(settings, INGEST, if_stale=True)]

    assert await stale() == VIEWS
    assert await stale() == []
    assert [one.view for one in await refresh_views(settings, INGEST, view=VIEWS[1])] == VIEWS[1:]
    await owner.execute("UPDATE metadata.consumed_offsets SET next_offset = 4")
    assert [one.view for one in await refresh_views(settings, INGEST, view=VIEWS[0])] == VIEWS[:1]
    assert await stale() == VIEWS[1:]
    records = await owner.fetch("SELECT view_name, row_count, consumed FROM metadata.view_refreshes ORDER BY 1")
    assert [tuple(row) for row in records] == [(view, 1, 4) for view in VIEWS]


async def test_one_session_at_a_time(settings: Settings, owner: asyncpg.Connection) -> None:
    refreshes = await asyncio.gather(*(refresh_views(settings) for _ in range(4)))
    assert [len(done) for done in refreshes] == [2] * 4  # on demand each waits for its turn
    await owner.execute("UPDATE metadata.consumed_offsets SET next_offset = 9")
    async with owner.transaction():
        await owner.fetch("SELECT * FROM analytics.refresh_views()")
        await owner.execute("UPDATE metadata.consumed_offsets SET next_offset = 10")
        assert await refresh_views(settings, if_stale=True) == []  # on schedule it is the other's


async def test_an_unknown_view_is_named(settings: Settings, owner: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.UndefinedObjectError, match=rf"no materialized view lions; it has {', '.join(VIEWS)}"):
        await refresh_views(settings, view="lions")


async def test_the_sidecar_survives_an_outage(
    settings: Settings, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    away = Refresher(settings.model_copy(update={"pg_port": 9, "refresh_interval_s": 0.02}))
    async with away:
        await asyncio.sleep(0.2)
        await away.finish()
    assert sum("not refreshed" in record.message for record in caplog.records) == 1
    assert await owner.fetch("SELECT * FROM metadata.view_refreshes") == []

    async with Refresher(settings.model_copy(update={"refresh_interval_s": 0.02})):
        await _until(owner, "SELECT count(*) = 2 FROM metadata.view_refreshes")
        await owner.execute("UPDATE metadata.consumed_offsets SET next_offset = 5")
        await _until(owner, "SELECT bool_and(consumed = 5) FROM metadata.view_refreshes")
    await owner.execute("UPDATE metadata.consumed_offsets SET next_offset = 6")
    await Refresher(settings).finish()
    assert await owner.fetchval("SELECT bool_and(consumed = 6) FROM metadata.view_refreshes")


async def _until(connection: Any, question: str) -> None:
    async with asyncio.timeout(30.0):
        while not await connection.fetchval(question):  # noqa: ASYNC110 - another session's doing
            await asyncio.sleep(0.02)
