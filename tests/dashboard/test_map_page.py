"""The map shows what the API says of the lions, now and on other days."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.dashboard.browsing import Guard, change_answer, limit_pages
from tests.dashboard.conftest import Visit
from tests.dashboard.live_site import API, LIONS, LiveSite
from tests.dashboard.shown import (
    band_of,
    decimal,
    figures,
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
BUSY = {"error": "Busy", "detail": "Later."}


def pin_labels(features: list[dict[str, Any]]) -> dict[str, str]:
    """What a map's pins say, by lion."""
    return {
        one["lion_id"]: f"{one['name']}, health {band_of(one['health_score'])}, "
        f"last fix {long_time(one['position_date'])}"
        for one in (feature["properties"] for feature in features)
    }


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
        total, lions = site.get(f"{API}/dashboard")["dashboard"], sums(site.get(f"{API}/lions")["lions"])
        return await figures(
            page, "total-lions", "avg-health", "needs-attention", "avg-weight", "data-quality-score"
        ), [
            whole(total["total_lions"]),
            with_unit(lions["health"], "of 100"),
            f"{whole(lions['needs_attention'])} {'lion' if lions['needs_attention'] == 1 else 'lions'}",
            with_unit(lions["weight"], "kg"),
            with_unit(total["data_quality_score"], "%"),
        ]

    await same(totals, 70.0)  # the page asks for some of it every minute


async def test_totals_are_of_all_lions_when_one_alone_has_data_today(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/quality")
    today = {**dict.fromkeys(("excellent_health", "good_health"), 0), "needs_attention": 1, "total_lions": 1}
    today |= {"avg_health_score": 3.0, "avg_weight": 4.0}
    await change_answer(page, "lions-health/report", lambda body: {**body, "health_distribution": today})
    await page.get_by_test_id("nav-map").click()
    await expect(page.get_by_test_id("total-lions")).to_contain_text(f"1 of {LIONS} with data today")

    async def means() -> tuple[Any, Any]:
        lions = sums(site.get(f"{API}/lions")["lions"])
        right = [with_unit(lions["health"], "of 100"), with_unit(lions["weight"], "kg")]
        return await figures(page, "avg-health", "avg-weight"), right

    await same(means)


async def test_the_map_goes_on_to_the_next_pages(site: LiveSite, visit: Visit, guards: list[Guard]) -> None:
    page = await visit("#/quality")
    guards[0].expect("503")
    await limit_pages(page, "lions/positions", 2)
    broken = re.compile(r"lions/positions\?.*after=")
    await page.context.route(broken, lambda asked: asked.fulfill(status=503, json=BUSY))
    await page.get_by_test_id("nav-map").click()
    missing = page.get_by_test_id("missing")
    await expect(missing).to_contain_text("The first 2 lions; the others could not be loaded.")
    await expect(page.locator(".pin")).to_have_count(2)
    await page.context.unroute(broken)
    await missing.get_by_role("button", name="Try again").click()
    await expect(missing).to_have_count(0)

    async def all_pins() -> tuple[Any, Any]:
        return await pins(page), pin_labels(site.get(f"{API}/lions/positions")["features"])

    await same(all_pins)
    await expect(page.get_by_label(f"Map of {LIONS} lions")).to_be_visible()


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
