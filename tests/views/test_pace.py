"""Requests wait while a backlog is being stored, and only then."""

from __future__ import annotations

import pytest
from aiohttp import web

from liontrack_stream.settings import Settings
from liontrack_stream.views import pace as module
from liontrack_stream.views.database import Database
from liontrack_stream.views.pace import SHARE, WAIT_MAX_S, Pace
from tests.views.conftest import Serve


class Worker:
    """A pace with a clock, a CPU clock and a backlog that the test sets; sleeping moves the clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s, self.cpu_s, self.backlog = 100.0, 5.0, True
        self.pace = Pace(lambda: self.backlog, lambda: self.now_s, lambda: self.cpu_s)
        monkeypatch.setattr(module.asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.now_s += seconds

    async def waited(self) -> float:
        """Seconds that a request waits for its turn."""
        before_s = self.now_s
        await self.pace.turn()
        return self.now_s - before_s


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    return Worker(monkeypatch)


async def test_the_next_request_waits_until_the_work_before_is_a_share(worker: Worker) -> None:
    assert await worker.waited() == 0
    worker.cpu_s += 0.004
    worker.pace.asked_database(0.006)
    assert await worker.waited() == pytest.approx(0.01 / SHARE)
    worker.cpu_s += 0.01
    worker.now_s += 0.02  # while that one was answered
    assert await worker.waited() == pytest.approx(0.01 / SHARE - 0.02)


async def test_none_waits_without_a_backlog(worker: Worker) -> None:
    worker.backlog = False
    for _ in range(3):
        worker.pace.asked_database(1.0)
        assert await worker.waited() == 0


async def test_what_was_worked_long_ago_is_forgotten(worker: Worker) -> None:
    await worker.waited()
    worker.cpu_s += 10.0  # in an hour
    worker.now_s += 3_600.0
    assert await worker.waited() == 0


async def test_no_request_waits_for_ever(worker: Worker) -> None:
    await worker.waited()
    worker.pace.asked_database(1e6)
    assert await worker.waited() == pytest.approx(WAIT_MAX_S)
    assert await worker.waited() == 0


async def test_every_statement_counts(web_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[float] = []
    views = Database(web_settings)
    monkeypatch.setattr(views.pace, "asked_database", counted.append)
    await views.open()
    try:
        await views.rows("ping")
    finally:
        await views.close()
    assert len(counted) == 1 and counted[0] > 0


async def test_requests_take_turns_and_probes_do_not(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = 0

    async def turn(self: Pace) -> None:
        nonlocal turns
        turns += 1

    monkeypatch.setattr(Pace, "turn", turn)
    client = await serve()
    for path, taken in (("/health", 0), ("/ready", 0), ("/metrics", 0), ("/api/analytics/dashboard", 1)):
        turns = 0
        assert (await client.get(path)).status in (web.HTTPOk.status_code, web.HTTPServiceUnavailable.status_code)
        assert turns == taken, path
