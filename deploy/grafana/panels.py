"""What all dashboards share: the data source, kinds of panels, variables, links, annotations.

A panel has a title, a sentence or two on what to do when it looks bad, a unit, and queries. Widths are in Grafana's
24 columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from grafana_foundation_sdk.builders import bargauge, common, heatmap, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    GraphGradientMode,
    GraphThresholdsStyleMode,
    HeatmapCellLayout,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TimeZoneUtc,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = model.DataSourceRef(type_val="prometheus", uid="liontrack-prometheus")
TAG = "liontrack"
GOOD, BAD, NEUTRAL = "green", "red", "blue"
UP_OR_DOWN = model.ValueMap({"0": model.ValueMappingResult(text="down"), "1": model.ValueMappingResult(text="up")})
Panel = bargauge.Panel | heatmap.Panel | stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel


@dataclass(frozen=True, slots=True)
class Query:
    """An expression of Prometheus, and what its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """Where a figure turns bad: from ``value`` on, or (``below``) under it; the alert that watches it, if one does."""

    value: float
    below: bool = False
    alert: str = ""

    def colours(self, good: str = GOOD) -> build.ThresholdsConfig:
        """Red on the bad side, ``good`` on the other."""
        low, high = (BAD, good) if self.below else (good, BAD)
        return _colours((None, low), (self.value, high))


def figure(
    title: str,
    help_: str,
    unit: str,
    expr: str,
    *,
    limit: Limit | None = None,
    width: int = 4,
    decimals: int | None = None,
) -> Panel:
    """One number, with its line behind it unless it is of the whole time that is looked at."""
    whole = "$__range" in expr
    panel = (
        stat.Panel()
        .graph_mode(BigValueGraphMode.NONE if whole else BigValueGraphMode.AREA)
        .color_mode(BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(limit.colours() if limit else _colours((None, NEUTRAL)))
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .min(0)
    )
    if decimals is not None:
        panel.decimals(decimals)
    return _finish(panel, title, _with_alert(help_, limit), unit, [Query(expr, title)], width, 4, instant=whole)


def graph(
    title: str,
    help_: str,
    unit: str,
    *queries: Query,
    limit: Limit | None = None,
    stacked: bool = False,
    max_: float | None = None,
    alert: str = "",
    width: int = 12,
    height: int = 8,
) -> Panel:
    """Lines over time; a limit is drawn as a dashed line. ``alert`` names one whose limit is no figure of the panel."""
    panel = (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(25 if stacked else 8)
        .gradient_mode(GraphGradientMode.OPACITY)
        .show_points(VisibilityMode.NEVER)
        .span_nulls(False)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .axis_soft_min(0)
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    if max_ is not None:
        panel.min(0).max(max_)
    if limit is not None:
        panel.thresholds(limit.colours("transparent"))
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
    return _finish(panel, title, _with_alert(help_, limit, alert), unit, queries, width, height)


def bars(title: str, help_: str, unit: str, query: Query, *, limit: Limit, max_: float, width: int = 12) -> Panel:
    """One bar per series, as it is now."""
    panel = (
        bargauge.Panel()
        .display_mode(BarGaugeDisplayMode.LCD)
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(limit.colours())
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .min(0)
        .max(max_)
    )
    return _finish(panel, title, _with_alert(help_, limit), unit, [query], width, 10, instant=True)


def states(title: str, help_: str, query: Query, *, limit: Limit, width: int = 12) -> Panel:
    """One bar per series, green while it is 1 (up), red while it is 0 (down)."""
    panel = (
        statetimeline.Panel()
        .show_value(VisibilityMode.NEVER)
        .row_height(0.8)
        .fill_opacity(70)
        .legend(common.VizLegendOptions().show_legend(False))
        .mappings([UP_OR_DOWN])
        .thresholds(limit.colours())
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    )
    return _finish(panel, title, _with_alert(help_, limit), "short", [query], width, 8)


def heat(title: str, help_: str, unit: str, buckets: str, *, width: int = 12) -> Panel:
    """How a histogram's observations spread over time; ``buckets`` yields increases by ``le``."""
    panel = (
        heatmap.Panel()
        .calculate(False)
        .rows_frame(heatmap.RowsHeatmapOptions().layout(HeatmapCellLayout.AUTO))
        .color(
            heatmap.HeatmapColorOptions()
            .mode(HeatmapColorMode.SCHEME)
            .scheme("Oranges")
            .scale(HeatmapColorScale.EXPONENTIAL)
            .exponent(0.5)
            .steps(64)
        )
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .cell_gap(1)
        .max_data_points(60)
    )
    return _finish(panel, title, help_, unit, [Query(buckets, "{{le}}")], width, 8, format_=PromQueryFormat.HEATMAP)


def rows(
    title: str, help_: str, unit: str, query: Query, columns: dict[str, str], *, width: int = 12, value: str = "Value"
) -> Panel:
    """A table of what there is now; ``columns`` are all labels and their headings, the figure comes last."""
    keep = model.DataTransformerConfig(
        id_val="organize",
        options={
            "excludeByName": {"Time": True},
            "indexByName": {name: place for place, name in enumerate([*columns, "Value"])},
            "renameByName": {**columns, "Value": value},
        },
    )
    panel = (
        table.Panel()
        .filterable(True)
        .sort_by([common.TableSortByFieldState().display_name(value).desc(True)])
        .with_transformation(keep)
    )
    return _finish(panel, title, help_, unit, [query], width, 10, instant=True, format_=PromQueryFormat.TABLE)


def choice(
    name: str, label: str, help_: str, values_of: str, selector: str, *, part: str | None = None
) -> build.QueryVariable:
    """A variable: any or all of a label's values among the series of a selector.

    With ``part`` the values are what this regular expression's group takes out of them, and all are these, not any.
    """
    asked = f"label_values({selector}, {values_of})"
    variable = (
        build.QueryVariable(name)
        .label(label)
        .description(help_)
        .datasource(SOURCE)
        .query({"qryType": 1, "query": asked, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.NATURAL_ASC)
        .multi(True)
        .include_all(True)
        .current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )
    return variable.all_value(".*") if part is None else variable.regex(f"/{part}/")


def liontrack_page(title: str, page: str) -> build.DashboardLink:
    """A link to a page of LionTrack's own dashboard; its address is a field at the top."""
    return (
        build.DashboardLink(title)
        .type(model.DashboardLinkType.LINK)
        .icon("external link")
        .tooltip("LionTrack's own dashboard")
        .url(f"${{liontrack}}/#/{page}")
        .target_blank(True)
    )


def event(name: str, colour: str, expr: str) -> build.AnnotationQuery:
    """Marks in all graphs: at times that an expression yields as its value, or where it is over 0 (`write.MARKS`)."""
    return build.AnnotationQuery().name(name).datasource(SOURCE).enable(True).icon_color(colour).expr(expr)


def dashboard(title: str, help_: str, page: str, *variables: build.QueryVariable) -> build.Dashboard:
    """An empty dashboard with its links; ``page`` is LionTrack's page on the same matter."""
    siblings = (
        build.DashboardLink("LionTrack")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(True)
        .tooltip("The four dashboards")
    )
    address = "http://127.0.0.1:4001"
    made = (
        build.Dashboard(title)
        .uid(f"{TAG}-{title.lower().replace(' ', '-')}")
        .description(help_)
        .tags([TAG])
        .readonly()
        .version(1)
        .timezone(TimeZoneUtc)
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .time("now-3h", "now")
        .refresh("30s")
        .link(siblings)
        .link(liontrack_page("In LionTrack", page))
    )
    for variable in variables:
        made.with_variable(variable)
    made.with_variable(
        build.TextBoxVariable("liontrack")
        .label("LionTrack's address")
        .description("Where links to LionTrack's own dashboard lead")
        .default_value(address)
        .current(model.VariableOption(selected=True, text=address, value=address))
    )
    for name, (colour, expr) in EVENTS.items():
        made.annotation(event(name, colour, expr))
    return made


EVENTS = {
    "Worker started": ("blue", 'process_start_time_seconds{job="liontrack"} * 1000'),
    "Replay": ("purple", "max by (generation) (liontrack_replay_running)"),
    "Alert": ("red", 'max by (alertname, severity) (ALERTS{alertstate="firing"})'),
}


def fill(into: build.Dashboard, sections: dict[str, list[Panel]]) -> build.Dashboard:
    """Add rows of panels, from left to right, from top to bottom; panels get their ids in this order."""
    ids = count(1)
    for title, panels in sections.items():
        into.with_row(build.Row(title).id(next(ids)))
        for panel in panels:
            into.with_panel(panel.id(next(ids)))
    return into


def _finish(
    panel: Panel,
    title: str,
    help_: str,
    unit: str,
    queries: list[Query] | tuple[Query, ...],
    width: int,
    height: int,
    *,
    instant: bool = False,
    format_: PromQueryFormat = PromQueryFormat.TIME_SERIES,
) -> Panel:
    panel.title(title).description(help_).unit(unit).datasource(SOURCE).span(width).height(height)
    for ref, query in zip("ABCDEFGH", queries, strict=False):
        target = Dataquery().ref_id(ref).expr(query.expr).legend_format(query.legend or "__auto").format(format_)
        panel.with_target(target.instant() if instant else target.range())
    return panel


def _with_alert(help_: str, limit: Limit | None, alert: str = "") -> str:
    """The sentence, with the alert that watches the figure and its page."""
    name = alert or (limit.alert if limit else "")
    return f"{help_}\n\nAlert: {name} (deploy/prometheus/runbooks/{name}.md)." if name else help_


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(LegendDisplayMode.TABLE)
        .placement(LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
    )


def _colours(*steps: tuple[float | None, str]) -> build.ThresholdsConfig:
    return (
        build.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=value, color=colour) for value, colour in steps])
    )
