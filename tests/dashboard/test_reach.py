"""Everybody can use it: axe-core's rules, a narrow phone, a keyboard alone; with pictures for people to look at."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.dashboard.browsing import DESKTOP, PHONE, Theme, broken_figures, sideways_px, take_picture, violations
from tests.dashboard.conftest import Visit
from tests.dashboard.keyboard import walk_by_tab
from tests.dashboard.live_site import LiveSite

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The address of each page, and what is there once it has loaded.
PAGES = {
    "map": ("#/map", ".pin"),
    "lions": ("#/lions", "[data-testid=lions-table]"),
    "lion": ("#/lions/{lion}", "[data-testid=lion-days]"),
    "users": ("#/users/{user}", "[data-testid=challenges-table]"),
    "leaderboards": ("#/leaderboards", "[data-testid=leaderboard-users]"),
    "quality": ("#/quality", "[data-testid=quality-table]"),
    "pipeline": ("#/pipeline", "[data-testid=runs-table]"),
}
SIZES = {"desktop": DESKTOP, "phone": PHONE}


async def open_page(site: LiveSite, page: Page, name: str) -> None:
    """Go to a page of `PAGES` and wait for its data, its live stream and its charts."""
    path, loaded = PAGES[name]
    lion = site.get("/api/analytics/lions")["lions"][0]["lion_id"]
    await page.goto(f"/{path.format(lion=lion, user=site.users[0])}")
    await expect(page.locator(loaded).first).to_be_visible()
    await expect(page.locator(".skeleton")).to_have_count(0)
    await expect(page.get_by_text("Loading t")).to_have_count(0)
    await expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")


@pytest.mark.parametrize(
    ("size", "theme", "judged"),
    # axe judges each theme once and each size once: what else could differ would be seen in the pictures
    [("desktop", "light", True), ("desktop", "dark", False), ("phone", "light", False), ("phone", "dark", True)],
)
async def test_every_page_is_in_reach(site: LiveSite, visit: Visit, size: str, theme: Theme, judged: bool) -> None:
    page = await visit(size=SIZES[size], theme=theme, token=site.token())
    wrong = {}
    for name in PAGES:
        await open_page(site, page, name)
        await take_picture(page, f"{name}-{size}-{theme}")
        wrong[name] = await violations(page) if judged else []
        if size == "phone":
            wrong[name] += [f"{px} px too wide" for px in [await sideways_px(page)] if px > 0]
        wrong[name] += await broken_figures(page)
        assert await page.locator("h1").count() == 1, name
        assert await page.locator("html").get_attribute("lang") == "en"
    assert not {name: lines for name, lines in wrong.items() if lines}


@pytest.mark.parametrize("name", PAGES)
async def test_a_keyboard_reaches_everything(site: LiveSite, visit: Visit, name: str) -> None:
    page = await visit(token=site.token())
    await open_page(site, page, name)
    walk = await walk_by_tab(page)
    assert "Skip to the content" in await page.evaluate("window.stops[0].textContent")
    assert not walk.unreached
    assert not walk.invisible, "focus is to be seen"


async def test_the_skip_link_leads_past_the_navigation(visit: Visit) -> None:
    page = await visit("#/lions")
    await expect(page.get_by_test_id("lions-table")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.closest('main') !== null")


async def test_a_lion_is_found_with_the_keyboard_alone(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/map")
    name = site.get("/api/analytics/lions/positions")["features"][0]["properties"]["name"]
    await expect(page.locator(".pin").first).to_be_visible()
    await page.get_by_test_id("lion-list").get_by_role("button", name=name).focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("popup")).to_contain_text(name)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text(name)
    await expect(heading).to_be_focused()


async def test_the_dialog_keeps_the_focus_and_gives_it_back(visit: Visit) -> None:
    page = await visit("#/quality")
    button = page.get_by_test_id("sign-in")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Token", exact=True)).to_be_focused()
    for _ in range(8):
        await page.keyboard.press("Tab")
        inside = "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        assert await page.evaluate(inside)
    await page.keyboard.press("Escape")
    await expect(button).to_be_focused()
