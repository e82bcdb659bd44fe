"""Each page shows what the API says, number by number."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.dashboard.conftest import Visit
from tests.dashboard.live_site import LiveSite
from tests.dashboard.shown import (
    NONE,
    TRENDS,
    band_of,
    chart_table,
    decimal,
    distance,
    figures,
    is_drawn,
    long_day,
    long_time,
    same,
    size,
    table,
    whole,
    with_unit,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")
API = "/api/analytics"


def pin_labels(features: list[dict[str, Any]]) -> dict[str, str]:
    """What a map's pins say, by lion."""
    return {
        one["lion_id"]: f"{one['name']}, health {band_of(one['health_score'])}, "
        f"last fix {long_time(one['position_date'])}"
        for one in (feature["properties"] for feature in features)
    }


def health_report(site: LiveSite) -> dict[str, Any]:
    """The report of today, or of yesterday as long as today has no data, as the pages show it."""
    report: dict[str, Any] = site.get(f"{API}/lions-health/report")
    if report["health_distribution"]["avg_health_score"] is None:
        before = date.fromisoformat(report["report_date"]) - timedelta(days=1)
        report = site.get(f"{API}/lions-health/report?as_of={before}")
    return dict(report["health_distribution"])


async def pins(page: Page) -> dict[str, str]:
    found: dict[str, str] = await page.locator(".pin").evaluate_all(
        "pins => Object.fromEntries(pins.map((pin) => [pin.dataset.lion, pin.getAttribute('aria-label')]))"
    )
    return found


async def test_map(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/map")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Map")

    async def all_pins() -> tuple[Any, Any]:
        return await pins(page), pin_labels(site.get(f"{API}/lions/positions")["features"])

    await same(all_pins)

    async def totals() -> tuple[Any, Any]:
        total, report = site.get(f"{API}/dashboard")["dashboard"], site.get(f"{API}/lions-health/report")
        health = report["health_distribution"]
        return await figures(
            page, "total-lions", "avg-health", "needs-attention", "avg-weight", "data-quality-score"
        ), [
            whole(total["total_lions"]),
            with_unit(health["avg_health_score"], "of 100"),
            f"{whole(health['needs_attention'])} lions",
            with_unit(health["avg_weight"], "kg"),
            with_unit(total["data_quality_score"], "%"),
        ]

    await same(totals, 70.0)  # the page asks for some of it every minute


async def test_a_lion_of_the_map(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/map")
    feature = site.get(f"{API}/lions/positions")["features"][1]
    lion, (lng, lat) = feature["properties"], feature["geometry"]["coordinates"]
    await page.get_by_test_id("lion-list").locator(f"[data-lion='{lion['lion_id']}']").click()
    popup = page.get_by_test_id("popup")
    await expect(popup.locator("strong")).to_have_text(lion["name"])
    assert await popup.locator("dd").all_text_contents() == [
        f"{decimal(lion['health_score'])} of 100",
        long_time(lion["position_date"]),
        f"{decimal(lat, 4)}, {decimal(lng, 4)}",
    ]
    await expect(page.get_by_test_id("lion-list").locator("[aria-pressed=true]")).to_contain_text(lion["name"])
    await popup.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(lion["name"])


async def test_the_map_draws_land_and_tracks(visit: Visit) -> None:
    page = await visit("#/map")
    await expect(page.locator(".pin").first).to_be_visible()
    canvas = page.locator(".map-canvas canvas").first

    async def colours() -> int:
        found: int = await canvas.evaluate("""c => new Set(new Uint32Array(
            c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size""")
        return found

    async def many() -> tuple[Any, Any]:
        return await colours() > 20, True

    await same(many)
    await page.get_by_test_id("tail-24").click()
    await expect(page.get_by_test_id("tail-24")).to_have_attribute("aria-pressed", "true")


async def test_the_slider_goes_back_in_time(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/map")
    slider, day = page.get_by_test_id("day-slider"), page.get_by_test_id("day")
    await expect(day).to_have_text("Now")
    await slider.focus()
    for _ in range(3):
        await page.keyboard.press("ArrowLeft")
    then = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    await expect(day).to_have_text(f"{long_day(then)} UTC")

    async def pins_of_then() -> tuple[Any, Any]:
        return await pins(page), pin_labels(site.get(f"{API}/lions/positions?as_of={then}")["features"])

    await same(pins_of_then)
    assert await pins(page) != pin_labels(site.get(f"{API}/lions/positions")["features"])
    assert f"as_of={then}" in page.url
    await page.get_by_test_id("nav-lions").click()  # the day goes along

    async def lions_of_then() -> tuple[Any, Any]:
        return await table(page, "lions-table"), lion_rows(site.get(f"{API}/lions?as_of={then}")["lions"])

    await same(lions_of_then)
    await page.get_by_role("button", name="Back to now").click()
    assert "as_of" not in page.url


def lion_rows(lions: list[dict[str, Any]]) -> list[list[str]]:
    """The table of lions, by name."""
    return [
        [
            lion["name"],
            decimal(lion["health_score"]),
            band_of(lion["health_score"]),
            decimal(lion["current_weight"]),
            whole(lion["tracking_frequency"]),
            decimal(lion["position_lat"], 4),
            decimal(lion["position_lng"], 4),
            long_time(lion["updated_at"]),
        ]
        for lion in sorted(lions, key=lambda lion: lion["name"])
    ]


async def test_lions(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/lions")

    async def lions() -> tuple[Any, Any]:
        return await table(page, "lions-table"), lion_rows(site.get(f"{API}/lions")["lions"])

    await same(lions)

    async def bands() -> tuple[Any, Any]:
        health = health_report(site)
        parts = [health[name] for name in ("excellent_health", "good_health", "needs_attention")]
        ids = ("band-excellent", "band-good", "band-needs_attention", "band-unknown")
        shown = [await page.get_by_test_id(name).locator("b").text_content() for name in ids]
        return shown, [*map(whole, parts), whole(health["total_lions"] - sum(parts))]

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


async def test_users_and_challenges(site: LiveSite, visit: Visit) -> None:
    token = site.token()
    user = site.users[1]
    page = await visit(f"#/users/{user}", token=token)
    await expect(page.get_by_test_id("shown-user")).to_have_text(user)
    await expect(page.get_by_test_id("challenges-table")).to_be_visible()

    async def numbers() -> tuple[Any, Any]:
        summary = site.get(f"{API}/users/{user}/activity-summary", token)["summary"]
        score = site.get(f"{API}/users/{user}/engagement", token)["current_score"]
        names = ("current-score", "avg-engagement", "total-completed", "total-in-progress", "total-weight-entries")
        return await figures(page, *names, "active-days"), [
            with_unit(score, "of 100"),
            with_unit(summary["avg_engagement"], "of 100"),
            whole(summary["total_completed"]),
            whole(summary["total_in_progress"]),
            whole(summary["total_weight_entries"]),
            f"{whole(summary['active_days'])} of 30 days",
        ]

    await same(numbers)
    body = site.get(f"{API}/users/{user}/challenges-analytics", token)
    assert body["challenges"]
    assert await table(page, "challenges-table") == [
        [
            one["title"],
            one["status"].replace("_", " ").capitalize(),
            whole(one["age_days"]),
            long_day(one["created_at"]),
            long_day(one["updated_at"]),
        ]
        for one in body["challenges"]
    ]
    stats = body["stats"]
    counted = [stats["total"], stats["completed"], stats["in_progress"]]
    assert (await page.get_by_test_id("challenge-stats").locator("b").all_text_contents())[:3] == [*map(whole, counted)]
    history = site.get(f"{API}/users/{user}/engagement", token)["history"]
    assert await is_drawn(page, "chart-engagement")
    assert await chart_table(page, "chart-engagement") == [
        [long_day(day["activity_date"]), whole(day["weight_entries"]), decimal(day["engagement_score"])]
        for day in sorted(history, key=lambda day: day["activity_date"])
    ]
    trend = site.get(f"{API}/trends/engagement")["data"]
    assert await chart_table(page, "chart-trend-engagement") == [
        [long_day(day["activity_date"]), whole(day["active_users"]), decimal(day["avg_engagement"])] for day in trend
    ]


async def test_an_admin_chooses_a_user(site: LiveSite, visit: Visit) -> None:
    token = site.token()
    user = site.users[-1]
    page = await visit("#/users", token=token)
    await page.get_by_test_id("user-picker").get_by_label("User").fill(user)
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_test_id("shown-user")).to_have_text(user)
    await expect(page.get_by_test_id("challenges-table")).to_be_visible()


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
