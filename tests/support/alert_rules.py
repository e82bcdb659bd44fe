"""The committed rules of Prometheus, and the same ones in quick motion."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import yaml

from tests.support.worker_process import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "prometheus"
RULE_FILES = sorted((FOLDER / "rules").glob("*.yml"))
SCALE = 60  # a minute of the committed rules is a second in tests
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RANGE = re.compile(r"\[(\d+)([smhd])\]")
_SHORTEST_RANGE_S = 5  # rates need some scrapes, one a second


def rules() -> list[dict[str, Any]]:
    """Every rule of every file."""
    return [rule for file in RULE_FILES for rule in each_rule(yaml.safe_load(file.read_text()))]


def each_rule(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rules of one file."""
    return (rule for group in document["groups"] for rule in group["rules"])


def scaled(document: Mapping[str, Any], scale: int) -> dict[str, Any]:
    """A file's rules with each ``for`` and each range ``[…]`` so many times shorter; nothing else changes.

    Thresholds stay: they are of rates, ages and shares, which no duration of a rule scales.
    """
    changed = deepcopy(dict(document))
    for rule in each_rule(changed):
        if "for" in rule:
            rule["for"] = f"{_seconds(rule['for']) * 1000 // scale}ms"
        rule["expr"] = _RANGE.sub(
            lambda found: f"[{max(_SHORTEST_RANGE_S, _seconds(found[1] + found[2]) // scale)}s]", rule["expr"]
        )
    return changed


def _seconds(text: str) -> int:
    return int(text[:-1]) * _UNITS_S[text[-1]]
