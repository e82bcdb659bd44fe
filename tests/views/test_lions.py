"""The lions' routes: bodies of the contract, periods, pages, wrong parameters."""

from __future__ import annotations

import random
from urllib.parse import quote

import pytest

from tests.views.conftest import Client, Serve
from tests.views.tokens import RANGER

LIONS = "/api/analytics/lions"
NALA = f"{LIONS}/nala"
OMEGA = f"{LIONS}/{quote('Ω/1 ?', safe='')}"

PER_LION = (
    NALA,
    f"{NALA}/position-history",
    f"{NALA}/weight-trend",
)


async def test_list_has_every_lion_that_is_not_deleted_in_order(client: Client) -> None:
    response = await client.get(LIONS, headers=RANGER)
    assert response.status == 200
    assert response.content_type == "application/json"
    body = await response.json()
    assert list(body) == ["count", "lions", "timestamp"]
    assert body["timestamp"] == "2026-03-10T12:00:00Z"
    assert body["count"] == 3
    assert [lion["lion_id"] for lion in body["lions"]] == sorted(["inferred", "nala", "Ω/1 ?"])
    assert body["lions"][1] == {
        "lion_id": "nala",
        "name": "Nala",
        "status": "active",
        "data_quality_score": 0.75,
        "current_weight": 182,
        "health_score": 90,
        "tracking_frequency": 48,
        "position_lat": -24.123456,
        "position_lng": 23.987654,
        "updated_at": "2026-03-10T11:30:00Z",
    }


async def test_a_lion_known_from_a_weight_alone_has_nulls(client: Client) -> None:
    (lion, *_) = (await (await client.get(LIONS, headers=RANGER)).json())["lions"]
    assert lion["current_weight"] == 60.5
    assert [lion[k] for k in ("name", "health_score", "tracking_frequency", "position_lat", "updated_at")] == [None] * 5


async def test_list_as_of_an_earlier_time(client: Client) -> None:
    response = await client.get(LIONS, params={"as_of": "2026-03-09T23:00:00+02:00"}, headers=RANGER)
    (nala,) = [lion for lion in (await response.json())["lions"] if lion["lion_id"] == "nala"]
    assert (nala["position_lat"], nala["current_weight"], nala["health_score"]) == (-24.456789, 170, 89)


async def test_list_in_pages(client: Client) -> None:
    seen, url = [], f"{LIONS}?limit=1"
    for _ in range(3):
        response = await client.get(url)
        body = await response.json()
        assert body["count"] == 1
        seen.append(body["lions"][0]["lion_id"])
        url = str(response.links["next"]["url"].relative()) if "next" in response.links else ""
    assert seen == sorted(["inferred", "nala", "Ω/1 ?"])
    assert url == ""


async def test_one_lion(client: Client) -> None:
    body = await (await client.get(NALA, headers=RANGER)).json()
    assert body["lion"] == {
        "lion_id": "nala",
        "name": "Nala",
        "status": "active",
        "position_lat": -24.123456,
        "position_lng": 23.987654,
        "avg_weight": 181,
        "weight_trend": "stable",
        "health_score": 90,
        "tracking_frequency": 48,
        "metric_date": "2026-03-10",
    }
    assert len(body["history"]) == 30
    assert [day["metric_date"] for day in body["history"]][:2] == ["2026-03-10", "2026-03-09"]
    assert body["history"][1] == {
        "lion_id": "nala",
        "metric_date": "2026-03-09",
        "avg_weight": None,
        "weight_trend": "unknown",
        "health_score": 89,
        "tracking_frequency": 47,
        "status": "excellent",
    }


async def test_one_lion_without_metrics(client: Client) -> None:
    body = await (await client.get(OMEGA, headers=RANGER)).json()
    assert (body["lion"]["lion_id"], body["lion"]["position_lat"], body["lion"]["metric_date"]) == (
        "Ω/1 ?",
        10.04,
        None,
    )
    assert body["history"] == []


async def test_position_history_has_accepted_fixes_newest_first(client: Client) -> None:
    body = await (await client.get(f"{NALA}/position-history", headers=RANGER)).json()
    fix = {
        "lion_id": "nala",
        "position_date": "2026-03-10T11:30:00Z",
        "lat": -24.123456,
        "lng": 23.987654,
        "accuracy": 5.5,
    }
    assert body == {"lion_id": "nala", "period_hours": 24, "positions": [fix], "count": 1}
    body = await (await client.get(f"{NALA}/position-history?hours=51", headers=RANGER)).json()
    assert [fix["position_date"] for fix in body["positions"]] == [
        "2026-03-10T11:30:00Z",
        "2026-03-09T11:00:00Z",
        "2026-03-08T10:00:00.250000Z",
    ]


async def test_a_date_alone_means_that_day(client: Client) -> None:
    body = await (await client.get(f"{NALA}/position-history?hours=24&as_of=2026-03-08", headers=RANGER)).json()
    assert [fix["position_date"] for fix in body["positions"]] == ["2026-03-08T10:00:00.250000Z"]


async def test_position_history_in_pages(client: Client) -> None:
    seen, url = [], f"{NALA}/position-history?hours=100&limit=1"
    while url:
        response = await client.get(url, headers=RANGER)
        body = await response.json()
        seen += [fix["lat"] for fix in body["positions"]]
        assert body["count"] == 1
        url = str(response.links["next"]["url"].relative()) if "next" in response.links else ""
    assert seen == [-24.123456, -24.456789, -24.777777]


async def test_position_history_of_a_lion_without_fixes(client: Client) -> None:
    body = await (await client.get(f"{LIONS}/inferred/position-history", headers=RANGER)).json()
    assert body == {"lion_id": "inferred", "period_hours": 24, "positions": [], "count": 0}


async def test_weight_trend(client: Client) -> None:
    body = await (await client.get(f"{NALA}/weight-trend")).json()
    days = [
        {"date": "2026-03-04", "avg_weight": 170, "min_weight": 170, "max_weight": 170, "measurements_count": 1},
        {"date": "2026-03-10", "avg_weight": 181, "min_weight": 180, "max_weight": 182, "measurements_count": 2},
    ]
    data = [{"lion_id": "nala", **day} for day in days]
    assert body == {"lion_id": "nala", "period_days": 30, "data": data, "count": 2}


@pytest.mark.parametrize(
    ("query", "dates"),
    [
        ("days=34", ["2026-02-05", "2026-03-04", "2026-03-10"]),
        ("days=33", ["2026-03-04", "2026-03-10"]),
        ("days=1", ["2026-03-10"]),
        ("days=1&as_of=2026-03-04", ["2026-03-04"]),
        ("days=30&as_of=2026-03-06T10:00:00Z", ["2026-02-05", "2026-03-04"]),
        ("days=3&as_of=2026-03-09", []),
    ],
)
async def test_weight_trend_periods(client: Client, query: str, dates: list[str]) -> None:
    body = await (await client.get(f"{NALA}/weight-trend?{query}")).json()
    assert [day["date"] for day in body["data"]] == dates
    assert body["count"] == len(dates)


@pytest.mark.parametrize("lion_id", ["nobody", "gone", "%00", "a%00b", "%ED%A0%80", "x" * 600, "..", "%27%3B--"])
@pytest.mark.parametrize("rest", ["", "/position-history", "/weight-trend", "/live"])
async def test_unknown_lions(client: Client, lion_id: str, rest: str) -> None:
    response = await client.get(f"{LIONS}/{lion_id}{rest}", headers=RANGER)
    assert response.status == 404
    assert set(await response.json()) == {"error", "detail"}


@pytest.mark.parametrize(
    ("url", "named"),
    [
        (f"{LIONS}?limit=0", "limit"),
        (f"{LIONS}?limit=1001", "limit"),
        (f"{LIONS}?after=%00", "after"),
        (f"{LIONS}?as_of=yesterday", "as_of"),
        (f"{LIONS}?as_of=2026-02-30", "as_of"),
        (f"{LIONS}?as_of=1969-12-31", "as_of"),
        (f"{LIONS}?as_of=9999-12-31", "as_of"),
        (f"{LIONS}?as_of=0001-01-01T00:00:00%2B14:00", "as_of"),
        (f"{LIONS}?as_of=", "as_of"),
        (f"{LIONS}?as_of=2026-03-01&as_of=2026-03-02", "as_of"),
        (f"{LIONS}?foo=1", "foo"),
        (f"{NALA}?hours=1", "hours"),
        (f"{NALA}/position-history?hours=-1", "hours"),
        (f"{NALA}/position-history?hours=0", "hours"),
        (f"{NALA}/position-history?hours=1e3", "hours"),
        (f"{NALA}/position-history?hours=٣", "hours"),
        (f"{NALA}/position-history?hours=99999999999999999999", "hours"),
        (f"{NALA}/position-history?hours=nan", "hours"),
        (f"{NALA}/position-history?limit=10001", "limit"),
        (f"{NALA}/position-history?before=soon", "before"),
        (f"{NALA}/weight-trend?days=", "days"),
        (f"{NALA}/weight-trend?days=1.5", "days"),
        (f"{NALA}/weight-trend?days=3661", "days"),
        (f"{NALA}/live?as_of=2020-01-01", "as_of"),
        ("/api/analytics/dashboard?x", "x"),
    ],
)
async def test_bad_parameters_are_400_and_named(client: Client, url: str, named: str) -> None:
    response = await client.get(url, headers=RANGER)
    body = await response.json()
    assert response.status == 400, body
    assert set(body) == {"error", "detail"}
    assert named in body["detail"]


@pytest.mark.parametrize("as_of", ["1970-01-01", "2999-12-31", "2999-12-31T23:59:59.999999Z"])
@pytest.mark.parametrize("url", [LIONS, "/api/analytics/dashboard", *PER_LION])
async def test_the_ends_of_time(client: Client, url: str, as_of: str) -> None:
    longest = {"position-history": "&hours=87840", "weight-trend": "&days=3660"}.get(url.rpartition("/")[2], "")
    assert (await client.get(f"{url}?as_of={as_of}{longest}")).status == 200


async def test_no_query_breaks_a_route(client: Client) -> None:
    chance = random.Random(3)
    texts = [
        "",
        "0",
        "1",
        "-1",
        "24",
        "1e9",
        "9" * 30,
        "null",
        "\x00",
        "٣",
        "é",
        "\U0001f981",
        "' OR 1=1 --",
        "%",
        "x" * 2000,
    ]
    texts += [
        "2026-03-10",
        "2026-W10-2",
        "2026-03-10T24:00:00Z",
        "1970-01-01",
        "2999-12-31",
        "infinity",
        "1e400",
        "now()",
    ]
    names = ["as_of", "limit", "after", "before", "hours", "days", "\x00", "as_of[]"]
    for _ in range(300):
        url = chance.choice(
            [
                LIONS,
                *PER_LION,
                f"{NALA}/live",
                "/api/analytics/dashboard",
                f"{LIONS}/{quote(chance.choice(texts), safe='')}",
            ]
        )
        query = [(chance.choice(names), chance.choice(texts)) for _ in range(chance.randint(1, 2))]
        response = await client.get(url, params=query, headers=chance.choice([{}, RANGER]))
        assert response.status in (200, 400, 401, 404), (url, query, await response.text())


async def test_methods_and_routes_that_are_not_there(client: Client) -> None:
    response = await client.post(LIONS)
    assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")
    assert set(await response.json()) == {"error", "detail"}
    response = await client.get("/api/analytics/tigers")
    assert (response.status, set(await response.json())) == (404, {"error", "detail"})
    assert (await client.head(LIONS)).status == 200


async def test_postgres_away_is_503(serve: Serve) -> None:
    client = await serve(pg_port=1)
    for url in (LIONS, "/api/analytics/dashboard", *PER_LION):
        response = await client.get(url)
        assert (response.status, set(await response.json())) == (503, {"error", "detail"})


async def test_a_database_without_tables_is_503_and_says_what_to_do(serve: Serve) -> None:
    client = await serve(pg_database="postgres")
    response = await client.get(LIONS)
    assert response.status == 503
    assert "liontrack migrate" in (await response.json())["detail"]
