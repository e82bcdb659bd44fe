"""New positions and revised rows as server-sent events: each once, over reconnects, to whom they may be shown."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from liontrack_stream.settings import Settings
from liontrack_stream.views import stream as stream_view
from liontrack_stream.views import stream_hub, stream_reader
from liontrack_stream.views.stream_hub import HUB
from liontrack_stream.views.stream_point import BadPoint, Point, moved, point_of
from tests.support.oracle import POSITIONS, Consumed
from tests.support.records import activity, fix
from tests.support.replaying import Replay
from tests.support.strategies import Step
from tests.views.conftest import Client, Serve
from tests.views.tokens import ADMIN, RANGER, SECRET, VISITOR, signed

STREAM = "/api/analytics/stream"
NOW = datetime(2025, 6, 15, 15, 10, tzinfo=UTC)  # a few minutes after records are appended
OLD, YOUNG = "2025-06-14T10:", "2025-06-15T11:"  # of age for delayed viewers, and not


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls and ages as often as it can."""
    monkeypatch.setattr(stream_hub, "POLL_S", 0.02)
    monkeypatch.setattr(stream_hub, "AGE_EVERY_S", 0.0)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait, not for ever."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Clock:
    """The site's time, which tests move."""

    now = NOW


@pytest.fixture
def clock() -> Clock:
    """A clock of this test's own."""
    return Clock()


@pytest.fixture
async def site(serve: Serve, settings: Settings, clock: Clock) -> Client:
    """A site over the warehouse that is delivered to."""
    kept = {"pg_database": settings.pg_database, "jwt_secret": SecretStr(SECRET)}
    return await serve(now=lambda: clock.now, **kept)


class Reader:
    """One client: what it was told, and the id of the last event."""

    def __init__(self, client: Client, headers: dict[str, str], **params: str) -> None:
        self.client, self.headers, self.params = client, headers, params
        self.events: list[tuple[str, Any]] = []
        self.last_id = ""
        self.ended = False
        self._task: asyncio.Task[None] | None = None
        self._hello = asyncio.Event()

    async def start(self) -> Reader:
        """Connect, from the last id on."""
        self._hello.clear()
        self._task = asyncio.create_task(self._read())
        async with asyncio.timeout(10):
            await self._hello.wait()
        return self

    async def stop(self) -> None:
        """Leave in the middle of whatever is sent."""
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _read(self) -> None:
        headers = {**self.headers, **({"Last-Event-ID": self.last_id} if self.last_id else {})}
        async with self.client.get(STREAM, headers=headers, params=self.params) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "text/event-stream"
            name, data, last_id = "", "", ""
            async for raw in response.content:
                line = raw.decode().rstrip("\n")
                field, _, value = line.partition(": ")
                if line:
                    name, data = (value, data) if field == "event" else (name, value if field == "data" else data)
                    last_id = value if field == "id" else last_id
                    continue
                self.last_id = last_id or self.last_id
                if data:
                    self.events.append((name, json.loads(data)))
                    self._hello.set()
                name, data = "", ""
        self.ended = True

    def named(self, name: str) -> list[Any]:
        """The data of all events of a name."""
        return [data for found, data in self.events if found == name]

    async def told(self, name: str, count: int) -> list[Any]:
        """The data of a name's events, once there are so many."""
        await eventually(lambda: len(self.named(name)) >= count)
        return self.named(name)


def store(replay: Replay, *records: Consumed) -> Any:
    """Deliver records as one batch."""
    return replay.deliver([Step(records[0].topic, records[0].partition, records)])


async def test_rangers_are_told_each_fix_exactly_when_it_is_stored(replay: Replay, site: Client) -> None:
    ranger = await Reader(site, RANGER).start()
    await store(replay, fix("nala", f"{YOUNG}00:00", -21.51234, 23.56789, accuracy=4.5))
    (told,) = await ranger.told("position", 1)
    assert told == {
        "lion_id": "nala",
        "position_date": "2025-06-15T11:00:00Z",
        "lat": -21.51234,
        "lng": 23.56789,
        "accuracy": 4.5,
        "fixes": 1,
    }
    assert ranger.events[0][0] == "hello"
    assert ranger.events[0][1]["positions"] == "exact"
    await ranger.stop()


async def test_flagged_fixes_and_repeats_are_not_told(replay: Replay, site: Client) -> None:
    ranger = await Reader(site, RANGER).start()
    await store(
        replay,
        fix("nala", f"{YOUNG}00:00", 0.0, 0.0),
        fix("nala", f"{YOUNG}05:00", visible=False),
        fix("nala", f"{YOUNG}10:00", -21.5),
        fix("nala", f"{YOUNG}10:00", -21.5),
        fix("nala", f"{YOUNG}20:00", -21.6),
    )
    assert [told["lat"] for told in await ranger.told("position", 2)] == [-21.5, -21.6]
    await asyncio.sleep(0.1)
    assert len(ranger.named("position")) == 2
    await ranger.stop()


@pytest.mark.parametrize("seed", range(3))
async def test_each_fix_once_over_reconnects(replay: Replay, site: Client, seed: int) -> None:
    chance = random.Random(seed)
    reader = await Reader(site, RANGER).start()
    connected, sent = True, []
    for minute in range(25):
        records = [fix(f"lion-{n}", f"{YOUNG}{minute:02d}:{n:02d}") for n in range(chance.randint(1, 4))]
        sent += [(json.loads(r.value)["lion_id"], json.loads(r.value)["timestamp"]) for r in records]
        await store(replay, *records)
        if chance.random() < 0.4:
            await asyncio.sleep(chance.random() * 0.1)
        if chance.random() < 0.5:
            connected = not connected
            await (reader.start() if connected else reader.stop())
    if not connected:
        await reader.start()
    told = [(data["lion_id"], data["position_date"]) for data in await reader.told("position", len(sent))]
    assert sorted(told) == sorted(sent)
    assert not reader.named("reset")
    await reader.stop()


async def test_delayed_viewers_are_told_when_a_fix_comes_of_age(replay: Replay, site: Client, clock: Clock) -> None:
    visitor = await Reader(site, VISITOR).start()
    assert visitor.events[0][1]["positions"] == "generalised"
    await store(replay, fix("nala", f"{OLD}00:00", -21.51234, 23.56789), fix("nala", f"{YOUNG}00:00", -21.61, 23.61))
    (told,) = await visitor.told("position", 1)
    assert (told["lat"], told["lng"], told["accuracy"]) == (-21.5, 23.6, None)
    await asyncio.sleep(0.2)
    assert len(visitor.named("position")) == 1
    clock.now = NOW + timedelta(hours=20)
    told = (await visitor.told("position", 2))[1]
    assert (told["position_date"], told["lat"]) == ("2025-06-15T11:00:00Z", -21.6)
    await asyncio.sleep(0.2)
    assert len(visitor.named("position")) == 2
    await visitor.stop()


async def test_delayed_viewers_are_told_once_over_reconnects(replay: Replay, site: Client, clock: Clock) -> None:
    visitor, sent = await Reader(site, {}).start(), 0
    for minute in range(0, 60, 3):
        hour = "2025-06-14T15:" if minute % 2 else "2025-06-14T16:"
        await store(replay, fix("nala", f"{hour}{minute:02d}:00"))
        sent += 1
        clock.now += timedelta(minutes=6)
        await visitor.stop()
        await asyncio.sleep(0.03 * (minute % 4))
        await visitor.start()
    clock.now += timedelta(hours=3)
    told = [data["position_date"] for data in await visitor.told("position", sent)]
    assert len(set(told)) == len(told) == sent
    await visitor.stop()


async def test_revisions_of_lions(replay: Replay, site: Client) -> None:
    await store(replay, fix("nala", f"{OLD}00:00", -21.5), fix("nala", "2025-06-14T11:00:00", -21.5))
    ranger, visitor = await Reader(site, RANGER).start(), await Reader(site, VISITOR).start()
    await store(replay, fix("nala", f"{OLD}01:00", -21.5001))
    told = {data["table_name"]: data for data in await ranger.told("revision", 2)}
    window = told["gold.lion_windows"]
    assert (window["entity_id"], window["period_start"]) == ("nala", "2025-06-14T10:00:00Z")
    assert (window["from"]["fixes"], window["to"]["fixes"]) == (1, 2)
    assert {"mean_lat", "last_lat"} & window["to"].keys()
    (seen,) = await visitor.told("revision", 1)  # the day is not over by the delay, the window is
    assert seen["table_name"] == "gold.lion_windows"
    assert seen["to"] == {"fixes": 2}
    for reader in (ranger, visitor):
        await reader.stop()


async def test_revisions_of_users_are_their_own(replay: Replay, site: Client) -> None:
    await store(replay, activity("u1", f"{OLD}00:00"), activity("u1", "2025-06-14T11:00:00"))
    own, admin = await Reader(site, signed(("user",), id="u1")).start(), await Reader(site, ADMIN).start()
    others = [await Reader(site, h).start() for h in ({}, signed(("user",), id="u2"), signed(("ranger",), id="u3"))]
    await store(replay, activity("u1", f"{OLD}01:00"), activity("u1", f"{OLD}02:00", "weight_logged"))
    for reader in (own, admin):
        assert {data["entity_id"] for data in await reader.told("revision", 1)} == {"u1"}
    await asyncio.sleep(0.2)
    assert [reader.named("revision") for reader in others] == [[], [], []]
    for reader in (own, admin, *others):
        await reader.stop()


async def test_one_lion_only(replay: Replay, site: Client) -> None:
    reader = await Reader(site, RANGER, lion_id="b").start()
    await store(replay, fix("a", f"{YOUNG}00:00"), fix("b", f"{YOUNG}00:00"), fix("c", f"{YOUNG}00:00"))
    assert [data["lion_id"] for data in await reader.told("position", 1)] == ["b"]
    await reader.stop()


async def test_a_backlog_is_told_by_each_lions_last_fix(
    replay: Replay, site: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_reader, "EACH_MAX", 5)
    ranger, visitor = await Reader(site, RANGER).start(), await Reader(site, VISITOR).start()
    await store(replay, *[fix("nala", f"{OLD}{minute:02d}:00", -21.5 + minute / 1e4) for minute in range(20)])
    (told,) = await ranger.told("position", 1)
    assert (told["fixes"], told["position_date"]) == (20, "2025-06-14T10:19:00Z")
    await visitor.told("reset", 1)
    assert not visitor.named("position")
    for reader in (ranger, visitor):
        await reader.stop()


async def test_who_was_away_too_long_is_told_to_read_anew(
    replay: Replay, site: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_reader, "RESUME_RECORDS_MAX", 3)
    await store(replay, fix("nala", f"{YOUNG}00:00"))
    reader = await Reader(site, RANGER).start()
    await store(replay, fix("nala", f"{YOUNG}01:00"))
    await reader.told("position", 1)
    await reader.stop()
    await store(replay, *[fix("nala", f"{YOUNG}{minute:02d}:00") for minute in range(2, 8)])
    await asyncio.sleep(0.3)  # the hub has got past them, if the server has not noticed yet that its client left
    await reader.start()
    await reader.told("reset", 1)
    await store(replay, fix("nala", f"{YOUNG}09:00"))
    assert [data["position_date"][14:16] for data in await reader.told("position", 2)] == ["01", "09"]
    await reader.stop()


async def test_nobody_listens_nobody_asks(site: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_view, "HEARTBEAT_S", 0.05)  # what shows that a client has left
    hub = site.server.app[HUB]  # type: ignore[attr-defined]
    reader = await Reader(site, RANGER).start()
    assert len(hub.listeners) == 1
    await reader.stop()
    await eventually(lambda: not hub.listeners and hub._task.done())


async def test_heartbeats_carry_the_place(site: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_view, "HEARTBEAT_S", 0.05)
    async with site.get(STREAM, headers=RANGER) as response:
        lines = [await response.content.readline() for _ in range(12)]
    assert sum(line.startswith(b"id: ") for line in lines) >= 3
    point_of(next(line for line in reversed(lines) if line.startswith(b"id: "))[4:].decode().strip())


async def test_a_client_that_does_not_read_is_let_go(
    replay: Replay, site: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_hub, "WAITING_BYTES_MAX", 200)
    hub = site.server.app[HUB]  # type: ignore[attr-defined]
    reader = await Reader(site, RANGER).start()
    await store(replay, *[fix("nala", f"{YOUNG}{minute:02d}:00") for minute in range(30)])
    await eventually(lambda: not hub.listeners)
    with contextlib.suppress(Exception):
        await reader.stop()


async def test_an_expired_token_ends_its_stream(site: Client, clock: Clock) -> None:
    far = datetime.now(UTC) + timedelta(hours=1)
    clock.now = far - timedelta(seconds=0.3)
    reader = await Reader(site, signed(("ranger",), exp=int(far.timestamp()))).start()
    clock.now = far + timedelta(seconds=1)
    await eventually(lambda: reader.ended)


async def test_a_server_that_stops_ends_its_streams(site: Client) -> None:
    reader = await Reader(site, RANGER).start()
    await asyncio.wait_for(site.server.app[HUB].close(), 2)  # type: ignore[attr-defined]
    await eventually(lambda: reader.ended)
    assert (await site.get(STREAM, headers=RANGER)).status == 503


@pytest.mark.parametrize("last_id", ["x", "A" * 20_000, "e30", "bnVsbA"])
async def test_a_foreign_id_is_400(site: Client, last_id: str) -> None:
    response = await site.get(STREAM, headers={**RANGER, "Last-Event-ID": last_id[:8_000]})
    assert response.status == 400


heads = st.dictionaries(st.tuples(st.just(POSITIONS), st.integers(0, 8)), st.integers(0, 2**40))
moments = st.datetimes(datetime(1970, 1, 2), datetime(2999, 1, 1), timezones=st.just(UTC))


@given(heads, moments, st.integers(0, 2**50))
def test_a_point_and_its_text(found: dict[tuple[str, int], int], until: datetime, revision_id: int) -> None:
    point = Point(found, until, revision_id)
    assert point_of(point.text()) == point
    assert moved(point, point) == {}


@given(st.text(max_size=80))
def test_texts_that_are_no_points(text: str) -> None:
    with contextlib.suppress(BadPoint):
        point_of(text)
