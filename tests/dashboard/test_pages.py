"""Leaderboards, quality and pipeline: what the API says, number by number."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.dashboard.conftest import Visit
from tests.dashboard.live_site import API, LiveSite
from tests.dashboard.shown import decimal, figures, long_time, same, size, table, whole, with_unit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_leaderboards(site: LiveSite, visit: Visit) -> None:
    token = site.token()
    page = await visit("#/leaderboards", token=token)

    async def lions() -> tuple[Any, Any]:
        board = site.get(f"{API}/leaderboard/lions?limit=20")["leaderboard"]
        return await table(page, "leaderboard-lions"), [
            [
                str(row["rank"]),
                row["name"],
                decimal(row["avg_health"]),
                whole(row["tracked_days"]),
                whole(row["max_frequency"]),
            ]
            for row in board
        ]

    async def users() -> tuple[Any, Any]:
        board = site.get(f"{API}/leaderboard/users?limit=20", token)["leaderboard"]
        return await table(page, "leaderboard-users"), [
            [
                str(row["rank"]),
                row["username"],
                whole(row["total_completed"]),
                decimal(row["avg_engagement"]),
                whole(row["active_days"]),
            ]
            for row in board
        ]

    await same(lions)
    await same(users)


async def test_data_quality(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/quality")

    async def tables() -> tuple[Any, Any]:
        body = site.get(f"{API}/data-quality")["data_quality"]
        return await table(page, "quality-table"), [
            [
                row["table_name"],
                decimal(row["avg_quality"], 2),
                decimal(row["min_quality"], 2),
                whole(row["checks_count"]),
                long_time(row["last_check"]),
            ]
            for row in body
        ]

    async def system() -> tuple[Any, Any]:
        body = site.get(f"{API}/system-health")
        await page.get_by_test_id("nav-pipeline").click()
        await page.get_by_test_id("nav-quality").click()  # asks anew
        await expect(page.get_by_test_id("quality-table")).to_be_visible()
        return await figures(page, "system-status", "avg-quality", "checks-last-hour"), [
            body["status"],
            with_unit(body["health"]["avg_quality"], "%", 2),
            whole(body["health"]["checks_last_hour"]),
        ]

    await same(system)
    await same(tables)


async def test_pipeline(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/pipeline")

    async def numbers() -> tuple[Any, Any]:
        state = site.get(f"{API}/pipeline")["pipeline"]
        return await figures(page, "lag", "dead-letters", "lake-size"), [
            f"{whole(state['lag_records'])} records",
            whole(state["dead_letters"]["total"]),
            size(state["lake"]["bytes"]),
        ]

    async def letters() -> tuple[Any, Any]:
        rules = site.get(f"{API}/pipeline")["pipeline"]["dead_letters"]["rules"]
        assert rules
        return await table(page, "dead-letters-table"), [
            [row["topic"], row["rule"], whole(row["records"]), long_time(row["last_seen"])] for row in rules
        ]

    async def partitions() -> tuple[Any, Any]:
        rows = site.get(f"{API}/pipeline")["pipeline"]["partitions"]
        return [row[:4] for row in await table(page, "partitions-table")], [
            [row["topic"], str(row["partition"]), whole(row["next_offset"]), whole(row["lag_records"])] for row in rows
        ]

    async def runs() -> tuple[Any, Any]:
        rows = site.get(f"{API}/pipeline")["pipeline"]["runs"]
        return [row[:3] for row in await table(page, "runs-table")], [
            [run["pipeline_name"], run["status"], whole(run["processed_records"])] for run in rows
        ]

    for part in (numbers, letters, partitions, runs):
        await same(part, 25.0)  # the page asks every 10 seconds


async def test_an_unknown_page_says_so(visit: Visit) -> None:
    page = await visit("#/nothing-here")
    await expect(page.get_by_role("heading", level=1)).to_have_text("No such page")
    await page.get_by_role("link", name="To the map").click()
    await expect(page.get_by_test_id("lion-list")).to_be_visible()
