"""The alerts as they are written: their form, pages and cases; and whether what they ask for is there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import promql_parser
import pytest
import yaml
from faust.cli.faust import cli

from liontrack_stream import commands
from tests.support.alert_rules import FOLDER, RULE_FILES, rules, scaled
from tests.support.monitored import Monitored
from tests.support.needs import needs_command

commands.register()
ALERTS = {rule["alert"]: rule for rule in rules()}
CASES = FOLDER / "tests" / "alerts.yml"
RUNBOOKS = FOLDER / "runbooks"
SECTIONS = ["What it means", "Who notices", "How to look", "What to do", "When it is over"]
_SPAN = re.compile(r"`(liontrack [^`]+)`|^    (liontrack [^#\n]+)", re.M)


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run(
        [needs_command("promtool", "prometheus"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# -- as they are written


def test_promtool_takes_rules_and_configuration() -> None:
    promtool("check", "rules", *RULE_FILES)
    promtool("check", "config", FOLDER / "prometheus.yml")


def test_alertmanager_takes_its_configuration() -> None:
    amtool = needs_command("amtool", "prometheus-alertmanager")
    file = FOLDER / "alertmanager.yml"
    done = subprocess.run([amtool, "check-config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rule_names = re.findall(r"LionTrack\w+", file.read_text())
    assert set(rule_names) <= set(ALERTS)
    config = yaml.safe_load(file.read_text())
    assert all(
        sent["url"].startswith("http://alerts.invalid/")
        for receiver in config["receivers"]
        for sent in receiver["webhook_configs"]
    )


def test_each_alert_fires_and_is_quiet_in_its_cases() -> None:
    promtool("test", "rules", CASES)
    shown: dict[str, set[bool]] = {name: set() for name in ALERTS}
    for case in yaml.safe_load(CASES.read_text())["tests"]:
        (asked,) = case["promql_expr_test"]
        name = re.fullmatch(r'ALERTS\{alertname="(\w+)", alertstate="firing"\}', asked["expr"])
        assert name is not None and case["name"].split()[0] == name[1]
        shown[name[1]].add(bool(asked["exp_samples"]))
    assert shown == {name: {True, False} for name in ALERTS}


def test_the_form_of_each_alert() -> None:
    assert len(ALERTS) == len(rules())
    for name, rule in ALERTS.items():
        assert re.fullmatch(r"LionTrack([A-Z][a-z]+)+", name)
        assert rule["labels"]["severity"] in ("critical", "warning"), name
        assert rule["annotations"]["runbook_url"] == f"deploy/prometheus/runbooks/{name}.md"
        assert all(rule["annotations"][part].strip() for part in ("summary", "description")), name
    critical = {name for name, rule in ALERTS.items() if rule["labels"]["severity"] == "critical"}
    assert {"LionTrackKafkaDown", "LionTrackPipelineFailed"} <= critical


def test_each_alert_has_a_page_and_each_page_an_alert() -> None:
    assert {page.stem for page in RUNBOOKS.iterdir()} == set(ALERTS)
    for page in RUNBOOKS.iterdir():
        text = page.read_text()
        assert text.startswith(f"# {page.stem}\n")
        assert re.findall(r"^## (.*)$", text, re.M) == SECTIONS, page.name
        assert set(re.findall(r"LionTrack\w+", text)) <= set(ALERTS), page.name


def test_commands_in_pages_exist() -> None:
    found = 0
    for page in (*RUNBOOKS.iterdir(), FOLDER / "README.md"):
        for span in _SPAN.finditer(page.read_text()):
            _check_command((span[1] or span[2]).split(), page.name)
            found += 1
    assert found > len(ALERTS)


def _check_command(words: list[str], page: str) -> None:
    """Subcommands and options of a line are those of the command line."""
    command: Any = cli
    rest = words[1:]
    while rest and isinstance(command, click.Group):
        assert rest[0] in command.commands, f"{page}: {' '.join(words)}"
        command, rest = command.commands[rest[0]], rest[1:]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word for word in rest if word.startswith("--")} <= known, f"{page}: {' '.join(words)}"


def test_scaling_changes_durations_and_nothing_else() -> None:
    rule = {"alert": "A", "expr": 'rate(a{le="5m"}[10m]) > 600 and b[2s]', "for": "5m", "labels": {"for": "5m"}}
    (changed,) = scaled({"groups": [{"name": "g", "rules": [rule]}]}, 60)["groups"][0]["rules"]
    assert changed == {**rule, "expr": 'rate(a{le="5m"}[10s]) > 600 and b[5s]', "for": "5000ms"}


# -- in a real Prometheus


def selectors(expression: Any) -> Iterator[promql_parser.VectorSelector]:
    """Every selector of a parsed expression, without its range."""
    match expression:
        case promql_parser.VectorSelector():
            yield expression
        case promql_parser.MatrixSelector():
            yield expression.vector_selector
        case promql_parser.BinaryExpr():
            yield from selectors(expression.lhs)
            yield from selectors(expression.rhs)
        case promql_parser.Call():
            for argument in expression.args:
                yield from selectors(argument)
        case promql_parser.AggregateExpr() | promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            yield from selectors(expression.expr)
        case promql_parser.NumberLiteral() | promql_parser.StringLiteral():
            return
        case _:
            raise AssertionError(f"not looked into: {type(expression).__name__}")


@pytest.mark.parametrize("name", ALERTS)
def test_each_selector_of_a_rule_has_data(monitored: Monitored, name: str) -> None:
    found = [selector.prettify() for selector in selectors(promql_parser.parse(ALERTS[name]["expr"]))]
    assert found
    for selector in found:
        assert monitored.query(selector), selector


def test_prometheus_has_evaluated_every_rule(monitored: Monitored) -> None:
    groups = monitored.prometheus.get("rules")["groups"]
    state = {rule["name"]: (rule["health"], rule.get("lastError", "")) for group in groups for rule in group["rules"]}
    assert state == dict.fromkeys(ALERTS, ("ok", ""))
    texts = [text for alert in monitored.prometheus.get("alerts")["alerts"] for text in alert["annotations"].values()]
    assert not [text for text in texts if "<error" in text or "no value" in text]
