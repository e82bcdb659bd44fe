"""Reading the committed dashboards of Grafana as it would."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.worker_process import REPOSITORY

GRAFANA = REPOSITORY / "deploy" / "grafana"
PROVISIONING = GRAFANA / "provisioning"
NAMES = tuple(sorted(path.stem for path in (GRAFANA / "dashboards").glob("*.json")))
BUILT_IN = {"__rate_interval", "__range", "__interval"}


def load(name: str) -> dict[str, Any]:
    """One of them, anew."""
    return dict(json.loads((GRAFANA / "dashboards" / f"{name}.json").read_text()))


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels but the headings of rows."""
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def expressions(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """Every expression of every panel."""
    return (target["expr"] for panel in panels(dashboard) for target in panel["targets"])


def texts(value: Any) -> Iterator[str]:
    """Every text in a document, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for held in value.values():
            yield from texts(held)
    elif isinstance(value, list):
        for held in value:
            yield from texts(held)
