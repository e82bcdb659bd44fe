"""One worker and one Chromium for all tests of the dashboard; a fresh context for each."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page
from pydantic import SecretStr

from liontrack_stream.settings import Settings
from tests.dashboard.browsing import DESKTOP, Guard, Theme, async_playwright, launch
from tests.dashboard.live_site import LiveSite
from tests.support.needs import needs_command
from tests.support.pipeline_kit import PipelineKit
from tests.support.stack import copied_database, new_topic_prefix, settings_of_its_own
from tests.views.tokens import SECRET

Visit = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Debian's browser."""
    return needs_command("chromium")


@pytest.fixture(scope="package")
def site(
    chromium: str, stack_settings: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveSite]:
    """The served dashboard. It asks for the browser first: without one there is no use in a worker."""
    folder: Path = tmp_path_factory.mktemp("dashboard")
    with copied_database(stack_settings, template_database) as database:
        settings = settings_of_its_own(stack_settings, database, new_topic_prefix(), folder)
        kit = PipelineKit(settings.model_copy(update={"jwt_secret": SecretStr(SECRET)}), folder)
        try:
            yield LiveSite(kit)
        finally:
            kit.end()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A headless Chromium."""
    os.environ["PW_EXPERIMENTAL_SERVICE_WORKER_NETWORK_EVENTS"] = "1"  # their requests are to be seen too
    async with async_playwright() as playwright:
        browser = await launch(playwright, chromium)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def guards() -> AsyncIterator[list[Guard]]:
    """The guards of a test's contexts; what they found fails the test."""
    found: list[Guard] = []
    yield found
    unexpected = [finding for guard in found for finding in guard.unexpected()]
    assert not unexpected, "\n".join(unexpected)


@pytest_asyncio.fixture(loop_scope="session")
async def new_context(
    site: LiveSite, browser: Browser, guards: list[Guard]
) -> AsyncIterator[Callable[..., Awaitable[BrowserContext]]]:
    """``await new_context(size=DESKTOP, theme="light")``: a browser profile of its own, guarded."""
    async with AsyncExitStack() as stack:

        async def open_context(size: tuple[int, int] = DESKTOP, theme: Theme = "light") -> BrowserContext:
            width, height = size
            context = await browser.new_context(
                base_url=site.url,
                viewport={"width": width, "height": height},
                color_scheme=theme,
                locale="en-GB",
                timezone_id="UTC",
                reduced_motion="reduce",
            )
            context.set_default_timeout(10_000)
            stack.push_async_callback(context.close)
            # before that: an answer that is being changed would fail, and take the connection to the browser along
            stack.push_async_callback(context.unroute_all, behavior="ignoreErrors")
            guards.append(Guard(context, site.url))
            return context

        yield open_context


@pytest_asyncio.fixture(loop_scope="session")
async def visit(site: LiveSite, new_context: Callable[..., Awaitable[BrowserContext]]) -> Visit:
    """``await visit("#/lions/x", token=None, **context)``: a page of the dashboard in a fresh context."""

    async def open_page(path: str = "", token: str | None = None, **options: object) -> Page:
        context = await new_context(**options)
        if token is not None:
            keep = f"sessionStorage.setItem('liontrack.token', '{token}')"
            await context.add_init_script(f"if (location.origin === '{site.url}') {keep}")
        page = await context.new_page()
        await page.goto(f"/{path}")
        return page

    return open_page
