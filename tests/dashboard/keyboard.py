"""A page as somebody uses it who has only a keyboard."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.async_api import Page

# Numbers what Tab should reach, and keeps how each looks without focus. A radio group is one stop.
_NUMBER = """() => {
    const looks = (element) => {
        const style = getComputedStyle(element);
        return [style.outline, style.boxShadow, style.border, style.backgroundColor, style.stroke, style.strokeWidth];
    };
    window.looks = looks;
    const all = document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]');
    window.stops = [...all].filter(
        (element) => element.tabIndex >= 0 && !element.disabled && !element.closest('[inert], [hidden]')
            && element.checkVisibility({ visibilityProperty: true })
            && !(element.type === 'radio' && !element.checked));
    if (document.activeElement) document.activeElement.blur();
    window.unfocused = window.stops.map((element) => String(looks(element)));
    return window.stops.map((element) => element.outerHTML.slice(0, 160));
}"""
_FOCUSED = """() => {
    const element = document.activeElement, number = window.stops.indexOf(element);
    return [number, number >= 0 && String(window.looks(element)) !== window.unfocused[number]];
}"""


@dataclass(frozen=True)
class Walk:
    """What Tab reached: the stops in order, those it never came to, those that do not show their focus."""

    order: list[str]
    unreached: list[str]
    invisible: list[str]


async def walk_by_tab(page: Page) -> Walk:
    """Press Tab from the page's beginning until everything was reached, or nothing new comes."""
    stops: list[str] = await page.evaluate(_NUMBER)
    order: list[int] = []
    invisible: set[int] = set()
    for _ in range(len(stops) + 5):
        await page.keyboard.press("Tab")
        number, shown = await page.evaluate(_FOCUSED)
        if number < 0:
            continue
        if not shown:
            invisible.add(number)
        if number not in order:
            order.append(number)
    return Walk(
        [stops[number] for number in order],
        [stop for number, stop in enumerate(stops) if number not in order],
        [stops[number] for number in sorted(invisible)],
    )
