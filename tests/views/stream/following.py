"""Workers' web servers over one warehouse, a clock that is set, and a client that reads events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web

from liontrack_stream.settings import Settings
from liontrack_stream.views.database import Database
from liontrack_stream.views.http_server import server_options
from liontrack_stream.views.site import LiveAnswer, Site
from liontrack_stream.views.stream_hub import HUB, Hub
from liontrack_stream.views.web import attach
from tests.support.oracle import Consumed
from tests.support.records import activity, fix, weight
from tests.support.replaying import Replay
from tests.support.strategies import Step

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
PATH = "/api/analytics/stream"
PATIENCE_S = 30.0
HERE = (-24.123456, 23.987654)


@dataclass
class Clock:
    """The wall clock of all servers."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Served:
    """One worker's web server."""

    url: str
    web_app: web.Application
    runner: web.AppRunner

    @property
    def hub(self) -> Hub:
        return self.web_app[HUB]


@asynccontextmanager
async def serving(settings: Settings, clock: Clock) -> AsyncIterator[Served]:
    """A server, as a worker has one."""

    async def look_up(_: str) -> LiveAnswer:
        return LiveAnswer(None, "")

    site = Site(settings, Database(settings), bind=lambda: "127.0.0.1", live=look_up, now=clock)
    web_app = web.Application()
    attach(web_app, site)
    web_app[HUB].poll_s = 0.02
    runner = web.AppRunner(web_app, **server_options())
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    try:
        yield Served(f"http://127.0.0.1:{runner.addresses[0][1]}", web_app, runner)
    finally:
        await runner.cleanup()


@dataclass(frozen=True)
class Told:
    """One event as a client got it."""

    event: str
    data: dict[str, Any]
    id: str | None


@dataclass
class Follower:
    """A client of one stream: reads events, remembers the last id."""

    response: aiohttp.ClientResponse
    last_id: str = ""
    comments: list[str] = field(default_factory=list)

    async def next(self, *names: str) -> Told:
        """The next event, of these names where some are given; ends the test when none comes."""
        while True:
            told = await asyncio.wait_for(self._event(), PATIENCE_S)
            assert told is not None, "the stream ended"
            if not names or told.event in names:
                return told

    async def rest(self) -> list[Told]:
        """All events until the stream ends."""
        return [told async for told in self]

    async def __aiter__(self) -> AsyncIterator[Told]:
        while (told := await asyncio.wait_for(self._event(), PATIENCE_S)) is not None:
            yield told

    async def _event(self) -> Told | None:
        name, data, told_id = "message", "", None
        async for line in self.response.content:
            text = line.decode().rstrip("\n")
            field_name, _, value = text.partition(": ")
            if text.startswith(":"):
                self.comments.append(text)
            elif field_name == "event":
                name = value
            elif field_name == "data":
                data += value
            elif field_name == "id":
                told_id = self.last_id = value
            elif not text and data:
                return Told(name, json.loads(data), told_id)
        return None


@asynccontextmanager
async def following(
    server: Served, headers: dict[str, str] | None = None, last_id: str = "", hello: bool = True, **query: Any
) -> AsyncIterator[Follower]:
    """A client that has got its hello."""
    sent = {**(headers or {}), **({"Last-Event-ID": last_id} if last_id else {})}
    async with (
        aiohttp.ClientSession(read_bufsize=2**22, timeout=aiohttp.ClientTimeout()) as session,
        session.get(f"{server.url}{PATH}", headers=sent, params=query) as response,
    ):
        assert response.status == 200, await response.text()
        follower = Follower(response, last_id)
        if hello:
            assert (await follower.next()).event == "hello"
        yield follower


class Source:
    """Writes records to a warehouse as a worker's sink does, with offsets of its own."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._next: dict[tuple[str, int], int] = {}

    def at(self, topic: str, partition: int = 0) -> dict[str, Any]:
        """The place of the next record of a partition, appended just now."""
        offset = self._next.get((topic, partition), 0)
        self._next[topic, partition] = offset + 1
        return {"partition": partition, "offset": offset, "timestamp": int(NOW.timestamp() * 1000) + offset}

    def fix(self, lion: str, time: datetime, lat: float = HERE[0], lng: float = HERE[1], **more: Any) -> Consumed:
        """A position event."""
        where = self.at("lions.position.events", more.pop("partition", 0))
        return fix(lion, time.isoformat().removesuffix("+00:00"), lat, lng, where, **more)

    def weight(self, weight_id: str, lion: str, day: str, value: float, **more: Any) -> Consumed:
        return weight(weight_id, lion, day, value, self.at("lions.weight.events"), **more)

    def activity(self, user: str, time: datetime, **more: Any) -> Consumed:
        where = self.at("users.activity.events")
        return activity(user, time.isoformat().removesuffix("+00:00"), where=where, **more)

    def tombstone(self, lion: str, partition: int = 0) -> Consumed:
        """A record by which the source deletes a lion."""
        topic = "lions.position.events"
        return Consumed(topic, key=lion.encode(), value=None, **self.at(topic, partition))

    async def store(self, *records: Consumed) -> None:
        """Store records of one partition in one transaction."""
        await self._replay.deliver([Step(records[0].topic, records[0].partition, records)])


def ago(**parts: float) -> datetime:
    """A time before `NOW`."""
    return NOW - timedelta(**parts)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait, not for ever."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
