"""Every parameter of every route: what is senseless is 400, and names the parameter."""

from __future__ import annotations

import pytest

from liontrack_stream.views.parameters import Instant, Parameter, WholeNumber
from liontrack_stream.views.routes import Route
from liontrack_stream.views.web import ROUTES
from tests.views.conftest import Client, Serve
from tests.views.test_access_matrix import address, carried
from tests.views.tokens import ADMIN

SENSELESS = {
    WholeNumber: ("-1", "0x10", "abc", "1e3", "", "1.5", "nan", "٣", "99999999999999999999", "1000000000", "\x00"),
    Instant: ("yesterday", "2026-02-30", "", "1e400", "9999-12-31", "0001-01-01T00:00:00+14:00", "\x00", "infinity"),
}
CASES = [
    pytest.param(route, parameter, id=f"{route.path}?{parameter.name}")
    for route in ROUTES
    for parameter in route.parameters
    if isinstance(parameter, tuple(SENSELESS))
]
ONE_OF_EACH = [route for route in ROUTES if not route.any_query]


@pytest.fixture
async def client(serve: Serve) -> Client:
    return await serve(api_burst=100_000)


@pytest.mark.parametrize(("route", "parameter"), CASES)
async def test_senseless_values(client: Client, route: Route, parameter: Parameter[object]) -> None:
    path, query = address(route)
    texts = next(texts for kind, texts in SENSELESS.items() if isinstance(parameter, kind))
    for text in texts:
        response = await client.get(path, params={**query, parameter.name: text}, headers=ADMIN)
        body = await response.json()
        assert response.status == 400, (text, body)
        assert parameter.name in body["detail"]


@pytest.mark.parametrize("route", ONE_OF_EACH, ids=lambda route: route.path)
async def test_unknown_and_repeated_parameters(client: Client, route: Route) -> None:
    path, query = address(route)
    response = await client.request(route.method, path, params={**query, "foo": "1"}, headers=ADMIN, **carried(route))
    assert (response.status, "foo" in (await response.json())["detail"]) == (400, True)
    for parameter in route.parameters:
        response = await client.get(path, params=[(parameter.name, "1")] * 2, headers=ADMIN)
        assert response.status == 400


@pytest.mark.parametrize("as_of", ["1970-01-01", "2999-12-31"])
async def test_the_ends_of_time(client: Client, as_of: str) -> None:
    for route in ROUTES:
        if any(parameter.name == "as_of" for parameter in route.parameters):
            path, query = address(route)
            response = await client.get(path, params={**query, "as_of": as_of}, headers=ADMIN)
            assert response.status == 200, (path, await response.text())


async def test_unknown_users(client: Client) -> None:
    for user in ("nobody", "u3", "%00", "x" * 600):  # u3 is deleted
        for part in ("engagement", "activity-summary", "challenges-analytics"):
            response = await client.get(f"/api/analytics/users/{user}/{part}", headers=ADMIN)
            assert response.status == 404
            assert (await response.json())["error"] == "User not found"


async def test_a_user_without_data_has_nulls_and_zeros(client: Client) -> None:
    bodies = [
        await (await client.get(f"/api/analytics/users/u1/{part}", headers=ADMIN)).json()
        for part in ("engagement", "activity-summary", "challenges-analytics")
    ]
    assert bodies == [
        {"user_id": "u1", "current_score": None, "history": []},
        {
            "user_id": "u1",
            "period": "30_days",
            "summary": {
                "total_completed": 0,
                "total_in_progress": 0,
                "total_weight_entries": 0,
                "avg_engagement": None,
                "active_days": 0,
            },
            "timestamp": "2026-03-10T12:00:00Z",
        },
        {"user_id": "u1", "stats": {"total": 0, "completed": 0, "in_progress": 0, "abandoned": 0}, "challenges": []},
    ]
