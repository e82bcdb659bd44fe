"""Who sees which positions: roles, tokens, the delay, the demo."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liontrack_stream.views.positions import asked_on_loopback, is_loopback, on_grid, reduced_access
from tests.views import tokens
from tests.views.conftest import NOW, Client, Serve

LIONS = "/api/analytics/lions"
NALA = f"{LIONS}/nala"
HISTORY = f"{NALA}/position-history"
LIVE = f"{NALA}/live"
POSITION_ROUTES = (LIONS, NALA, HISTORY, LIVE)

FIX = {"time": "2026-03-09T11:00:00.000Z", "lat": -24.456789, "lng": 23.654321}
OLD_WINDOW: dict[str, Any] = {
    "window_start": "2026-03-09T11:00:00.000Z",
    "fixes": 1,
    "mean_lat": FIX["lat"],
    "mean_lng": FIX["lng"],
    "first": FIX,
    "last": FIX,
    "min_lat": FIX["lat"],
    "max_lat": FIX["lat"],
    "min_lng": FIX["lng"],
    "max_lng": FIX["lng"],
}
NEW_WINDOW = {**OLD_WINDOW, "window_start": "2026-03-10T11:30:00.000Z"}


def numbers(value: Any) -> Iterator[float]:
    """Every number in a body."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, (int, float)):
        yield value


@pytest.mark.parametrize(
    "headers", [tokens.RANGER, tokens.ADMIN, tokens.EXPIRING_RANGER], ids=["ranger", "admin", "exp"]
)
async def test_rangers_and_admins_see_exact_positions(serve: Serve, headers: dict[str, str]) -> None:
    client = await serve(live={"nala": NEW_WINDOW})
    for route, exact in ((LIONS, -24.123456), (NALA, -24.123456), (HISTORY, -24.123456), (LIVE, -24.456789)):
        response = await client.get(route, headers=headers)
        assert response.headers["X-Position-Precision"] == "exact"
        assert exact in numbers(await response.json())


@pytest.mark.parametrize("headers", [{}, tokens.VISITOR, tokens.signed()], ids=["no token", "user", "no role"])
async def test_everyone_else_sees_a_grid_and_a_day_late(serve: Serve, headers: dict[str, str]) -> None:
    client = await serve(live={"nala": OLD_WINDOW})
    for route in POSITION_ROUTES:
        response = await client.get(route, headers=headers)
        assert response.status == 200
        assert response.headers["X-Position-Precision"] == (
            "generalised; grid_deg=0.1; delay_h=24; as_of=2026-03-09T12:00:00Z"
        )
        found = set(numbers(await response.json()))
        assert {-24.5, 23.7} <= found  # the fix of 25 hours ago
        assert not found & {-24.123456, -24.1, 23.987654, -24.456789, 23.654321}


async def test_the_list_tells_no_later_time_than_its_position(client: Client) -> None:
    lions = (await (await client.get(LIONS)).json())["lions"]
    (nala,) = [lion for lion in lions if lion["lion_id"] == "nala"]
    assert nala["updated_at"] == "2026-03-09T11:00:00Z"
    assert nala["current_weight"] == 182  # what is no position is not delayed


@pytest.mark.parametrize("as_of", ["2026-03-10T12:00:00Z", "2026-03-12", "2999-01-01", "2026-03-09T23:00:00Z"])
async def test_as_of_never_shortens_the_delay(client: Client, as_of: str) -> None:
    for route in (LIONS, NALA, f"{HISTORY}?hours=87840"):
        response = await client.get(route, params={"as_of": as_of} if "?" not in route else None)
        assert response.headers["X-Position-Precision"].endswith("as_of=2026-03-09T12:00:00Z")
        assert not set(numbers(await response.json())) & {-24.1, -24.123456}
    response = await client.get(f"{HISTORY}?hours=24&before=2999-01-01&as_of={as_of}")
    assert [fix["position_date"] for fix in (await response.json())["positions"]] == ["2026-03-09T11:00:00Z"]


async def test_as_of_goes_further_back(client: Client) -> None:
    response = await client.get(f"{HISTORY}?as_of=2026-03-08T12:00:00Z")
    body = await response.json()
    assert body["positions"] == [
        {"lion_id": "nala", "position_date": "2026-03-08T10:00:00.250000Z", "lat": -24.8, "lng": 23.3, "accuracy": None}
    ]


@pytest.mark.parametrize("kind", tokens.REFUSED)
async def test_tokens_that_are_not_valid_are_refused_not_ignored(serve: Serve, kind: str) -> None:
    client = await serve(live={"nala": OLD_WINDOW}, liontrack_demo=True)
    for route in POSITION_ROUTES:
        response = await client.get(route, headers=tokens.REFUSED[kind])
        assert response.status == 401, kind
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert set(await response.json()) == {"error", "detail"}


async def test_two_tokens_are_refused(client: Client) -> None:
    headers = [("Authorization", tokens.VISITOR["Authorization"]), ("Authorization", tokens.RANGER["Authorization"])]
    assert (await client.get(NALA, headers=headers)).status == 401


@pytest.mark.filterwarnings("ignore:The HMAC key is")
@pytest.mark.parametrize("secret", [None, "", "secret"])
async def test_without_a_secret_worth_the_name_no_token_is_valid(serve: Serve, secret: str | None) -> None:
    from pydantic import SecretStr

    client = await serve(jwt_secret=SecretStr(secret) if secret is not None else None)
    assert (await client.get(NALA)).status == 200
    headers = tokens.signed(("ranger",), secret=secret) if secret else tokens.RANGER
    assert (await client.get(NALA, headers=headers)).status == 401


async def test_a_live_window_younger_than_the_delay_stays_closed(serve: Serve) -> None:
    client = await serve(live={"nala": NEW_WINDOW})
    response = await client.get(LIVE)
    assert response.status == 401
    assert "2026-03-11T11:35:00Z" in (await response.json())["detail"]
    response = await client.get(LIVE, headers=tokens.VISITOR)
    assert response.status == 403
    assert not list(numbers(await response.json()))


async def test_live_window_and_where_else_it_may_be(serve: Serve) -> None:
    client = await serve(live={"nala": OLD_WINDOW})
    body = await (await client.get(LIVE, headers=tokens.RANGER)).json()
    assert body == {"lion_id": "nala", "window": OLD_WINDOW}
    response = await client.get(f"{LIONS}/other/live", headers=tokens.RANGER)
    assert response.status == 404
    assert "by worker other" in (await response.json())["detail"]


async def test_grid_and_delay_are_settings(serve: Serve) -> None:
    client = await serve(position_grid_deg=0.25, position_delay_h=0.0)
    response = await client.get(HISTORY)
    (fix,) = (await response.json())["positions"]
    assert (fix["lat"], fix["lng"]) == (-24.0, 24.0)


async def test_demo_opens_on_loopback_and_says_so(serve: Serve) -> None:
    client = await serve(liontrack_demo=True, live={"nala": NEW_WINDOW})
    for route in POSITION_ROUTES:
        response = await client.get(route)
        assert response.status == 200
        assert response.headers["X-Position-Precision"].startswith("exact; demo")


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "", "192.168.1.5", "example.org"])
async def test_demo_stays_closed_on_other_addresses(serve: Serve, bind: str) -> None:
    client = await serve(liontrack_demo=True, bind=bind)
    assert (await client.get(NALA)).headers["X-Position-Precision"].startswith("generalised")


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"X-Forwarded-For": "1.2.3.4"}, {"Forwarded": "for=1.2.3.4"}]
)
async def test_demo_stays_closed_behind_a_proxy_or_a_foreign_name(serve: Serve, headers: dict[str, str]) -> None:
    client = await serve(liontrack_demo=True)
    assert (await client.get(NALA, headers=headers)).headers["X-Position-Precision"].startswith("generalised")


def test_loopback_names() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.1.2.3:4001", "::1", "[::1]:4001", "localhost", "LOCALHOST:80"]))
    assert not any(
        map(is_loopback, ["", "0.0.0.0", "::", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"])
    )
    assert not asked_on_loopback("127.0.0.1", None, "localhost", {})
    assert not asked_on_loopback("127.0.0.1", "10.0.0.1", "localhost", {})


@given(st.floats(-90, 90), st.sampled_from([0.01, 0.1, 0.25, 0.3, 1.0, 7.0]))
def test_a_grid_point_is_near_and_says_no_more_than_the_grid(lat: float, grid_deg: float) -> None:
    point = on_grid(lat, grid_deg, 90.0)
    assert abs(point - lat) <= grid_deg / 2 + 1e-9
    assert abs(point) == 90.0 or abs(point / grid_deg - round(point / grid_deg)) < 1e-6
    assert on_grid(point, grid_deg, 90.0) == point


@given(st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)))
def test_a_reduced_view_is_never_younger_than_the_delay(as_of: datetime) -> None:
    access = reduced_access(as_of, NOW, 0.1, 24.0)
    assert access.as_of <= NOW - timedelta(hours=24)
    assert access.as_of <= as_of
