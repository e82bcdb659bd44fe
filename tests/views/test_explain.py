"""The explain route: who may ask for what, and answers that a client can use."""

from __future__ import annotations

from typing import Any

import pytest

from tests.views import tokens
from tests.views.conftest import Client, Serve

ROUTE = "/api/analytics/explain"
DAY = {"table": "gold.lions_metrics", "lion_id": "nala", "metric_date": "2026-03-10"}
LION_ROWS: tuple[dict[str, str], ...] = (
    DAY,
    {"table": "gold.lion_windows", "lion_id": "nala", "window_start": "2026-03-10T11:30:00Z"},
    {"table": "gold.lions_positions_history", "lion_id": "nala", "position_date": "2026-03-10T11:30:00Z"},
    {"table": "silver.positions", "lion_id": "nala", "event_time": "2026-03-10T11:30:00Z"},
    {"table": "silver.weight_history", "weight_id": "w1"},
    {"table": "silver.lions", "lion_id": "nala"},
)
USER_ROWS: tuple[dict[str, str], ...] = (
    {"table": "gold.users_activity", "user_id": "u1", "activity_date": "2026-03-10"},
    {"table": "gold.user_windows", "user_id": "u1", "window_start": "2026-03-10T11:30:00Z"},
    {
        "table": "silver.user_activities",
        "user_id": "u1",
        "event_time": "2026-03-10T11:30:00Z",
        "activity_type": "login",
    },
    {"table": "silver.users", "user_id": "u1"},
)
CHALLENGE_ROWS: tuple[dict[str, str], ...] = (
    {"table": "silver.challenges", "challenge_id": "c1"},
    {"table": "silver.challenge_events", "challenge_id": "c1", "updated_at": "2026-03-01T00:00Z", "status": "pending"},
)
OTHER_USER = tokens.signed(("user",), id="u2")


async def status(client: Client, params: dict[str, str], headers: dict[str, str] | None = None) -> int:
    response = await client.get(ROUTE, params=params, headers=headers or {})
    return response.status


async def test_a_lions_day_names_its_records(client: Client) -> None:
    response = await client.get(ROUTE, params=DAY, headers=tokens.RANGER)
    assert response.status == 200
    body: dict[str, Any] = await response.json()
    assert (body["table"], body["key"]) == ("gold.lions_metrics", {"lion_id": "nala", "metric_date": "2026-03-10"})
    assert body["row"]["avg_weight"] == 181
    fixes, _, weighings, days = body["sources"]
    assert [(row["record"]["offset"], row["flag_names"]) for row in fixes["rows"]] == [(3, []), (4, ["spike"])]
    assert {row["weight_id"]: row["flag_names"] for row in weighings["rows"]} == {
        "w1": [], "w2": [], "w3": ["implausible"],
    }  # fmt: skip
    assert days["count"] == 30
    assert body["revisions"] == {"count": 0, "more": 0, "rows": []}

    response = await client.get(ROUTE, params={**DAY, "limit": "1"}, headers=tokens.RANGER)
    fixes = (await response.json())["sources"][0]
    assert (fixes["count"], fixes["more"], len(fixes["rows"])) == (2, 1, 1)


@pytest.mark.parametrize("params", LION_ROWS, ids=lambda params: params["table"])
async def test_lions_rows_are_for_rangers(serve: Serve, params: dict[str, str]) -> None:
    client = await serve()
    assert await status(client, params) == 401
    assert await status(client, params, tokens.VISITOR) == 403
    for headers in (tokens.RANGER, tokens.ADMIN):
        assert await status(client, params, headers) in (200, 404)
    refused = await client.get(ROUTE, params=params, headers=tokens.VISITOR)
    assert set(await refused.json()) == {"error", "detail"}
    demo = await serve(liontrack_demo=True)
    assert await status(demo, params) in (200, 404)
    away = await serve(liontrack_demo=True, bind="0.0.0.0")
    assert await status(away, params) == 401


@pytest.mark.parametrize("params", USER_ROWS, ids=lambda params: params["table"])
async def test_users_rows_are_for_the_user(serve: Serve, params: dict[str, str]) -> None:
    client = await serve(liontrack_demo=True)
    assert await status(client, params) == 401
    assert await status(client, params, OTHER_USER) == 403
    assert await status(client, params, tokens.signed(("ranger",), id="u2")) == 403
    assert await status(client, params, tokens.VISITOR) in (200, 404)
    assert await status(client, params, tokens.signed(("admin",), id="boss")) in (200, 404)


@pytest.mark.parametrize("params", CHALLENGE_ROWS, ids=lambda params: params["table"])
async def test_challenges_are_for_their_user(client: Client, params: dict[str, str]) -> None:
    assert await status(client, params) == 401
    assert await status(client, params, tokens.VISITOR) == 403, "no such row, and none of theirs"
    assert await status(client, params, tokens.ADMIN) == 404


async def test_quality_is_open(client: Client) -> None:
    params = {"table": "gold.quality_daily", "table_name": "silver.lions", "check_date": "2026-03-09"}
    response = await client.get(ROUTE, params=params)
    assert response.status == 200
    assert (await response.json())["row"]["checks_count"] == 2


async def test_no_such_row_is_404_with_what_is_known(client: Client) -> None:
    response = await client.get(ROUTE, params={**DAY, "metric_date": "2020-01-01"}, headers=tokens.RANGER)
    assert response.status == 404
    body = await response.json()
    assert body["row"] is None
    assert {"error", "detail", "revisions", "deletions"} <= set(body)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({}, "table is missing"),
        ({"table": "pg_catalog.pg_authid"}, "gold.lions_metrics"),
        ({"table": "silver.lions; DROP"}, "can be explained"),
        ({"table": "gold.lions_metrics", "lion_id": "nala"}, "metric_date is missing"),
        ({**DAY, "user_id": "u1"}, "no key 'user_id'"),
        ({**DAY, "metric_date": "10.3.2026"}, "must be a day"),
        ({**DAY, "limit": "0"}, "limit must be"),
        ({**DAY, "fields": "all"}, "Unknown parameter"),
        ({**DAY, "lion_id": "a\x00"}, "no text that could be stored"),
    ],
)
async def test_wrong_questions_are_sentences(client: Client, params: dict[str, str], sentence: str) -> None:
    response = await client.get(ROUTE, params=params, headers=tokens.RANGER)
    assert response.status == 400
    assert sentence in (await response.json())["detail"]


@pytest.mark.parametrize("kind", ["expired", "wrong signature", "alg none", "nonsense"])
async def test_tokens_that_are_not_valid_are_refused(client: Client, kind: str) -> None:
    for params in (DAY, USER_ROWS[0], {"table": "gold.quality_daily", "table_name": "t", "check_date": "2026-03-09"}):
        assert await status(client, params, tokens.REFUSED[kind]) == 401
