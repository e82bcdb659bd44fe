"""The dashboard as an app: installable, useful without a connection, and alive with one."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.dashboard.browsing import Guard
from tests.dashboard.conftest import Visit
from tests.dashboard.live_site import API, LiveSite
from tests.dashboard.shown import long_time, same, table

pytestmark = pytest.mark.asyncio(loop_scope="session")
OUT_OF_REACH = "ERR_INTERNET_DISCONNECTED|ERR_FAILED|Failed to fetch"


async def kept(page: Page) -> list[str]:
    """The paths of the answers that the service worker holds."""
    paths: list[str] = await page.evaluate(
        "async () => (await (await caches.open('liontrack-data')).keys()).map((key) => new URL(key.url).pathname)"
    )
    return paths


async def controlled(page: Page) -> None:
    """Wait until the service worker answers for this page."""

    async def state() -> tuple[Any, Any]:
        return await page.evaluate("navigator.serviceWorker.controller?.state"), "activated"

    await same(state, 30.0)


async def installed(page: Page) -> None:
    """Wait for the service worker, and until it has kept what every page shows."""
    await controlled(page)
    wanted = {
        f"{API}/{name}" for name in ("pipeline", "data-quality", "lions", "trends/engagement", "leaderboard/lions")
    }

    async def all_kept() -> tuple[Any, Any]:
        return wanted & set(await kept(page)), wanted

    await same(all_kept, 20.0)


async def test_it_can_be_installed(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/map")
    await controlled(page)
    devtools = await page.context.new_cdp_session(page)
    manifest = await devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    said = json.loads(manifest["data"])
    assert (said["display"], said["start_url"][0], said["scope"]) == ("standalone", "/", "/")
    assert said["name"]
    sizes = {icon["sizes"] for icon in said["icons"]}
    assert {"192x192", "512x512"} <= sizes
    assert any("maskable" in icon.get("purpose", "") for icon in said["icons"])
    for icon in said["icons"]:
        width = await page.evaluate(
            "async (src) => { const i = new Image(); i.src = src; await i.decode(); return i.naturalWidth; }",
            icon["src"],
        )
        assert icon["sizes"] == "any" or str(width) == icon["sizes"].partition("x")[0]
    errors = (await devtools.send("Page.getInstallabilityErrors"))["installabilityErrors"]
    assert [error for error in errors if error["errorId"] != "in-incognito"] == []


async def test_offline_shows_the_last_data_and_says_of_when(site: LiveSite, visit: Visit, guards: list[Guard]) -> None:
    page = await visit("#/map")
    await expect(page.locator(".pin").first).to_be_visible()
    await installed(page)
    guards[0].expect(OUT_OF_REACH)
    before = site.get(f"{API}/lions/positions")["features"]
    pin = page.locator(f".pin[data-lion='{before[0]['id']}']")
    old = long_time(before[0]["properties"]["position_date"])

    await page.context.set_offline(True)
    await page.reload()
    await expect(page.locator(".pin")).to_have_count(len(before))
    await expect(pin).to_have_attribute("aria-label", re.compile(f"last fix {re.escape(old)}$"))
    await expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "offline")
    await expect(page.get_by_test_id("live-state")).to_contain_text("data of")
    await expect(page.get_by_test_id("offline-notice")).to_be_visible()
    for name, testid in (("quality", "quality-table"), ("pipeline", "partitions-table"), ("lions", "lions-table")):
        await page.get_by_test_id(f"nav-{name}").click()
        await expect(page.get_by_test_id(testid)).to_be_visible()
        await expect(page.get_by_test_id("stale").first).to_contain_text("Kept from")
    assert await table(page, "lions-table")
    await page.get_by_test_id("nav-map").click()

    feature = before[0]
    lng, lat = feature["geometry"]["coordinates"]
    sent = await asyncio.to_thread(site.send_fix, feature["properties"], lat + 0.01, lng)
    await page.context.set_offline(False)
    await expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live", timeout=20_000)
    await expect(page.get_by_test_id("offline-notice")).to_have_count(0)

    async def newest() -> tuple[Any, Any]:
        return str(await pin.get_attribute("aria-label")).partition("last fix ")[2], long_time(sent.isoformat())

    await same(newest, 15.0)


async def test_a_new_fix_shows_without_a_reload(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/map")
    await expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
    feature = site.get(f"{API}/lions/positions")["features"][2]
    lion, (lng, lat) = feature["properties"], feature["geometry"]["coordinates"]
    pin = page.locator(f".pin[data-lion='{lion['lion_id']}']")
    await expect(pin).to_be_visible()
    await page.evaluate("window.sameDocument = true")
    place = await pin.bounding_box()

    sent = await asyncio.to_thread(site.send_fix, lion, lat + 0.02, lng + 0.02)

    async def newest() -> tuple[Any, Any]:
        return str(await pin.get_attribute("aria-label")).partition("last fix ")[2], long_time(sent.isoformat())

    await same(newest, 5.0)  # far sooner than the page would ask by itself
    in_list = page.get_by_test_id("lion-list").locator(f"[data-lion='{lion['lion_id']}']")
    await expect(in_list).to_contain_text("just now")
    assert await pin.bounding_box() != place
    assert await page.evaluate("window.sameDocument"), "no reload"


async def test_signing_out_takes_the_kept_data_away(site: LiveSite, visit: Visit, guards: list[Guard]) -> None:
    page = await visit("#/leaderboards")
    await page.evaluate(f"sessionStorage.setItem('liontrack.token', '{site.token()}')")
    await page.reload()
    await expect(page.get_by_test_id("leaderboard-users")).to_be_visible()
    await installed(page)
    await page.get_by_test_id("sign-out").click()
    await expect(page.get_by_test_id("sign-in-first")).to_be_visible()
    guards[0].expect(OUT_OF_REACH)
    await page.context.set_offline(True)
    await page.reload()
    await expect(page.get_by_test_id("leaderboard-users")).to_have_count(0)
    assert not [path for path in await kept(page) if "/users" in path]
