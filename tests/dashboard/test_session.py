"""Who looks: signing in and out, tokens that are refused, and what a visitor sees instead."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import Page, expect

from tests.dashboard.browsing import Guard
from tests.dashboard.conftest import Visit
from tests.dashboard.live_site import LiveSite
from tests.views.tokens import REFUSED

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def sign_in(page: Page, token: str, remember: bool = False) -> None:
    """Through the dialog, with the keyboard's Enter."""
    await page.get_by_test_id("sign-in").click()
    dialog = page.get_by_role("dialog", name="Sign in")
    await dialog.get_by_label("Token", exact=True).fill(token)
    if remember:
        await dialog.get_by_label("Remember on this device").check()
    await dialog.get_by_role("button", name="Sign in").click()


async def test_signing_in_opens_what_takes_a_token(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/users")
    await expect(page.get_by_test_id("sign-in-first")).to_be_visible()
    user = site.users[0]
    await sign_in(page, site.token(user, roles=("user",)))
    await expect(page.get_by_test_id("shown-user")).to_contain_text(user)
    await expect(page.get_by_test_id("challenges-table")).to_be_visible()
    await expect(page.get_by_test_id("user-picker")).to_have_count(0)
    await expect(page.get_by_test_id("who")).to_contain_text(f"{user} (user)")

    await page.get_by_test_id("sign-out").click()
    await expect(page.get_by_test_id("sign-in-first")).to_be_visible()
    await expect(page.get_by_test_id("challenges-table")).to_have_count(0)
    await expect(page.get_by_test_id("who")).to_contain_text("Guest")
    kept = await page.evaluate("JSON.stringify([sessionStorage, localStorage])")
    assert "eyJ" not in kept, "no token is left"


async def test_a_token_is_remembered_only_when_asked_to(site: LiveSite, visit: Visit) -> None:
    page = await visit("#/users")
    await sign_in(page, site.token())
    await expect(page.get_by_test_id("sign-out")).to_be_visible()
    assert await page.evaluate("localStorage.getItem('liontrack.token')") is None
    await page.reload()
    await expect(page.get_by_test_id("sign-out")).to_be_visible()
    await page.get_by_test_id("sign-out").click()
    await sign_in(page, site.token(), remember=True)
    await expect(page.get_by_test_id("sign-out")).to_be_visible()
    other = await page.context.new_page()
    await other.goto("/#/users")
    await expect(other.get_by_test_id("sign-out")).to_be_visible()


@pytest.mark.parametrize("kind", ["expired", "wrong signature", "not a token"])
async def test_a_wrong_token_is_refused_with_the_reason(visit: Visit, guards: list[Guard], kind: str) -> None:
    page = await visit("#/users")
    guards[0].expect(r"401 \(Unauthorized\)")
    token = "hello" if kind == "not a token" else REFUSED[kind]["Authorization"].removeprefix("Bearer ")
    await sign_in(page, token)
    alert = page.get_by_role("dialog").get_by_role("alert")
    says = {"expired": "has expired", "wrong signature": "not valid", "not a token": "no token"}
    await expect(alert).to_contain_text(says[kind])
    await expect(page.get_by_label("Token", exact=True)).to_have_attribute("aria-invalid", "true")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_test_id("sign-in")).to_be_visible()


async def test_a_token_that_expires_is_asked_for_again(site: LiveSite, visit: Visit, guards: list[Guard]) -> None:
    page = await visit("#/users", token=site.token(exp=int(time.time()) - 5))
    guards[0].expect(r"401 \(Unauthorized\)")
    await expect(page.get_by_test_id("sign-in-reason")).to_contain_text("expired")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_test_id("sign-in")).to_be_visible()
    await expect(page.get_by_test_id("chart-trend-engagement")).to_be_visible()


async def test_nobody_is_shown_anothers_user(site: LiveSite, visit: Visit, guards: list[Guard]) -> None:
    me, other = site.users[:2]
    page = await visit(f"#/users/{other}", token=site.token(me, roles=("user",)))
    guards[0].expect(r"403 \(Forbidden\)")
    await expect(page.get_by_test_id("error").first).to_contain_text("Forbidden")
    await expect(page.get_by_test_id("challenges-table")).to_have_count(0)


async def test_colours_follow_the_system_until_somebody_chooses(visit: Visit) -> None:
    page = await visit("#/quality", theme="dark")
    root = page.locator("html")
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.get_by_test_id("theme").click()
    await expect(root).to_have_attribute("data-theme", "light")
    await page.reload()
    await expect(root).to_have_attribute("data-theme", "light")
    await page.get_by_test_id("theme").click()
    await expect(root).to_have_attribute("data-theme", "dark")
