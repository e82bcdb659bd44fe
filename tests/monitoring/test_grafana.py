"""Each query of each dashboard returns figures, asked of a real Prometheus as Grafana asks it.

`or vector(0)` hides a metric that is misspelt, so each selector is asked for by itself as well.
"""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from tests.support.grafana import NAMES, expressions, load, panels
from tests.support.monitored import SCRAPE_INTERVAL_S, Monitored
from tests.support.worker_process import wait_until

# What a healthy pipeline without pushes, replays and alerts has no series of.
RIGHTLY_EMPTY = {
    "liontrack_pushed_items_total",  # until somebody pushes
    "minio_s3_requests_errors_total",  # until a request fails
    "ALERTS",  # until one fires
}
FILLED_IN = {
    "$__rate_interval": f"{5 * SCRAPE_INTERVAL_S}s",  # Grafana: four times the interval, and one more
    "$__range": "60s",
    "offset 1d": "offset 5s",
}
SELECTOR = re.compile(r"\b((?:liontrack|faust|kafka|node|pg|minio|process)_\w+|up|ALERTS)\b(\{[^}]*\})?")
ALL = pytest.mark.parametrize("name", NAMES)


@ALL
def test_each_panel_shows_figures(monitored: Monitored, name: str) -> None:
    for panel in panels(load(name)):
        for target in panel["targets"]:
            expr = filled_in(monitored, name, target["expr"])
            wait_until(lambda expr=expr: bool(finite(monitored.query(expr))), 30.0, f"{panel['title']}: {expr}")
            series = monitored.query(expr) if target["instant"] else monitored.query_range(expr)
            assert finite(series), f"{panel['title']}: {expr}"
            for label in re.findall(r"\{\{ *(\w+) *\}\}", target["legendFormat"]):
                assert all(label in of["metric"] for of in series), f"{panel['title']}: no {label} in {series[0]}"


@ALL
def test_each_selector_finds_series(monitored: Monitored, name: str) -> None:
    held = load(name)
    wanted = {found[0] for expr in expressions(held) for found in SELECTOR.finditer(filled_in(monitored, name, expr))}
    assert len(wanted) >= 4
    empty = {selector for selector in wanted if not monitored.query(selector)}
    assert {re.split(r"\{", selector)[0] for selector in empty} <= RIGHTLY_EMPTY


@ALL
def test_each_variable_has_values(monitored: Monitored, name: str) -> None:
    for variable in load(name)["templating"]["list"]:
        if variable["type"] == "query":
            assert values_of(monitored, variable), variable["name"]


@ALL
def test_choosing_one_value_keeps_figures(monitored: Monitored, name: str) -> None:
    """With a value that Grafana offers, written as Grafana writes it, every panel that depends on it has figures."""

    def all_show(variable: str, value: str) -> bool:
        chosen = {variable: escaped(value)}
        return all(
            finite(monitored.query(filled_in(monitored, name, expr, chosen)))
            for expr in expressions(load(name))
            if f"${variable}" in expr
        )

    for variable in load(name)["templating"]["list"]:
        if variable["type"] == "query":
            offered = values_of(monitored, variable)
            assert any(all_show(variable["name"], value) for value in offered), f"{variable['name']}: {offered}"


@ALL
def test_annotations_are_answered(monitored: Monitored, name: str) -> None:
    for annotation in load(name)["annotations"]["list"]:
        series = monitored.query_range(annotation["expr"])
        if annotation["name"] == "Worker started":
            [times] = [{float(value) for _, value in of["values"]} for of in series]
            assert all(0 <= monitored.values("time()")[0] - time / 1000 < 3600 for time in times), times
        elif annotation["name"] == "Replay":
            assert series and all("generation" in of["metric"] for of in series)
        else:
            assert annotation["name"] == "Alert"
            assert all({"alertname", "severity"} <= of["metric"].keys() for of in series)


def filled_in(monitored: Monitored, name: str, expr: str, only: dict[str, str] | None = None) -> str:
    """An expression with Grafana's variables replaced, those of the dashboard by all values or by some."""
    for variable, value in FILLED_IN.items():
        expr = expr.replace(variable, value)
    for variable in load(name)["templating"]["list"]:
        if f"${variable['name']}" in expr:
            chosen = (only or {}).get(variable["name"]) or variable.get("allValue")
            chosen = chosen or f"({'|'.join(map(escaped, values_of(monitored, variable)))})"
            expr = expr.replace(f"${variable['name']}", chosen)
    assert "$" not in expr, expr
    return expr


def values_of(monitored: Monitored, variable: dict[str, Any]) -> list[str]:
    """What Grafana offers for a variable."""
    asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
    assert asked is not None, variable["query"]
    values = monitored.prometheus.get(f"label/{asked[2]}/values", **{"match[]": asked[1]})
    if part := variable.get("regex", "").strip("/"):
        values = [found[1] for value in values if (found := re.search(part, value))]
    return list(values)


def escaped(value: str) -> str:
    """A value as Grafana writes it into a regular expression of Prometheus."""
    return re.escape(value).replace("\\", "\\\\")


def finite(series: list[dict[str, Any]]) -> list[float]:
    """The figures of an answer that are numbers."""
    pairs = [pair for of in series for pair in (of["values"] if "values" in of else [of["value"]])]
    return [float(value) for _, value in pairs if math.isfinite(float(value))]
