"""How often one client may ask, and who a client is."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network

import pytest

from liontrack_stream.views import rate_limit
from liontrack_stream.views.rate_limit import RateLimit, address_of
from tests.views.conftest import Serve
from tests.views.tokens import signed

LIONS = "/api/analytics/lions"
PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


class Clock:
    """Stands still until it is told."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    limit = RateLimit(10.0, 5, clock)
    assert [limit.wait_s("a") for _ in range(5)] == [0.0] * 5
    assert limit.wait_s("a") == pytest.approx(0.1)
    assert limit.wait_s("a") == pytest.approx(0.1)  # what is refused does not count
    assert limit.wait_s("b") == 0.0
    clock.now += 0.1
    assert (limit.wait_s("a"), limit.wait_s("a") > 0) == (0.0, True)
    clock.now += 3_600
    assert [limit.wait_s("a") for _ in range(6)].count(0.0) == 5  # a pause earns no more than a burst


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "CLIENTS_MAX", 3)
    limit = RateLimit(1.0, 1, Clock())
    for number in range(100):
        assert limit.wait_s(str(number)) == 0.0
    assert len(limit._spread_to) == 3
    assert limit.wait_s("99") > 0


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("198.51.100.7",), "192.0.2.1"),  # no proxy of ours: anybody can send this header
        ("10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        ("10.0.0.1", ("203.0.113.9, 198.51.100.7, 10.9.9.9",), "198.51.100.7"),
        ("10.0.0.1", ("203.0.113.9", "198.51.100.7"), "198.51.100.7"),
        ("10.0.0.1", ("nonsense",), "10.0.0.1"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("::ffff:192.0.2.1", (), "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", (), "2001:db8:1:2::/64"),
        ("::1", ("2001:db8:1:2::9",), "2001:db8:1:2::/64"),
        ("", (), ""),
    ],
)
def test_the_nearest_address_that_is_no_proxy(remote: str, forwarded: tuple[str, ...], client: str) -> None:
    assert address_of(remote, forwarded, PROXIES) == client


async def test_who_asks_too_often_is_refused(serve: Serve) -> None:
    client = await serve(api_rate_per_s=0.5, api_burst=2)
    assert [(await client.get(LIONS)).status for _ in range(2)] == [200, 200]
    refused = await client.get(LIONS)
    assert (refused.status, set(await refused.json())) == (429, {"error", "detail"})
    assert 1 <= int(refused.headers["Retry-After"]) <= 2
    assert refused.headers["Cache-Control"] == "no-store"
    # A user with a token is another client than its address; one with a bad token is its address.
    assert (await client.get(LIONS, headers=signed(id="u1"))).status == 200
    assert (await client.get(LIONS, headers=signed(id="u2"))).status == 200
    assert (await client.get(LIONS, headers=signed(id="u3", secret="x" * 40))).status == 429
    # A header that says so is not believed.
    assert (await client.get(LIONS, headers={"X-Forwarded-For": "203.0.113.1"})).status == 429
    for path in ("/health", "/ready", "/metrics"):
        assert [(await client.get(path)).status for _ in range(3)] == [200] * 3


async def test_behind_a_proxy_each_address_counts(serve: Serve) -> None:
    client = await serve(api_rate_per_s=0.5, api_burst=1, trusted_proxies=(ip_network("127.0.0.0/8"),))
    statuses = [
        (await client.get(LIONS, headers={"X-Forwarded-For": f"203.0.113.{n}"})).status for n in (1, 2, 2, 1, 3)
    ]
    assert statuses == [200, 200, 429, 429, 200]


async def test_only_so_many_are_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "SLOWED_MAX", 2)
    monkeypatch.setattr(rate_limit, "SLOW_S", 3_600.0)
    limit = RateLimit(1.0, 1)
    waiting = [asyncio.create_task(limit.refuse(1.0)) for _ in range(2)]
    await asyncio.sleep(0)
    response = await limit.refuse(1.0)
    assert (response.status, response.keep_alive) == (429, False)
    assert not any(task.done() for task in waiting)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert limit._slowed == 0
