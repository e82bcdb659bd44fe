"""Rows of gold that had been told and change: to whom, and how much of them. Think like a poacher."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liontrack_stream.warehouse.queries import query
from tests.support.replaying import Replay
from tests.views.stream.following import HERE, NOW, Clock, Follower, Served, Source, Told, ago, eventually, following
from tests.views.tokens import ADMIN, RANGER, signed

LAST = "last"  # a lion whose fix comes after all that a test asks for
OWNER = signed(("user",), id="u2")


async def until_last(follower: Follower, count: int = 1) -> list[Told]:
    """What is told up to the fix, or so many, of the lion `LAST`, which are of age at once."""
    found = []
    while count:
        told = await follower.next()
        if told.data.get("lion_id") == LAST:
            count -= 1
        else:
            found.append(told)
    return found


async def store_last(server: Served, source: Source) -> None:
    """Store the last fix, once the server has told all before: in a step of its own."""
    polls = server.hub.polls
    await eventually(lambda: server.hub.polls >= polls + 2)
    await source.store(source.fix(LAST, ago(days=2) + timedelta(minutes=polls)))


async def revise(source: Source, first: timedelta) -> None:
    """A lion's two fixes of one window and one of the next, then one more of the first window: late."""
    start = NOW - first
    await source.store(
        source.fix("nala", start, HERE[0], HERE[1]), source.fix("nala", start + timedelta(minutes=6), *HERE)
    )
    await source.store(source.fix("nala", start + timedelta(minutes=2), HERE[0] + 0.002, HERE[1] + 0.002))


async def test_a_ranger_learns_all_of_a_revised_window(server: Served, source: Source) -> None:
    async with following(server, RANGER) as follower:
        await revise(source, timedelta(hours=3))
        told = await follower.next("revision")
    assert told.data["table_name"] == "gold.lion_windows"
    assert told.data["entity_id"] == "nala"
    assert told.data["period_start"] == "2026-03-10T09:00:00Z"
    assert (told.data["from"]["fixes"], told.data["to"]["fixes"]) == (1, 2)
    assert (told.data["from"]["max_lat"], told.data["to"]["max_lat"]) == (HERE[0], HERE[0] + 0.002)


async def test_a_delayed_viewer_learns_of_periods_that_are_over_and_no_exact_place(
    server: Served, source: Source
) -> None:
    async with following(server) as follower:
        await revise(source, timedelta(hours=3))  # younger than the delay
        await revise(source, timedelta(days=3))
        await store_last(server, source)
        told = await until_last(follower)
    revisions = [t for t in told if t.event == "revision"]
    assert {(t.data["table_name"], t.data["period_start"][:10]) for t in revisions} >= {
        ("gold.lion_windows", "2026-03-07")
    }
    for t in revisions:
        assert t.data["period_start"] < "2026-03-09T11:55:00Z"
        for side in (t.data["from"], t.data["to"]):
            assert not (side or {}).keys() & {"min_lat", "max_lat", "min_lng", "max_lng", "first_lat", "last_lng"}
            assert not (side or {}).keys() & {"distance_m", "max_speed_kmh", "last_fix_time", "stationary"}
            assert not any(value in (side or {}).values() for value in (*HERE, HERE[0] + 0.001, HERE[0] + 0.002))
    changed = [t.data for t in revisions if t.data["table_name"] == "gold.lion_windows" and t.data["from"] is not None]
    assert [(row["from"], row["to"]) for row in changed] == [({"fixes": 1}, {"fixes": 2})]  # on the grid the mean stays


async def test_a_day_that_is_not_over_by_the_delay_is_not_told(server: Served, source: Source, clock: Clock) -> None:
    async with following(server) as follower, following(server, RANGER) as ranger:
        await source.store(
            source.weight("w1", "nala", "2026-03-09", 180.0), source.weight("w2", "nala", "2026-03-10", 181.0)
        )
        await source.store(source.weight("w3", "nala", "2026-03-09", 190.0))
        await store_last(server, source)
        days = {t.data["period_start"][:10] for t in await until_last(ranger)}
        assert "2026-03-09" in days
        assert await until_last(follower) == []
        clock.now += timedelta(hours=13)
        await source.store(source.weight("w4", "nala", "2026-03-09", 200.0))
        told = await follower.next("revision")
        assert (told.data["table_name"], told.data["period_start"][:10]) == ("gold.lions_metrics", "2026-03-09")
        assert told.data["to"]["max_weight"] == 200.0


@pytest.mark.parametrize(
    ("headers", "sees"),
    [({}, False), (signed(("user",), id="u1"), False), (RANGER, False), (OWNER, True), (ADMIN, True)],
    ids=["nobody", "other", "ranger", "the user", "admin"],
)
async def test_users_rows_are_told_to_the_user_and_admins(
    server: Served, source: Source, headers: dict[str, str], sees: bool
) -> None:
    async with following(server, headers) as follower:
        first_id = follower.last_id
        await source.store(source.activity("u2", ago(hours=9)), source.activity("u2", ago(hours=5)))
        await source.store(source.activity("u2", ago(hours=8)))
        await store_last(server, source)
        told = await until_last(follower)
    assert ({t.data["entity_id"] for t in told} == {"u2"}) == sees
    assert bool(told) == sees
    async with following(server, headers, first_id) as follower:  # who comes back is told the same
        await store_last(server, source)
        assert [t.data for t in await until_last(follower, 2)] == [t.data for t in told]
    async with following(server, headers, lion_id=LAST) as follower:
        await source.store(source.activity("u2", ago(hours=7)))
        await store_last(server, source)
        assert await until_last(follower) == []  # a lion was asked for


async def test_a_deletion_tells_what_is_gone(server: Served, source: Source) -> None:
    await source.store(source.fix("gone", ago(hours=3)), source.fix("gone", ago(hours=2)))
    async with following(server, RANGER) as follower:
        await source.store(source.tombstone("gone"))
        told = await follower.next("revision")
    assert (told.data["entity_id"], told.data["to"]) == ("gone", None)
    assert told.data["from"]["fixes"] == 1


async def test_each_revision_arrives_once_over_reconnects(server: Served, source: Source) -> None:
    await source.store(*(source.fix("nala", ago(hours=4) + timedelta(minutes=5 * n), *HERE) for n in range(20)))
    async with following(server, RANGER) as follower:
        last_id = follower.last_id
    await source.store(
        *(source.fix("nala", ago(hours=4) + timedelta(minutes=5 * n + 1), *HERE) for n in range(10)),
        source.fix(LAST, ago(days=2)),
    )
    await source.store(source.activity("u1", ago(hours=1)))
    starts, fixes = [], 0
    while len(starts) < 10:
        async with following(server, RANGER, last_id) as follower:
            told = await follower.next()
            last_id = follower.last_id
        fixes += told.event == "position"
        if told.data.get("table_name") == "gold.lion_windows":
            starts.append(told.data["period_start"])
    assert fixes == 11
    assert len(set(starts)) == 10


async def test_very_many_revisions_are_a_reset(server: Served, source: Source) -> None:
    server.hub.reader.revisions_max = 5
    await source.store(*(source.fix("gone", ago(hours=9) + timedelta(minutes=20 * n)) for n in range(20)))
    async with following(server, lion_id=LAST) as follower, following(server, RANGER) as ranger:
        await source.store(source.tombstone("gone"))
        for each in (follower, ranger):
            assert (await each.next()).event == "reset"
        await store_last(server, source)
        for each in (follower, ranger):
            assert (await each.next("position")).data["lion_id"] == LAST


async def test_the_index_leads_to_a_batchs_revisions(server: Served, source: Source, replay: Replay) -> None:
    await revise(source, timedelta(hours=3))
    await replay.reader.execute(
        """INSERT INTO metadata.revisions (table_name, entity_id, period_start, kind, changes, cause, topic, partition,
                                           offsets, record_count)
           SELECT 'gold.lion_windows', 'x', now(), 'changed', '{}', 'late', 'lions.position.events', n % 4,
                  ARRAY[1000 + n / 4], 1 FROM generate_series(0, 40000) n"""
    )
    await replay.reader.execute("ANALYZE metadata.revisions")
    plan = await replay.reader.fetch(
        f"EXPLAIN {query('views/stream_revisions')}",
        ["lions.position.events"] * 4,
        [0, 1, 2, 3],
        [9000] * 4,
        [9010] * 4,
        2001,
    )
    text = "\n".join(row[0] for row in plan)
    assert "revisions_cause" in text
    assert "Seq Scan" not in text
