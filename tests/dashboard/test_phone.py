"""What a phone's narrow window may not hide."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.dashboard.browsing import DESKTOP, PHONE
from tests.dashboard.conftest import Visit
from tests.dashboard.live_site import API, LiveSite
from tests.dashboard.shown import same

pytestmark = pytest.mark.asyncio(loop_scope="session")
_FADES = """box => ['::before', '::after'].map((edge) => {
    const style = getComputedStyle(box, edge);
    return style.content !== 'none' && style.backgroundImage.includes('gradient') && parseFloat(style.width) > 20;
})"""


async def fades(box: Locator) -> list[bool]:
    """Whether something shows at the left and at the right edge that there is more."""
    edges: list[bool] = await box.evaluate(_FADES)
    return edges


async def test_a_wide_table_shows_that_it_scrolls(visit: Visit) -> None:
    page = await visit("#/lions", size=PHONE)
    box = page.locator(".sideways", has=page.get_by_test_id("lions-table"))
    group = page.get_by_role("group", name="Lions, scrolls sideways")
    await expect(group).to_be_visible()

    async def more(left: bool, right: bool) -> None:
        async def edges() -> tuple[Any, Any]:
            return await fades(box), [left, right]

        await same(edges)

    await more(left=False, right=True)
    await page.get_by_test_id("lions-table").get_by_role("link").last.focus()
    await group.focus()
    await page.keyboard.press("ArrowRight")
    await more(left=True, right=True)
    for _ in range(20):
        await page.keyboard.press("ArrowRight")
    await more(left=True, right=False)
    await expect(page.get_by_role("columnheader", name="Last fix")).to_be_in_viewport(ratio=0.9)

    await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    await more(left=False, right=False)
    await expect(page.get_by_role("group", name="Lions", exact=True)).not_to_have_attribute("tabindex", "0")


async def test_names_of_lions_are_to_be_read(site: LiveSite, visit: Visit) -> None:
    """The legend lies beneath the map, and a lion's own map has room for its name."""
    page = await visit("#/map", size=PHONE)
    legend = page.get_by_label("Colours: health")
    await expect(legend.get_by_text("Needs attention")).to_be_visible()
    places = [await part.bounding_box() for part in (page.get_by_test_id("map"), legend)]
    assert places[0] and places[1]
    assert places[1]["y"] >= places[0]["y"] + places[0]["height"]

    lion = site.get(f"{API}/lions")["lions"][0]["lion_id"]
    await page.goto(f"/#/lions/{lion}")
    label, track = page.locator(".lion-label"), page.get_by_test_id("map")
    await expect(page.get_by_test_id("track-summary")).to_contain_text("walked")

    async def inside() -> tuple[Any, Any]:
        name, around = await label.bounding_box(), await track.bounding_box()
        return bool(name and around and name["x"] + name["width"] <= around["x"] + around["width"]), True

    await same(inside)
