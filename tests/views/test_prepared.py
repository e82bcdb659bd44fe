"""Prepared answers: how old they may be, who shares one, and who never does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
import pytest
from aiohttp import web

from liontrack_stream.settings import Settings
from liontrack_stream.views import prepared as prepared_answers
from liontrack_stream.views.prepared import FRESH_S, KEPT_MAX, OLD_S, PreparedAnswers
from tests.views.conftest import NOW, Client, Serve
from tests.views.tokens import RANGER, VISITOR

LIONS = "/api/analytics/lions"
PRECISION = "X-Position-Precision"


class Reading:
    """Counts how often an answer is read; each time it says another number, or fails."""

    def __init__(self) -> None:
        self.times = 0
        self.error: Exception | None = None
        self.let_end = asyncio.Event()
        self.let_end.set()

    async def __call__(self) -> web.Response:
        self.times += 1
        number = self.times
        await self.let_end.wait()
        if self.error is not None:
            raise self.error
        return web.json_response(number, headers={"X-Number": str(number)})


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def number(answers: PreparedAnswers, make: Callable[[], Awaitable[web.Response]], key: str = "key") -> int:
    response = await answers.get(key, make)
    assert isinstance(response.body, bytes)
    assert response.headers["X-Number"] == response.body.decode()
    return int(response.body)


async def test_ages() -> None:
    clock, read = Clock(), Reading()
    answers = PreparedAnswers(clock)
    assert await number(answers, read) == 1
    clock.now += FRESH_S
    assert await number(answers, read) == 1
    await asyncio.sleep(0)
    assert read.times == 1
    clock.now += OLD_S - FRESH_S
    assert await number(answers, read) == 1  # given at once, and read anew beside it
    await asyncio.sleep(0.01)
    assert read.times == 2
    assert await number(answers, read) == 2
    clock.now += OLD_S + 0.001
    assert await number(answers, read) == 3  # too old: waited for


async def test_an_answer_is_as_old_as_its_reading_began() -> None:
    clock, read = Clock(), Reading()
    answers = PreparedAnswers(clock)
    read.let_end.clear()
    first = asyncio.create_task(number(answers, read))
    await asyncio.sleep(0)
    clock.now += OLD_S + 0.001
    read.let_end.set()
    assert await first == 1
    assert await number(answers, read) == 2


async def test_one_reading_for_all_who_wait_also_when_the_first_goes_away() -> None:
    read = Reading()
    answers = PreparedAnswers(Clock())
    read.let_end.clear()
    waiting = [asyncio.create_task(number(answers, read)) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    read.let_end.set()
    assert await asyncio.gather(*waiting[1:]) == [1] * 4
    assert read.times == 1


async def test_an_error_is_told_and_not_kept() -> None:
    clock, read = Clock(), Reading()
    answers = PreparedAnswers(clock)
    read.error = ConnectionError("away")
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await number(answers, read)
    read.error = None
    assert await number(answers, read) == 3
    read.error = ConnectionError("away")
    clock.now += OLD_S
    assert await number(answers, read) == 3  # still young enough
    await asyncio.sleep(0.01)
    clock.now += 0.001
    with pytest.raises(ConnectionError):
        await number(answers, read)


async def test_keys_share_nothing_and_the_least_asked_for_goes() -> None:
    read = Reading()
    answers = PreparedAnswers(Clock())
    assert [await number(answers, read, str(n)) for n in range(KEPT_MAX + 1)] == list(range(1, KEPT_MAX + 2))
    assert await number(answers, read, str(KEPT_MAX)) == KEPT_MAX + 1
    assert await number(answers, read, "0") == KEPT_MAX + 2


async def test_reduced_viewers_never_get_what_a_ranger_was_given(client: Client) -> None:
    for _ in range(2):
        exact = await client.get(LIONS, headers=RANGER)
        for headers in ({}, VISITOR):
            reduced = await client.get(LIONS, headers=headers)
            assert reduced.headers[PRECISION].startswith("generalised")
            positions = [lion["position_lat"] for lion in (await reduced.json())["lions"]]
            assert all(lat is None or abs(lat * 10 - round(lat * 10)) < 1e-9 for lat in positions)
        assert exact.headers[PRECISION] == "exact"
        assert -24.123456 in [lion["position_lat"] for lion in (await exact.json())["lions"]]


@pytest.mark.parametrize("order", [(RANGER, {}, RANGER, {}), ({}, RANGER, {}, RANGER)])
async def test_whoever_asks_first_an_answer_goes_to_its_kind_only(
    client: Client, monkeypatch: pytest.MonkeyPatch, order: tuple[dict[str, str], ...]
) -> None:
    monkeypatch.setattr(prepared_answers, "FRESH_S", 600.0)
    responses = [await client.get(LIONS, headers=headers) for headers in order]
    for headers, response in zip(order, responses, strict=True):
        assert response.headers[PRECISION].startswith("exact" if headers else "generalised")
    tags = [response.headers["ETag"] for response in responses]
    assert tags[:2] == tags[2:]
    assert tags[0] != tags[1]


async def test_nobody_puts_a_link_elsewhere_into_the_answers_of_others(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared_answers, "FRESH_S", 600.0)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    target = f"http://elsewhere.example{LIONS}?limit=1"
    writer.write(f"GET {target} HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert b" 200 " in answer.partition(b"\r\n")[0]
    assert b"<http" not in answer
    response = await client.get(LIONS + "?limit=1")
    assert response.headers["Link"].startswith(f"<{LIONS}?limit=1&after=")


async def test_parameters_and_the_time_asked_for_are_part_of_the_key(client: Client) -> None:
    bodies = [
        await (await client.get(LIONS, params=params, headers=RANGER)).json()
        for params in ({}, {"as_of": "2026-03-09T21:00:00Z"}, {"limit": "1"}, {"limit": "1", "after": "inferred"})
    ]
    assert [body["count"] for body in bodies] == [3, 3, 1, 1]
    assert bodies[0]["lions"] != bodies[1]["lions"]
    assert bodies[2]["lions"] != bodies[3]["lions"]


async def test_what_another_writer_commits_is_shown_when_the_answer_has_grown_old(
    serve: Serve, settings: Settings
) -> None:
    client = await serve(pg_database=settings.pg_database)
    clock = Clock()
    prepared(client)._clock = clock
    assert (await (await client.get(LIONS)).json())["count"] == 0
    dsn = {**settings.pg_dsn, "dbname": settings.pg_database}
    del dsn["database"]
    with psycopg.connect(**dsn) as connection:
        connection.execute("INSERT INTO silver.lions (lion_id) VALUES ('new')")
    assert (await (await client.get(LIONS)).json())["count"] == 0
    clock.now += OLD_S + 0.001
    response = await client.get(LIONS)
    body = await response.json()
    assert (body["count"], body["timestamp"]) == (1, NOW.isoformat().replace("+00:00", "Z"))
    again = await client.get(LIONS, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status == 304


def prepared(client: Client) -> PreparedAnswers:
    """The prepared answers of a served site."""
    from liontrack_stream.views.site import SITE

    return client.app[SITE].prepared
