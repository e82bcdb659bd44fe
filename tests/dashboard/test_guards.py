"""The guards of these tests see what they are there for."""

from __future__ import annotations

import pytest

from tests.dashboard.browsing import Guard, sideways_px, violations
from tests.dashboard.conftest import Visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_should_not_happen_is_noted(visit: Visit, guards: list[Guard]) -> None:
    page = await visit()
    [guard] = guards
    assert guard.unexpected() == []
    await page.evaluate("""async () => {
        const inline = document.createElement('script');
        inline.textContent = 'window.broken = true';
        document.body.append(inline);
        const image = document.createElement('img');
        image.alt = '';
        image.src = 'http://elsewhere.example/pixel.png';
        document.body.append(image);
        await fetch('/static/not-there.js');
        await fetch('http://elsewhere.example/data.json').catch(() => undefined);
        setTimeout(() => { throw new Error('thrown'); });
        await new Promise((done) => setTimeout(done, 100));
    }""")
    assert await page.evaluate("window.broken") is None, "the policy stops inline scripts"
    noted = "\n".join(guard.unexpected())
    for what in (
        "Executing inline script violates",
        "elsewhere.example/pixel.png",
        "not-there.js",
        "data.json",
        "thrown",
    ):
        assert what in noted, what
    guard.expect(".")


async def test_axe_and_width_are_measured(visit: Visit, guards: list[Guard]) -> None:
    page = await visit(size=(360, 740))
    await page.evaluate("""() => {
        document.body.innerHTML = '<img src="/static/sw.js"><div style="width: 900px">.</div>';
    }""")
    assert any(line.startswith("image-alt (critical)") for line in await violations(page))
    assert await sideways_px(page) > 500
    [guard] = guards
    guard.expect(".")
