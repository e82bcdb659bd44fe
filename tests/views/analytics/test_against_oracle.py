"""Every figure of the contract's bodies, at several instants, is what the oracle computes from the same records."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from math import isclose
from typing import Any

import orjson
import pytest

from tests.support.oracle import Tables
from tests.views.analytics import expected
from tests.views.conftest import NOW, Client
from tests.views.tokens import ADMIN

ROOT = "/api/analytics"
AS_OF = {
    "": NOW,
    "2026-03-05T23:59:59.999999Z": datetime(2026, 3, 5, 23, 59, 59, 999999, UTC),
    "2026-03-01": datetime(2026, 3, 1, 23, 59, 59, 999999, UTC),  # a day of deleted ones
    "2026-02-20": datetime(2026, 2, 20, 23, 59, 59, 999999, UTC),
    "2026-02-20T10:29:59Z": datetime(2026, 2, 20, 10, 29, 59, tzinfo=UTC),
    "2026-02-10T00:00:00Z": datetime(2026, 2, 10, tzinfo=UTC),
    "2026-01-22T06:00:00+06:00": datetime(2026, 1, 22, tzinfo=UTC),
    "2026-01-01": datetime(2026, 1, 1, 23, 59, 59, 999999, UTC),  # before everything
}
GLOBAL = {
    "lions-health/report": expected.health_report,
    "trends/weight": expected.trend_weight,
    "trends/engagement": expected.trend_engagement,
    "system-health": expected.system_health,
    "data-quality": expected.data_quality,
}
OF_USERS = {
    "engagement": expected.engagement,
    "activity-summary": expected.activity_summary,
    "challenges-analytics": expected.challenges_analytics,
}


async def answer(site: Client, path: str, as_of: str, **query: str) -> Any:
    params = {"as_of": as_of, **query} if as_of else query
    response = await site.get(f"{ROOT}/{path}", params=params, headers=ADMIN)
    assert response.status == 200, await response.text()
    return await response.json()


def alike(wanted: Any, got: Any) -> bool:
    """Equal as JSON; scores to the 1.5 millionths that two ways of rounding may differ by."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return wanted.keys() == got.keys() and all(alike(wanted[key], got[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(got, list):
        return len(wanted) == len(got) and all(map(alike, wanted, got))
    if isinstance(wanted, float) or isinstance(got, float):
        return None not in (wanted, got) and isclose(wanted, got, rel_tol=1e-9, abs_tol=2e-6)
    return bool(wanted == got)


def assert_alike(wanted: Any, got: Any) -> None:
    as_json = orjson.loads(orjson.dumps(wanted, option=orjson.OPT_UTC_Z))
    assert alike(as_json, got), json.dumps({"wanted": as_json, "got": got}, indent=1)


@pytest.mark.parametrize("as_of", AS_OF)
@pytest.mark.parametrize("path", GLOBAL)
async def test_figures_of_the_whole(site: Client, tables: Tables, path: str, as_of: str) -> None:
    body = await answer(site, path, as_of)
    assert body.pop("timestamp") == "2026-03-10T12:00:00Z"
    assert_alike(GLOBAL[path](tables, AS_OF[as_of]), body)


@pytest.mark.parametrize("as_of", AS_OF)
@pytest.mark.parametrize("part", OF_USERS)
async def test_figures_of_each_user(site: Client, tables: Tables, part: str, as_of: str) -> None:
    for (user,), row in tables["silver.users"].items():
        path = f"users/{user}/{part}"
        if row["deleted_at"] is not None:
            assert (await site.get(f"{ROOT}/{path}", headers=ADMIN)).status == 404
            continue
        body = await answer(site, path, as_of)
        body.pop("timestamp", None)
        assert_alike(OF_USERS[part](tables, user, AS_OF[as_of]), body)


@pytest.mark.parametrize("as_of", AS_OF)
async def test_leaderboards(site: Client, tables: Tables, as_of: str) -> None:
    for path, compute_rows in (
        ("leaderboard/users", expected.leaderboard_users),
        ("leaderboard/lions", expected.leaderboard_lions),
    ):
        wanted = compute_rows(tables, AS_OF[as_of])
        assert_alike(wanted, (await answer(site, path, as_of, limit="1000"))["leaderboard"])
        assert_alike(wanted[:2], (await answer(site, path, as_of, limit="2"))["leaderboard"])


def test_the_simulation_has_what_matters(tables: Tables) -> None:
    report = expected.health_report(tables, AS_OF["2026-03-05T23:59:59.999999Z"])["health_distribution"]
    assert report["total_lions"] >= 4
    assert report["avg_health_score"] is not None
    assert len(expected.trend_weight(tables, NOW)["data"]) >= 3
    moved = {user: expected.challenges_of(tables, user, NOW) for user in ("user-a", "user-b")}
    assert [c["challenge_id"] for c in moved["user-b"]] == ["moved"]
    assert {c["challenge_id"]: c["status"] for c in moved["user-a"]} == {"back": "abandoned", "twice": "pending"}
    assert "moved" in {
        c["challenge_id"] for c in expected.challenges_of(tables, "user-a", AS_OF["2026-02-20T10:29:59Z"])
    }
    assert expected.system_health(tables, NOW)["health"]["checks_last_hour"] == 2
    assert len(expected.leaderboard_users(tables, NOW)) >= 5


@pytest.mark.parametrize("as_of", AS_OF)
def test_gold_knows_what_was_in_progress(tables: Tables, as_of: str) -> None:
    """The days of a challenge are those of whom it belongs to now; of all others the events say the same."""
    end = AS_OF[as_of].replace(hour=23, minute=59, second=59, microsecond=999999)
    for (user,), row in tables["silver.users"].items():
        if row["deleted_at"] is None and user not in ("user-a", "user-b"):
            states = [challenge["status"] for challenge in expected.challenges_of(tables, user, end)]
            summary = expected.activity_summary(tables, user, end)["summary"]
            assert summary["total_in_progress"] == states.count("in_progress")


async def test_challenges_in_pages(site: Client, tables: Tables) -> None:
    wanted = [c["challenge_id"] for c in expected.challenges_of(tables, "user-many", NOW)]
    seen, url = [], f"{ROOT}/users/user-many/challenges-analytics?limit=2"
    while url:
        response = await site.get(url, headers=ADMIN)
        body = await response.json()
        assert body["stats"]["total"] == len(wanted) == 9
        seen += [challenge["challenge_id"] for challenge in body["challenges"]]
        url = str(response.links["next"]["url"].relative()) if "next" in response.links else ""
    assert seen == wanted


@pytest.mark.parametrize("as_of", AS_OF)
async def test_last_positions(site: Client, tables: Tables, as_of: str) -> None:
    body = await answer(site, "lions/positions", as_of)
    got = {f["id"]: (f["properties"]["position_date"], *f["geometry"]["coordinates"][::-1]) for f in body["features"]}
    assert_alike(expected.last_positions(tables, AS_OF[as_of]), {lion: list(at) for lion, at in got.items()})
    assert list(got) == sorted(got)


@pytest.mark.parametrize("as_of", AS_OF)
async def test_tracks(site: Client, tables: Tables, as_of: str) -> None:
    until = AS_OF[as_of]
    for (lion,), row in tables["silver.lions"].items():
        if row["deleted_at"] is not None:
            continue
        fixes = expected.fixes_of(tables, lion, until - timedelta(hours=100), until)
        track, *last = (await answer(site, f"lions/{lion}/track", as_of, hours="100"))["features"]
        assert track["properties"]["fixes"] == len(fixes)
        assert len(last) == bool(fixes)
        lines = track["geometry"]["coordinates"] if track["geometry"] else []
        times = track["properties"]["coordTimes"]
        told = [
            (time, lat, lng)
            for line, of_line in zip(lines, times, strict=True)
            for (lng, lat), time in zip(line, of_line, strict=True)
            if abs(lng) != 180
        ]
        near = timedelta(hours=4)
        walked = [
            [time, fix["lat"], fix["lng"]]
            for n, (time, fix) in enumerate(fixes)
            if abs(fix["lng"]) != 180
            and any(abs(other - time) <= near for other, _ in fixes[max(0, n - 1) : n] + fixes[n + 1 : n + 2])
        ]
        assert_alike(walked, [list(point) for point in told])
        steps = [fix["step_mm"] for _, fix in fixes[1:] if fix["step_mm"] is not None]
        metres = track["properties"]["distance_m"]
        assert metres is None if not steps else isclose(metres, sum(steps) / 1000, abs_tol=0.001 * len(steps))
