"""A report's charts: SVG without a script, the same bytes for the same figures."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from liontrack_stream.exports.texts import one_line
from liontrack_stream.report.figures import Figures

_WIDTH, _HEIGHT = 860, 340
_ROW_PX = 26
_SCRIPT = "{http://www.w3.org/2000/svg}script"
_GREEN, _AMBER, _RED = "#4a8f4d", "#d9a21b", "#b3401f"
_COLOURS = ("#2f6f9f", "#d9822b", "#4a8f4d", "#8a5aa8", "#8c8c8c")
_LABEL_MAX = 60
SHOWN_RULES = 15


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, and the name of its file beside a page."""

    name: str
    title: str
    svg: bytes
    file_name: str

    @property
    def data_uri(self) -> str:
        """For a page that has to be whole by itself; a browser runs nothing that is in an image."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg).decode()}"


def draw(figures: Figures, prefix: str) -> dict[str, Chart]:
    """Every chart that has something to show, by its name; files are called ``<prefix>-<name>.svg``."""
    drawn = {
        "records": ("Records by topic and UTC day", _records(figures)),
        "dead-letters": ("Dead letters by rule", _dead_letters(figures)),
        "quality": ("Quality by table, in percent", _quality(figures)),
        "health": ("Lions by health", _health(figures)),
        "engagement": ("Users' mean engagement by UTC day", _engagement(figures)),
    }
    return {
        name: Chart(name, title, _rendered(chart, name), f"{prefix}-{name}.svg")
        for name, (title, chart) in drawn.items()
        if chart is not None
    }


def _records(figures: Figures) -> Any:
    if not figures.records_total:
        return None
    chart = _chart("StackedBar", legend_at_bottom=True, legend_at_bottom_columns=3)
    chart.x_labels = [f"{day:%m-%d}" for day in figures.days]
    if len(figures.days) > 12:
        chart.x_label_rotation = 60
    for topic, counts in figures.records.items():
        chart.add(topic, list(counts))
    return chart


def _dead_letters(figures: Figures) -> Any:
    counts: dict[str, int] = {}
    for row in figures.dead_letters:
        counts[row["rule"]] = counts.get(row["rule"], 0) + row["records"]
    most = sorted(counts, key=lambda rule: (-counts[rule], rule))[:SHOWN_RULES]
    return _bars({rule: counts[rule] for rule in reversed(most)}, [_RED] * len(most))


def _quality(figures: Figures) -> Any:
    means = {row["table_name"]: row["avg_quality"] for row in reversed(figures.quality)}
    return _bars(means, [_quality_colour(value) for value in means.values()], range=(0, 100))


def _quality_colour(percent: float) -> str:
    return _RED if percent < 80 else _AMBER if percent < 100 else _GREEN


def _health(figures: Figures) -> Any:
    bands = {
        "excellent (over 80)": (figures.health["excellent_health"], _GREEN),
        "good (60 to 80)": (figures.health["good_health"], _AMBER),
        "needs attention (under 60)": (figures.health["needs_attention"], _RED),
    }
    if not any(count for count, _ in bands.values()):
        return None
    chart = _chart("Pie", inner_radius=0.5, height=260, colours=[colour for _, colour in bands.values()])
    for band, (count, _) in bands.items():
        chart.add(f"{band}: {count}", count)
    return chart


def _engagement(figures: Figures) -> Any:
    if not figures.engagement:
        return None
    means = {row["activity_date"]: row["avg_engagement"] for row in figures.engagement}
    chart = _chart("Line", show_legend=False, range=(0, max(10.0, *means.values())))
    chart.x_labels = [f"{day:%m-%d}" for day in figures.days]
    if len(figures.days) > 12:
        chart.x_label_rotation = 60
    chart.add("mean engagement", [means.get(day) for day in figures.days])
    return chart


def _bars(values: Mapping[str, float], colours: Sequence[str], **options: Any) -> Any:
    if not values:
        return None
    chart = _chart("HorizontalBar", show_legend=False, height=80 + _ROW_PX * len(values), **options)
    chart.x_labels = [one_line(name)[:_LABEL_MAX] for name in values]  # others name tables as they like
    chart.add("", [{"value": value, "color": colour} for value, colour in zip(values.values(), colours, strict=True)])
    return chart


def _chart(kind: str, *, height: int = _HEIGHT, colours: Sequence[str] = _COLOURS, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library that looks for its plug-ins
        import pygal
        from pygal.style import Style

    style = Style(
        background="white", plot_background="white", font_family="sans-serif", colors=tuple(colours), opacity="1",
        label_font_size=12, major_label_font_size=12, legend_font_size=13, transition="0s",
    )  # fmt: skip
    return getattr(pygal, kind)(
        js=[],
        style=style,
        width=_WIDTH,
        height=height,
        explicit_size=True,
        truncate_legend=-1,
        truncate_label=-1,
        **options,
    )


def _rendered(chart: Any, name: str) -> bytes:
    chart.uuid = name  # drawn at random otherwise
    chart.add_xml_filter(_drawing_alone)
    svg: bytes = chart.render()
    return svg


def _drawing_alone(root: Any) -> Any:
    """Without scripts, and comments that tell the day."""
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in (_SCRIPT, "script") or not isinstance(child.tag, str)]:
            parent.remove(child)
    return root
