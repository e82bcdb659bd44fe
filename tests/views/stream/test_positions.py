"""New fixes: each accepted one once, wherever and whenever a client reconnects; to delayed viewers when of age."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from liontrack_stream.views.stream_hub import Subscriber
from liontrack_stream.views.stream_reader import Audience
from tests.support.oracle import Consumed
from tests.support.replaying import Replay
from tests.views.stream.conftest import StartServer
from tests.views.stream.following import HERE, NOW, Clock, Served, Source, Told, ago, following
from tests.views.tokens import RANGER

DELAY = timedelta(hours=24)


async def test_new_fixes_arrive_as_they_are_stored(server: Served, source: Source) -> None:
    await source.store(source.fix("nala", ago(minutes=9)))
    async with following(server, RANGER) as follower:
        await source.store(source.fix("nala", ago(minutes=5), HERE[0], HERE[1], accuracy=4.5))
        told = await follower.next()
        assert told.event == "position"
        assert told.data == {
            "lion_id": "nala",
            "position_date": "2026-03-10T11:55:00Z",
            "lat": HERE[0],
            "lng": HERE[1],
            "accuracy": 4.5,
            "fixes": 1,
        }
        await source.store(
            source.fix("simba", ago(minutes=4), partition=1), source.fix("simba", ago(minutes=3), partition=1)
        )
        assert [(await follower.next()).data["position_date"][11:16] for _ in range(2)] == ["11:56", "11:57"]


async def test_what_is_not_accepted_is_not_told(server: Served, source: Source) -> None:
    async with following(server, RANGER) as follower:
        await source.store(
            source.fix("nala", ago(minutes=9)),
            source.fix("nala", ago(minutes=8), 0.0, 0.0),
            source.fix("nala", ago(minutes=7), visible=False),
            source.fix("nala", NOW + timedelta(hours=2)),
            source.fix("nala", ago(minutes=9)),  # a repeat
            source.fix("nala", ago(minutes=6), 99.0),  # no latitude
            source.fix("nala", ago(minutes=5)),
        )
        assert [(await follower.next()).data["position_date"][11:16] for _ in range(2)] == ["11:51", "11:55"]


async def test_a_deletion_between_takes_back_what_was_not_told_yet(server: Served, source: Source) -> None:
    async with following(server, RANGER) as follower:
        last_id = follower.last_id
    await source.store(source.fix("gone", ago(minutes=9)), source.fix("nala", ago(minutes=8)))
    await source.store(source.tombstone("gone"))
    async with following(server, RANGER, last_id) as follower:
        assert (await follower.next("position")).data["lion_id"] == "nala"


async def test_one_lion(server: Served, source: Source) -> None:
    async with following(server, RANGER, lion_id="nala") as follower:
        await source.store(source.fix("simba", ago(minutes=9)), source.fix("nala", ago(minutes=8)))
        told = await follower.next()
        assert told.data["lion_id"] == "nala"
    async with following(server, RANGER, follower.last_id, lion_id="nala") as follower:
        await source.store(source.fix("nala", ago(minutes=7)))
        assert (await follower.next()).data["position_date"] == "2026-03-10T11:53:00Z"


@pytest.mark.parametrize(
    "forged", ["0.0:0@99999999999>0.0+{n}@1~0.0.0.0", "0.0:0@99999999999>0.0+{n}@99999999998~0.0.0.0"]
)
async def test_a_forged_id_shows_no_young_fix(server: Served, source: Source, forged: str) -> None:
    await source.store(source.fix("nala", ago(hours=2)), source.fix("nala", ago(hours=1)))
    async with following(server, last_id=forged.format(n=2), seconds=2) as follower:
        assert [told.event for told in await follower.rest()] == ["reset"]


async def test_a_server_that_ends_begins_no_look(server: Served, source: Source) -> None:
    server.hub.end()
    await server.hub.join(Subscriber(Audience.EXACT, None, False, None), None)
    assert not server.hub.is_polling


async def test_what_comes_while_the_time_runs_out_is_taken() -> None:
    """Else a heartbeat would say, by its id, that its client has what still waits."""
    subscriber = Subscriber(Audience.EXACT, None, False, None)
    taking = asyncio.create_task(subscriber.take(0.0))
    asyncio.get_running_loop().call_soon(subscriber.offer, b"fix", 100)
    assert await taking == b"fix"


async def test_a_delayed_viewer_gets_fixes_on_the_grid_when_they_are_of_age(
    server: Served, source: Source, clock: Clock
) -> None:
    young = NOW - DELAY + timedelta(seconds=8)
    async with following(server) as follower, following(server, RANGER) as ranger:
        await source.store(
            source.fix("nala", ago(hours=1)),
            source.fix("nala", young, accuracy=3.0),
            source.fix("nala", NOW - DELAY - timedelta(hours=1), accuracy=3.0),
        )
        assert {(await ranger.next("position")).data["position_date"][8:13] for _ in range(3)} == {
            "10T11",
            "09T12",
            "09T11",
        }
        old = (await follower.next()).data
        assert old == {
            "lion_id": "nala",
            "position_date": "2026-03-09T11:00:00Z",
            "lat": -24.1,
            "lng": 24.0,
            "accuracy": None,
            "fixes": 1,
        }
        clock.now += timedelta(seconds=9)  # `until` moves in steps of 5 s: not of age yet
        await source.store(source.fix("simba", NOW - DELAY - timedelta(hours=1)))
        assert (await follower.next()).data["lion_id"] == "simba"
        clock.now += timedelta(seconds=1)
        aged = (await follower.next()).data
        assert (aged["position_date"], aged["lat"], aged["lng"]) == ("2026-03-09T12:00:08Z", -24.1, 24.0)


async def test_a_flood_is_the_latest_of_each_lion(server: Served, source: Source) -> None:
    server.hub.reader.conflated_from = 10
    async with following(server, RANGER) as follower:
        await source.store(
            *(source.fix("nala", ago(minutes=30) + timedelta(minutes=n)) for n in range(20)),
            *(source.fix("simba", ago(minutes=30) + timedelta(minutes=n)) for n in range(3)),
        )
        told = [await follower.next("position") for _ in range(2)]
    assert [(t.data["lion_id"], t.data["fixes"], t.data["position_date"][11:16]) for t in told] == [
        ("nala", 20, "11:49"),
        ("simba", 3, "11:32"),
    ]
    async with following(server, RANGER, told[0].id or "") as follower:
        assert (await follower.next("position")).data["lion_id"] == "simba"


async def test_what_is_too_far_back_is_a_reset_and_then_live(server: Served, source: Source) -> None:
    async with following(server, RANGER) as follower:
        last_id = follower.last_id
    server.hub.records_max = 5
    await source.store(*(source.fix("nala", ago(minutes=30) + timedelta(minutes=n)) for n in range(6)))
    async with following(server, RANGER, last_id) as follower:
        reset = await follower.next()
        assert reset.event == "reset"
        assert "More happened" in reset.data["reason"]
        await source.store(source.fix("nala", ago(minutes=5)))
        assert (await follower.next()).data["position_date"] == "2026-03-10T11:55:00Z"
        await source.store(*(source.fix("nala", ago(minutes=4) + timedelta(seconds=n)) for n in range(6)))
        assert (await follower.next()).event == "reset"  # a poll that finds so much


@pytest.mark.parametrize("last_id", ["nonsense", "0.0:99@1", "9" * 4000, "0.0:1,@1773057600", "0.0:0@99999999999"])
async def test_an_id_that_is_not_of_this_stream_is_a_reset(server: Served, source: Source, last_id: str) -> None:
    await source.store(source.fix("nala", ago(minutes=30)))
    async with following(server, RANGER, last_id) as follower:
        assert (await follower.next()).event == "reset"
        await source.store(source.fix("nala", ago(minutes=5)))
        assert (await follower.next()).event == "position"


async def test_an_import_of_years_is_a_reset(server: Served, source: Source) -> None:
    async with following(server, RANGER) as follower:
        await source.store(*(source.fix("nala", ago(days=n)) for n in range(100, 0, -1)))
        told = await follower.next()
        assert (told.event, "import" in told.data["reason"]) == ("reset", True)


async def test_a_stamp_of_long_ago_holds_up_nobody(server: Served, source: Source) -> None:
    async with following(server, RANGER) as follower:
        await source.store(source.fix("nala", ago(days=4000)), source.fix("simba", ago(minutes=5)))
        assert {(await follower.next("position")).data["lion_id"] for _ in range(2)} == {"nala", "simba"}


class _Random:
    """Batches of fixes of all kinds for two partitions, and a client that comes and goes."""

    def __init__(self, seed: int, source: Source, clock: Clock) -> None:
        self._random, self._source, self._clock = random.Random(seed), source, clock
        self._times: Counter[str] = Counter()
        self.greeted = asyncio.Event()  # what is stored before that is not news

    def batch(self, exact: bool) -> list[Consumed]:
        partition = self._random.randrange(2)
        return [
            self._record(f"lion-{partition}-{self._random.randrange(3)}", partition, exact)
            for _ in range(self._random.randint(1, 6))
        ]

    def _record(self, lion: str, partition: int, exact: bool) -> Consumed:
        self._times[lion] += self._random.randint(0, 2)  # sometimes the same again
        first = NOW - (timedelta(hours=2) if exact else DELAY + timedelta(seconds=60))
        time = first + timedelta(seconds=self._times[lion] - self._random.choice((0, 0, 0, 20)))
        kind = self._random.randrange(8)
        place = (0.0, 0.0) if kind == 0 else (99.0, 0.0) if kind == 1 else HERE
        return self._source.fix(lion, time, *place, partition=partition, **({"visible": False} if kind == 2 else {}))

    async def produce(self, exact: bool) -> None:
        for _ in range(40):
            await self._source.store(*self.batch(exact))
            await asyncio.sleep(self._random.random() * 0.05)
            self._clock.now += timedelta(seconds=self._random.choice((0, 1, 7)))

    async def follow(self, servers: list[Served], headers: dict[str, str], done: str) -> list[Told]:
        """All positions up to that of the lion ``done``, over connections that break off after some events."""
        found: list[Told] = []
        last_id = ""
        while True:
            server, most = self._random.choice(servers), self._random.randint(0, 12)
            async with following(server, headers, last_id) as follower:
                self.greeted.set()
                for _ in range(most):
                    told = await follower.next()
                    assert told.event in ("position", "revision"), told
                    if told.event == "position":
                        found.append(told)
                    if told.data.get("lion_id") == done:
                        return found
                last_id = follower.last_id


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("exact", [True, False], ids=["exact", "delayed"])
async def test_each_accepted_fix_arrives_once_over_reconnects(
    start: StartServer, source: Source, clock: Clock, replay: Replay, exact: bool, seed: int
) -> None:
    servers = [await start(), await start()]
    headers = RANGER if exact else {}
    case = _Random(seed, source, clock)
    await source.store(source.fix("before", ago(hours=30)))
    reading = asyncio.create_task(case.follow(servers, headers, "done"))
    async with asyncio.timeout(60):
        await case.greeted.wait()
        await case.produce(exact)
        # It comes last in its step, whatever else is in it: in the last partition, and it is not of age yet.
        await source.store(source.fix("done", clock.now - (DELAY - timedelta(minutes=1)), partition=1))
        clock.now += timedelta(minutes=2)
        told = await reading
    rows = await replay.reader.fetch("SELECT * FROM silver.positions WHERE flags = 0 AND lion_id <> 'before'")
    expected = {(row["lion_id"], row["event_time"]) for row in rows}
    assert len(expected) > 20
    got = Counter((t.data["lion_id"], _time(t.data)) for t in told)
    assert got == Counter(expected)
    assert {t.data["lat"] for t in told} == {HERE[0] if exact else -24.1}


def _time(data: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(data["position_date"])
