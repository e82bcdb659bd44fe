"""The result as bars: SVG without a script."""

from __future__ import annotations

import warnings
from typing import Any

from tests.bench.result import Result

_ROW_PX, _WIDTH, _ROOM_PX = 30, 1_000, 110
_COLOURS = {"floor": "#8c8c8c", "windows": "#2f6f9f", "whole": "#d9822b", "ours": "#4a8f4d"}
_SCRIPT = "{http://www.w3.org/2000/svg}script"


def svg(result: Result) -> bytes:
    """A bar for each contender, the whole job's below; ours are green."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library that looks for its plug-ins
        import pygal
        from pygal.style import Style

    groups = ("whole", "windows", "floor")
    chosen = [c for group in groups for c in reversed(result.contenders.values()) if c.group == group]
    chart = pygal.HorizontalBar(
        js=[], width=_WIDTH, height=_ROOM_PX + _ROW_PX * len(chosen), explicit_size=True, show_legend=False,
        print_values=True, value_formatter=lambda value: f"{value:,.0f}", logarithmic=True, truncate_label=-1,
        title=f"Events per second, one backlog of {result.events:,} (logarithmic)",
        style=Style(
            background="white", plot_background="white", font_family="sans-serif", opacity="1", label_font_size=13,
            major_label_font_size=13, value_font_size=13, title_font_size=16, transition="0s",
        ),
    )  # fmt: skip
    chart.x_labels = [c.name for c in chosen]
    colours = ["ours" if c.name.startswith("LionTrack") else c.group for c in chosen]
    chart.add("", [{"value": c.events_per_s, "color": _COLOURS[k]} for c, k in zip(chosen, colours, strict=True)])
    chart.uuid = "bench"  # drawn at random otherwise
    chart.add_xml_filter(_drawing_alone)
    drawn: bytes = chart.render()
    return drawn


def _drawing_alone(root: Any) -> Any:
    """Without scripts and comments."""
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in (_SCRIPT, "script") or not isinstance(child.tag, str)]:
            parent.remove(child)
    return root
