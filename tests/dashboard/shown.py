"""What a page shows, as text, and how it should show what the API says: numbers, days and times as people read them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from playwright.async_api import Page

NONE = "–"
BAND_NAMES = {"excellent": "Excellent", "good": "Good", "needs_attention": "Needs attention", "unknown": "Unknown"}
TRENDS = {"gaining": "↗ gaining", "stable": "→ stable", "losing": "↘ losing", "unknown": "unknown"}
_CELLS = """table => [...table.tBodies[0].rows].map(
    (row) => [...row.cells].map((cell) => cell.innerText.replace(/\\s+/g, ' ').trim()))"""

Compare = Callable[[], Awaitable[tuple[Any, Any]]]


def decimal(value: float | None, digits: int = 1) -> str:
    """``1,234.5``; halves go up, as JavaScript's do."""
    if value is None:
        return NONE
    return f"{Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,}"


def whole(value: float | None) -> str:
    """``1,234``"""
    return decimal(value, 0)


def with_unit(value: float | None, unit: str, digits: int = 1) -> str:
    """``171.3 kg``; nothing has no unit."""
    return NONE if value is None else f"{decimal(value, digits)} {unit}"


def distance(metres: float | None) -> str:
    """``640 m``, ``12.3 km``"""
    if metres is None:
        return NONE
    return f"{whole(metres)} m" if metres < 1000 else f"{decimal(metres / 1000)} km"


def size(amount: int) -> str:
    """``8.1 MB``"""
    value, units = float(amount), ["B", "kB", "MB", "GB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{decimal(value, 0 if units[0] == 'B' else 1)} {units[0]}"


def long_day(text: str) -> str:
    """``25 Nov 2026``"""
    day = date.fromisoformat(text[:10])
    return f"{day.day} {day:%b} {day.year}"


def long_time(text: str | None) -> str:
    """``25 Nov 2026, 14:05 UTC``"""
    if text is None:
        return NONE
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return f"{long_day(moment.isoformat())}, {moment:%H:%M} UTC"


def band_of(score: float | None) -> str:
    """The name of a health score's band."""
    if score is None:
        return BAND_NAMES["unknown"]
    return BAND_NAMES["excellent" if score > 80 else "good" if score >= 60 else "needs_attention"]


def lion_rows(lions: list[dict[str, Any]]) -> list[list[str]]:
    """The table of lions, by name."""
    return [
        [
            lion["name"],
            decimal(lion["health_score"]),
            band_of(lion["health_score"]),
            decimal(lion["current_weight"]),
            whole(lion["tracking_frequency"]),
            decimal(lion["position_lat"], 4),
            decimal(lion["position_lng"], 4),
            long_time(lion["updated_at"]),
        ]
        for lion in sorted(lions, key=lambda lion: lion["name"])
    ]


def sums(lions: list[dict[str, Any]]) -> dict[str, Any]:
    """Lions in sum, each by what was last known of it: how many of each band, mean health and weight."""

    def mean(name: str) -> float | None:
        known = [lion[name] for lion in lions if lion[name] is not None]
        return sum(known) / len(known) if known else None

    bands = [band_of(lion["health_score"]) for lion in lions]
    return {
        **{band: bands.count(name) for band, name in BAND_NAMES.items()},
        "health": mean("health_score"),
        "weight": mean("current_weight"),
    }


async def figure(page: Page, testid: str) -> str:
    """The number of a figure with its unit, without its name and hint."""
    part = page.get_by_test_id(testid).locator("dd")
    text: str = await part.evaluate(
        "dd => [...dd.childNodes].filter((n) => !n.classList?.contains('hint')).map((n) => n.textContent).join('')"
    )
    return " ".join(text.split())


async def figures(page: Page, *testids: str) -> list[str]:
    """Several figures."""
    return [await figure(page, testid) for testid in testids]


async def table(page: Page, testid: str) -> list[list[str]]:
    """The cells of a table's body."""
    cells: list[list[str]] = await page.get_by_test_id(testid).evaluate(_CELLS)
    return cells


async def chart_table(page: Page, testid: str) -> list[list[str]]:
    """The numbers behind a chart, from the table that it unfolds."""
    chart = page.get_by_test_id(testid)
    if not await chart.locator("details").evaluate("details => details.open"):
        await chart.get_by_text("Numbers as a table").click()
    cells: list[list[str]] = await chart.locator("table").last.evaluate(_CELLS)
    return cells


async def is_drawn(page: Page, testid: str) -> bool:
    """Whether a chart's canvas holds anything."""
    drawn: bool = (
        await page.get_by_test_id(testid)
        .locator("canvas")
        .first.evaluate("c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((byte) => byte !== 0)")
    )
    return drawn


async def same(compare: Compare, timeout_s: float = 10.0) -> None:
    """Fail unless what ``compare`` gives, what is shown and what should be, become equal: data move while one looks."""
    until = time.monotonic() + timeout_s
    while True:
        shown, right = await compare()
        if shown == right or time.monotonic() > until:
            assert shown == right, f"shown: {shown}\nright: {right}"
            return
        await asyncio.sleep(0.3)


def column(rows: Sequence[Sequence[str]], number: int) -> list[str]:
    """One column of a table."""
    return [row[number] for row in rows]
