"""What a phone's narrow window may not hide."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.dashboard.browsing import DESKTOP, PHONE
from tests.dashboard.conftest import Visit
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
    await expect(page.get_by_role("columnheader", name="Last fix")).to_be_in_viewport(ratio=1)

    await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    await more(left=False, right=False)
    await expect(page.get_by_role("group", name="Lions", exact=True)).not_to_have_attribute("tabindex", "0")


async def test_nothing_lies_on_the_map_but_its_own(visit: Visit) -> None:
    page = await visit("#/map", size=PHONE)
    await expect(page.locator(".lion-label").first).to_be_visible()
    legend = page.get_by_label("Colours: health")
    await expect(legend.get_by_text("Needs attention")).to_be_visible()
    places = [await part.bounding_box() for part in (page.get_by_test_id("map"), legend)]
    assert places[0] and places[1]
    assert places[1]["y"] >= places[0]["y"] + places[0]["height"]
