"""How a stream begins, lives and ends: heartbeats, slow clients, caps, tokens, Postgres away, a server that stops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from liontrack_stream.views import stream as stream_view
from liontrack_stream.views.stream_hub import OF_ONE_CLIENT_MAX, Subscriber
from tests.support.oracle import Consumed
from tests.views.stream.conftest import StartServer
from tests.views.stream.following import NOW, PATH, Clock, Served, Source, ago, eventually, following
from tests.views.tokens import RANGER, signed


@contextmanager
def lazy(server: Served) -> Iterator[None]:
    """A client that asks, and takes nothing of the answer."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect((host, int(port)))
        token = RANGER["Authorization"]
        connection.sendall(f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n\r\n".encode())
        yield


async def small_buffers(server: Served, count: int) -> None:
    """Wait for so many to follow; then the system keeps little of what they do not take."""
    await eventually(lambda: len(server.hub._subscribers) == count)
    for subscriber in server.hub._subscribers:
        assert isinstance(subscriber.transport, asyncio.WriteTransport)
        subscriber.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)


def waits(subscriber: Subscriber) -> bool:
    """Whether its client does not take what was written, and the writer is held up."""
    transport = subscriber.transport
    assert isinstance(transport, asyncio.WriteTransport)
    return transport.get_write_buffer_size() > 100_000


def large(source: Source, n: int) -> list[Consumed]:
    """Some 70 kB of events."""
    return [source.fix(f"{m:0500}", ago(minutes=500) + timedelta(minutes=10 * n)) for m in range(100)]


async def test_what_a_stream_says_of_itself(server: Served) -> None:
    async with following(server, hello=False) as follower:
        headers = follower.response.headers
        hello = await follower.next()
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")
    assert "Content-Encoding" not in headers
    assert headers["X-Position-Precision"].startswith("generalised; grid_deg=0.1; delay_h=24;")
    assert (hello.event, hello.data) == ("hello", {"positions": "generalised", "as_of": "2026-03-09T12:00:00Z"})
    async with following(server, RANGER, hello=False) as follower:
        assert (await follower.next()).data == {"positions": "exact", "as_of": "2026-03-10T12:00:00Z"}
    async with aiohttp.ClientSession() as session, session.head(f"{server.url}{PATH}") as response:
        assert (response.status, await response.read()) == (200, b"")
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"


async def test_a_browser_is_told_when_to_come_back(server: Served) -> None:
    async with following(server, hello=False) as follower:
        assert (await follower.response.content.readline()).startswith(b"retry: ")


async def test_heartbeats_carry_the_id_of_whoever_has_all(
    server: Served, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_view, "HEARTBEAT_S", 0.05)
    async with following(server, RANGER, lion_id="nala") as follower:
        await source.store(*(source.fix("simba", ago(minutes=30) + timedelta(minutes=n)) for n in range(3)))
        while not follower.last_id.startswith("0.0:3@"):  # no event for this one, and yet it gets on
            line = await asyncio.wait_for(follower.response.content.readline(), 30)
            if line.startswith(b"id: "):
                follower.last_id = line[4:].decode().strip()
    server.hub.records_max = 2
    async with following(server, RANGER, follower.last_id, lion_id="nala") as follower:
        await source.store(source.fix("nala", ago(minutes=9)))
        assert (await follower.next()).event == "position"


async def test_it_looks_at_the_warehouse_while_somebody_follows(server: Served, source: Source) -> None:
    assert server.hub.polls == 0
    async with following(server, RANGER):
        await eventually(lambda: server.hub.polls > 3)
    await eventually(lambda: not server.hub.is_polling and not server.hub.following)
    polls = server.hub.polls
    await source.store(source.fix("nala", ago(minutes=9)))  # nobody is told
    async with following(server, RANGER) as follower:
        await source.store(source.fix("nala", ago(minutes=8)))
        assert (await follower.next()).data["position_date"] == "2026-03-10T11:52:00Z"
    assert server.hub.polls > polls


async def test_a_client_that_does_not_read_is_cut_off_and_goes_on_later(server: Served, source: Source) -> None:
    server.hub.queue_max_bytes = 100_000
    async with following(server, RANGER) as quick:
        with lazy(server):
            await small_buffers(server, 2)
            batches = 0
            while server.hub.following == 2:
                batches += 1
                batch = large(source, batches)
                await source.store(*batch)
                for _ in batch:
                    assert (await quick.next()).event == "position"
    assert batches > 1


async def test_caps(start: StartServer) -> None:
    server = await start(stream_clients_max=OF_ONE_CLIENT_MAX + 1)
    async with aiohttp.ClientSession() as session:

        async def ask(**headers: str) -> aiohttp.ClientResponse:
            return await session.get(f"{server.url}{PATH}", headers=headers)

        opened = [await ask(**RANGER) for _ in range(OF_ONE_CLIENT_MAX)]
        refused = await ask(**RANGER)
        assert (refused.status, (await refused.json())["error"]) == (429, "Too many streams")
        assert int(refused.headers["Retry-After"]) > 0
        opened.append(await ask(**signed((), id="u2")))
        assert {response.status for response in opened} == {200}
        refused = await ask(**signed((), id="u3"))
        assert refused.status == 503
        assert int(refused.headers["Retry-After"]) > 0
        for response in opened:
            response.close()
        await eventually(lambda: server.hub.following == 0)


async def test_a_stream_of_an_expired_token_ends(server: Served, clock: Clock, source: Source) -> None:
    far = int(NOW.timestamp()) + 10**8  # by the real clock, too
    clock.now = NOW.fromtimestamp(far - 60, NOW.tzinfo)
    async with following(server, signed(("ranger",), exp=far)) as follower:
        await source.store(source.fix("nala", ago(minutes=9)))
        assert (await follower.next()).event == "position"
        clock.now += timedelta(seconds=61)
        await source.store(source.fix("nala", ago(minutes=8)))
        assert len(await follower.rest()) <= 1


async def test_it_ends_after_the_seconds_that_are_asked_for(server: Served) -> None:
    async with following(server, RANGER, seconds=1) as follower:
        assert await follower.rest() == []
    async with aiohttp.ClientSession() as session:
        for query in ("seconds=0", "seconds=x", "seconds=1e9", "lion_id=", "since=1", "lion_id=a&lion_id=b"):
            async with session.get(f"{server.url}{PATH}?{query}") as response:
                assert response.status == 400, query


async def test_postgres_away_is_told_and_then_it_goes_on(
    server: Served, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = False
    read = server.hub.reader.offsets

    async def offsets() -> Any:
        if away:
            raise ConnectionRefusedError("away")
        return await read()

    monkeypatch.setattr(server.hub.reader, "offsets", offsets)
    async with following(server, RANGER) as follower:
        last_id, away = follower.last_id, True
        while not any("does not answer" in comment for comment in follower.comments):
            line = await asyncio.wait_for(follower.response.content.readline(), 30)
            follower.comments.append(line.decode())
        await source.store(source.fix("nala", ago(minutes=9)))
        async with following(server, RANGER, last_id, hello=False) as second:  # comes while it is away
            away = False
            assert (await follower.next()).data["lion_id"] == "nala"
            assert (await second.next()).event == "hello"
            assert (await second.next()).data["lion_id"] == "nala"


async def test_a_server_that_stops_ends_its_streams(server: Served, source: Source) -> None:
    """Also that of a client that takes nothing, which nobody waits for."""
    async with following(server, RANGER) as follower:
        with lazy(server):
            await small_buffers(server, 2)
            batches = 0
            while not any(waits(subscriber) for subscriber in server.hub._subscribers):
                batches += 1
                batch = large(source, batches)
                await source.store(*batch)
                for _ in batch:
                    await follower.next("position")
            async with asyncio.timeout(10):
                await server.runner.cleanup()
            await follower.rest()
            assert server.hub.following == 0
