"""The API's description in a browser: nothing from elsewhere, every operation, a token that is sent."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright, expect

from liontrack_stream.views.web import ROUTES
from tests.support.needs import needs_command
from tests.views.conftest import Client
from tests.views.tokens import RANGER


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A page of a headless Chromium."""
    path = needs_command("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield await browser.new_page(viewport={"width": 1280, "height": 900})
        await browser.close()


async def test_operations_are_listed_and_a_token_is_sent(client: Client, page: Page) -> None:
    home = str(client.make_url("/"))
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))

    await page.goto(f"{home}docs")
    await expect(page.locator(".info .title")).to_contain_text("LionTrack Stream")
    await expect(page.locator(".opblock")).to_have_count(len(ROUTES))
    shown = {
        re.sub(r"[\s\u200b]", "", text) for text in await page.locator(".opblock-summary-path").all_text_contents()
    }
    assert "/api/analytics/lions/{lionId}" in shown

    await page.get_by_role("button", name="Authorize", exact=True).click()
    dialog = page.locator(".auth-container")
    await dialog.get_by_role("textbox").fill(RANGER["Authorization"].removeprefix("Bearer "))
    await dialog.get_by_role("button", name="Apply credentials").click()
    await page.get_by_role("button", name="Close", exact=True).click()

    operation = page.locator("#operations-analytics-list_lions")
    await operation.locator(".opblock-summary-control").click()
    async with page.expect_response(lambda response: "/api/analytics/lions" in response.url) as answered:
        await operation.get_by_role("button", name="Execute").click()
    response = await answered.value
    assert response.request.headers["authorization"] == RANGER["Authorization"]
    assert (response.status, response.headers["x-position-precision"]) == (200, "exact")
    await expect(operation.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")

    assert not said, "the policy, or a script, stopped something"
    assert not [url for url in asked if not url.startswith((home, "data:", "blob:"))]
