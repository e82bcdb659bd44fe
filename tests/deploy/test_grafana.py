"""Grafana's dashboards: the committed files are what the code makes, whole, in order, and fit what is deployed.

Whether their queries return anything is asked of a real Prometheus in `tests/monitoring/test_grafana.py`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana import limits, write
from tests.support.grafana import BUILT_IN, NAMES, PROVISIONING, expressions, load, panels, texts
from tests.support.worker_process import REPOSITORY

PROMETHEUS = yaml.safe_load((REPOSITORY / "deploy" / "prometheus" / "prometheus.yml").read_text())
PAGES = REPOSITORY / "liontrack_stream" / "views" / "web_app" / "src" / "app.tsx"
ALL = pytest.mark.parametrize("name", NAMES)


def test_there_are_the_four() -> None:
    titles = {load(name)["title"]: load(name)["uid"] for name in NAMES}
    assert titles == {
        "Pipeline Health": "liontrack-pipeline-health",
        "Data Quality": "liontrack-data-quality",
        "System Health": "liontrack-system-health",
        "Kafka Metrics": "liontrack-kafka-metrics",
    }


def test_the_files_are_what_the_code_makes() -> None:
    made = {name: write.text(document) for name, document in write.documents().items()}
    held = {path.stem: path.read_text() for path in write.FOLDER.iterdir()}
    assert made.keys() == held.keys()
    assert made == held, "the dashboards' code or a limit of the alerts changed: run `make dashboards`"


def test_writing_deletes_what_is_no_dashboard_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "FOLDER", tmp_path)
    (tmp_path / "old.json").write_text("{}")
    write.main()
    first = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert first.keys() == {f"{name}.json" for name in NAMES}
    write.main()
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == first


@ALL
def test_grafanas_own_types_read_it_whole(name: str) -> None:
    register_default_plugins()
    held = load(name)
    read = json.loads(json.dumps(Dashboard.from_json(load(name)), cls=JSONEncoder))
    for annotation in held["annotations"]["list"]:
        for field in write.MARKS[annotation["name"]]:  # the SDK does not know these
            del annotation[field]
    for document in (read, held):
        for panel in panels(document):
            panel["fieldConfig"]["defaults"].setdefault("custom", {})
    assert read == held


@ALL
def test_panels_stand_in_24_columns_without_overlap_or_hole(name: str) -> None:
    taken: Counter[tuple[int, int]] = Counter()
    for panel in load(name)["panels"]:
        at = panel["gridPos"]
        assert at["x"] >= 0 and at["w"] >= 1 and at["x"] + at["w"] <= 24, panel["title"]
        taken.update((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"]))
    assert max(taken.values()) == 1
    assert len(taken) == 24 * (1 + max(y for _, y in taken))


@ALL
def test_each_panel_says_what_it_is_and_what_to_do(name: str) -> None:
    held = load(name)
    everything = held["panels"]
    assert (
        len({panel["id"] for panel in everything}) == len({panel["title"] for panel in everything}) == len(everything)
    )
    for panel in panels(held):
        title = panel["title"]
        assert len(panel["description"]) > 60 and panel["description"].endswith("."), title
        assert panel["fieldConfig"]["defaults"]["unit"] or panel["options"]["yAxis"]["unit"], title
        targets = panel["targets"]
        assert targets and len({target["refId"] for target in targets}) == len(targets), title
        assert all(target["legendFormat"] != "__auto" or panel["type"] == "table" for target in targets), title
        assert {source(at) for at in (panel, *targets) if "datasource" in at} == {SOURCE_UID}, title


@ALL
def test_variables_that_are_used_exist_and_those_that_exist_are_used(name: str) -> None:
    held = load(name)
    known = {variable["name"] for variable in held["templating"]["list"]}
    used = {found for text in texts(held) for found in re.findall(r"\$\{?(\w+)", text)} - {"__all"}
    assert used - BUILT_IN == known
    for variable in held["templating"]["list"]:
        assert variable["description"] and variable["label"], variable["name"]
        if variable["type"] == "query":
            assert variable["includeAll"] and variable["multi"] and source(variable) == SOURCE_UID


@ALL
def test_rates_are_over_grafanas_interval_and_end_counts_over_a_named_one(name: str) -> None:
    ranges = [found for expr in expressions(load(name)) for found in re.findall(r"(\w+)\([^()\[\]]*\[([^\]]+)\]", expr)]
    assert ranges
    for function, over in ranges:
        allowed = {"rate": {"$__rate_interval"}, "increase": {"$__rate_interval", "$__range", "1h"}}
        assert over in allowed[function], f"{function}[{over}]"


def test_a_regular_expression_takes_what_a_variable_holds() -> None:
    for name in NAMES:
        for expr in expressions(load(name)):
            assert not re.search(r'[^~]"\$(?!__)', expr), f"{expr}: a variable with several values needs =~"


def test_limits_are_the_alerts() -> None:
    """The figures that the project was asked for; the others are the alerts' as well, by `limits.of`."""
    assert (limits.QUALITY.value, limits.LAG.value, limits.CONNECTIONS.value) == (80, 10_000, 80)
    assert limits.QUALITY.below and not limits.LAG.below
    assert limits.CERTIFICATE_S.value == 14 * 86400
    with pytest.raises(KeyError):
        limits.of("NoSuchAlert")
    with pytest.raises(LookupError, match="compares with no number"):
        limits.of("LionTrackReplayStuck")


def test_each_alert_has_a_panel_that_names_it_and_its_page() -> None:
    named = {
        found
        for name in NAMES
        for panel in panels(load(name))
        for found in re.findall(r"Alert: (\w+) \((.+)\)\.$", panel["description"])
    }
    assert {alert for alert, _ in named} == limits.alerts().keys()
    assert all((REPOSITORY / page).is_file() for _, page in named)


@ALL
def test_dashboards_lead_to_each_other_and_to_liontracks_pages(name: str) -> None:
    held = load(name)
    assert "liontrack" in held["tags"] and held["editable"] is False and held["refresh"] == "30s"
    siblings, _ = held["links"]
    assert siblings["type"] == "dashboards" and siblings["tags"] == ["liontrack"] and siblings["keepTime"]
    pages = re.search(r"const PAGES[^=]*= \{(.*?)\n\};", PAGES.read_text(), re.DOTALL)
    assert pages is not None
    led_to = {page for text in texts(held) for page in re.findall(r"^\$\{liontrack\}/#/(\w+)$", text)}
    assert led_to and led_to <= set(re.findall(r"^  (\w+): \{", pages[1], re.MULTILINE))


def test_grafana_finds_the_data_source_and_the_files() -> None:
    [held] = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert held["uid"] == SOURCE_UID
    assert (held["type"], held["url"], held["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    assert held["jsonData"]["timeInterval"] == PROMETHEUS["global"]["scrape_interval"]
    [provider] = yaml.safe_load((PROVISIONING / "dashboards" / "liontrack.yml").read_text())["providers"]
    assert provider["type"] == "file" and provider["folder"] == "LionTrack"
    assert provider["allowUiUpdates"] is False
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"


def test_jobs_are_those_that_prometheus_scrapes() -> None:
    jobs = {job["job_name"] for job in PROMETHEUS["scrape_configs"]}
    named = {job for name in NAMES for text in texts(load(name)) for job in re.findall(r'job="(\w+)"', text)}
    assert {"liontrack", "kafka", "postgres", "node"} <= named <= jobs


def source(of: dict[str, Any]) -> str:
    return str(of["datasource"]["uid"])


def _uids() -> Iterator[str]:
    for name in NAMES:
        yield from re.findall(r'"type": "prometheus",\s+"uid": "([^"]+)"', (write.FOLDER / f"{name}.json").read_text())


[SOURCE_UID] = set(_uids())
