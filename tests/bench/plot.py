"""The result as bars: SVG without a script."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from tests.bench.result import Result

_ROW_PX, _WIDTH, _ROOM_PX = 30, 1_000, 110
_COLOURS = {"floor": "#8c8c8c", "windows": "#2f6f9f", "whole": "#d9822b", "ours": "#4a8f4d"}
_SCRIPT = "{http://www.w3.org/2000/svg}script"


def svg(result: Result) -> bytes:
    """A bar for each contender, the whole job's below windows only; ours are green. Of the floor, its serial sum."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library that looks for its plug-ins
        import pygal
        from pygal.style import Style

    bars = list(_bars(result))
    chart = pygal.HorizontalBar(
        js=[], width=_WIDTH, height=_ROOM_PX + _ROW_PX * len(bars), explicit_size=True, show_legend=False,
        value_formatter=lambda value: f"{value:,.0f}", zero=0, truncate_label=-1, show_minor_x_labels=False,
        x_labels_major_count=5,
        title=f"Events per second, one backlog of {result.events:,}",
        style=Style(
            background="white", plot_background="white", font_family="sans-serif", opacity="1", label_font_size=13,
            major_label_font_size=13, title_font_size=16, transition="0s",
        ),
    )  # fmt: skip
    chart.x_labels = [f"{name}: {rate:,.0f}" for name, rate, _ in bars]
    chart.add("", [{"value": rate, "color": colour} for _, rate, colour in bars])
    chart.uuid = "bench"  # drawn at random otherwise
    chart.add_xml_filter(_drawing_alone)
    drawn: bytes = chart.render()
    return drawn


def _bars(result: Result) -> Iterator[tuple[str, float, str]]:
    """Name, events per second and colour, from the lowest bar to the highest."""
    for group in ("whole", "windows"):
        for c in reversed(result.contenders.values()):
            if c.group == group:
                yield c.name, c.events_per_s, _COLOURS["ours" if c.name.startswith("LionTrack") else group]
    floor = result.floor("floor: COPY")
    if floor is not None:
        yield "floor: read, COPY, write", floor, _COLOURS["floor"]


def _drawing_alone(root: Any) -> Any:
    """Without scripts and comments."""
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in (_SCRIPT, "script") or not isinstance(child.tag, str)]:
            parent.remove(child)
    return root
