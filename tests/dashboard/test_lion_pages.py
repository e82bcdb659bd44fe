"""The lions as a whole and one of them: what the API says, number by number."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.dashboard.browsing import Guard, change_answer
from tests.dashboard.conftest import Visit
from tests.dashboard.live_site import API, LIONS, LiveSite
from tests.dashboard.shown import (
    NONE,
    TRENDS,
    chart_table,
    decimal,
    distance,
    figures,
    is_drawn,
    lion_rows,
    long_day,
    long_time,
    same,
    sums,
    table,
    whole,
    with_unit,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_lions(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/lions")

    async def lions() -> tuple[Any, Any]:
        return await table(page, "lions-table"), lion_rows(site.get(f"{API}/lions")["lions"])

    await same(lions)

    async def bands() -> tuple[Any, Any]:
        right = sums(site.get(f"{API}/lions")["lions"])
        today = site.get(f"{API}/lions-health/report")["health_distribution"]["total_lions"]
        names = ("excellent", "good", "needs_attention", "unknown")
        shown = [await page.get_by_test_id(f"band-{name}").locator("b").text_content() for name in names]
        shown += [await page.get_by_test_id(name).text_content() for name in ("health-means", "day-share")]
        return shown, [
            *(whole(right[name]) for name in names),
            f"Mean health {decimal(right['health'])} of 100, mean weight {with_unit(right['weight'], 'kg')}",
            f"{today} of {LIONS} with data today",
        ]

    await same(bands)
    trend = site.get(f"{API}/trends/weight")["data"]
    assert await is_drawn(page, "chart-trend-weight")
    right = [[long_day(day["metric_date"]), decimal(day["avg_value"])] for day in trend]
    assert await chart_table(page, "chart-trend-weight") == right

    await page.get_by_test_id("lions-table").get_by_role("button", name="Weight").click()
    heaviest = sorted(site.get(f"{API}/lions")["lions"], key=lambda lion: -lion["current_weight"])
    assert [row[0] for row in await table(page, "lions-table")] == [lion["name"] for lion in heaviest]


async def test_one_lion(site: LiveSite, visit: Visit) -> None:
    lion_id = site.get(f"{API}/lions")["lions"][0]["lion_id"]
    page = await visit(f"#/lions/{lion_id}")
    body = site.get(f"{API}/lions/{lion_id}")
    lion, history = body["lion"], body["history"]
    await expect(page.get_by_role("heading", level=1)).to_have_text(lion["name"])
    weighed = next(day for day in history if day["avg_weight"] is not None)
    assert await figures(page, "lion-health", "lion-weight", "lion-fixes") == [
        f"{decimal(lion['health_score'])} of 100",
        f"{decimal(lion['avg_weight'] or weighed['avg_weight'])} kg",
        f"{whole(lion['tracking_frequency'])} that day",
    ]
    assert await table(page, "lion-days") == [
        [
            long_day(day["metric_date"]),
            decimal(day["health_score"]),
            decimal(day["avg_weight"]),
            TRENDS.get(day["weight_trend"], NONE),
            whole(day["tracking_frequency"]),
        ]
        for day in history
    ]
    assert len(history) == 30
    weights = site.get(f"{API}/lions/{lion_id}/weight-trend?days=30")["data"]
    assert weights
    assert await is_drawn(page, "chart-weight")
    assert await chart_table(page, "chart-weight") == [
        [long_day(day["date"]), decimal(day["avg_weight"])] for day in weights
    ]
    assert await is_drawn(page, "chart-health")
    assert await chart_table(page, "chart-health") == [
        [long_day(day["metric_date"]), whole(day["tracking_frequency"]), decimal(day["health_score"])]
        for day in reversed(history)
    ]


async def test_the_track_of_a_lion(site: LiveSite, visit: Visit) -> None:
    lion_id = site.get(f"{API}/lions")["lions"][0]["lion_id"]
    page = await visit(f"#/lions/{lion_id}")
    fixes = []
    for hours in (168, 720, 72):
        await page.get_by_test_id(f"period-{hours}").click()

        async def summary(hours: int = hours) -> tuple[Any, Any]:
            track = site.get(f"{API}/lions/{lion_id}/track?hours={hours}")["features"]
            about, last = track[0]["properties"], track[1]["properties"]
            text = await page.get_by_test_id("track-summary").text_content()
            return text, (
                f"{whole(about['fixes'])} fixes, {distance(about['distance_m'])} walked, "
                f"last fix {long_time(last['position_date'])}"
            )

        await same(summary)
        fixes.append(site.get(f"{API}/lions/{lion_id}/track?hours={hours}")["features"][0]["properties"]["fixes"])
    assert fixes[2] < fixes[0] < fixes[1]


async def test_of_very_many_lions_some_are_shown_and_all_are_found(visit: Visit, guards: list[Guard]) -> None:
    page = await visit("#/quality")
    guards[0].expect(r"404 \(Not Found\).*/lions/many-\d+/track")

    def many(body: Any) -> Any:
        first = body["lions"][0]
        lions = [{**first, "lion_id": f"many-{n}", "name": f"Lion {n}", "health_score": n % 100} for n in range(450)]
        return {**body, "lions": lions}

    def many_features(body: Any) -> Any:
        first = body["features"][0]
        names = [{"lion_id": f"many-{n}", "name": f"Lion {n}"} for n in range(450)]
        return {**body, "features": [{**first, "properties": {**first["properties"], **name}} for name in names]}

    await change_answer(page, "lions", many)
    await change_answer(page, "lions/positions", many_features)
    await page.get_by_test_id("nav-lions").click()
    rows = page.get_by_test_id("lions-table").locator("tbody tr")
    await expect(rows).to_have_count(200)
    await expect(rows.last).to_contain_text("Lion 199")
    await expect(page.get_by_test_id("band-needs_attention").locator("b")).to_have_text("290")
    await page.get_by_role("button", name="More rows").click()
    await expect(rows).to_have_count(400)
    await page.get_by_role("button", name="More rows").click()
    await expect(rows).to_have_count(450)
    await expect(page.get_by_role("button", name="More rows")).to_have_count(0)

    await page.get_by_test_id("nav-map").click()
    listed = page.get_by_test_id("lion-list").locator("li")
    await expect(page.get_by_test_id("list-end")).to_have_text("200 of 450: find the others by name")
    await expect(listed).to_have_count(200)
    await page.get_by_label("Find a lion by name").fill("lion 449")
    await expect(listed).to_have_count(1)
    await expect(page.get_by_test_id("list-end")).to_have_count(0)
