"""Chromium as the tests use it: contexts that note whatever should not happen, and pictures of pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Route, async_playwright

Theme = Literal["light", "dark"]
DESKTOP, PHONE = (1280, 800), (360, 740)
PICTURES = Path(__file__).parents[2] / ".cache" / "screenshots"
_ARGUMENTS = (
    "--no-sandbox",  # root has no other way
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no other host exists
)
_SEVERE = ("serious", "critical")


async def launch(playwright: Any, chromium: str) -> Browser:
    """A headless Chromium that can reach this machine alone."""
    browser: Browser = await playwright.chromium.launch(executable_path=chromium, args=list(_ARGUMENTS))
    return browser


class Guard:
    """What a context did that it should not: errors in the console, broken policies, requests to other hosts."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.findings: list[str] = []
        self.requests: list[str] = []
        self._origin, self._expected = origin, list[re.Pattern[str]]()
        context.on("console", self._console)
        context.on("weberror", lambda error: self._note(f"uncaught: {error.error}"))
        context.on("request", self._request)

    def expect(self, pattern: str) -> None:
        """Findings that match are meant, from now on and so far."""
        self._expected.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        """What was found and not expected."""
        return [found for found in self.findings if not any(pattern.search(found) for pattern in self._expected)]

    def _note(self, found: str) -> None:
        self.findings.append(found)

    def _console(self, message: ConsoleMessage) -> None:
        if "willReadFrequently" in message.text:  # Chromium's advice to the test that reads the map's pixels
            return
        if message.type in ("error", "warning"):
            self._note(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)
        if not request.url.startswith((f"{self._origin}/", "data:", f"blob:{self._origin}/")):
            self._note(f"request to another host: {request.url}")


async def take_picture(page: Page, name: str) -> None:
    """Keep a picture of the whole page in `.cache/screenshots`, for people to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}.png", full_page=True, animations="disabled")


async def violations(page: Page) -> list[str]:
    """What axe-core finds wrong on a page that keeps people out, a line each."""
    result = (await Axe().run(page)).response
    return [
        f"{found['id']} ({found['impact']}): {found['help']}: {node['html'][:200]}"
        for found in result["violations"]
        if found["impact"] in _SEVERE
        for node in found["nodes"]
    ]


async def sideways_px(page: Page) -> int:
    """How far the page is wider than its window."""
    width: int = await page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")
    return width


async def broken_figures(page: Page) -> list[str]:
    """Figures whose number and unit are not on one line, or do not fit into their place."""
    broken: list[str] = await page.locator(".stat .figure").evaluate_all("""figures => figures
        .filter((it) => it.getClientRects().length > 1 || it.offsetWidth > it.parentElement.clientWidth)
        .map((it) => `broken: ${it.innerText}`)""")
    return broken


async def limit_pages(page: Page, route: str, limit: int) -> None:
    """From now on the API's lists under ``route`` come in pages of ``limit``."""

    async def shorten(asked: Route) -> None:
        url = asked.request.url
        await asked.continue_(url=url if "limit=" in url else f"{url}{'&' if '?' in url else '?'}limit={limit}")

    await page.context.route(re.compile(rf"/api/analytics/{route}(\?|$)"), shorten)


async def change_answer(page: Page, route: str, change: Callable[[Any], Any]) -> None:
    """From now on the API's answers under ``route`` are what ``change`` makes of them."""

    async def answer(asked: Route) -> None:
        response = await asked.fetch()
        await asked.fulfill(response=response, json=change(await response.json()))

    await page.context.route(re.compile(rf"/api/analytics/{route}(\?|$)"), answer)


__all__ = ["DESKTOP", "PHONE", "Guard", "async_playwright", "launch", "take_picture", "violations"]
