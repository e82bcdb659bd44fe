"""The fingerprint of the rules: the same for the same rules, another one for any other number."""

from __future__ import annotations

import json

import pytest

from liontrack_stream.core import health, rules
from liontrack_stream.core.limits import SPEED_LIMITS_KMH
from liontrack_stream.core.lineage import STEPS
from liontrack_stream.core.rules import fingerprint, rule_parameters
from liontrack_stream.lake.catalog import TABLES


def test_every_number_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    first = fingerprint(rule_parameters(SPEED_LIMITS_KMH))
    assert fingerprint(json.loads(json.dumps(rule_parameters(SPEED_LIMITS_KMH)))) == first
    assert fingerprint(rule_parameters((60.0, 20.0, 10.0, 6.0))) != first
    monkeypatch.setattr(health, "WEIGHT_BAND", 0.25)
    second = fingerprint(rule_parameters(SPEED_LIMITS_KMH))
    monkeypatch.setattr(rules, "RULES", rules.RULES + 1)
    assert len({first, second, fingerprint(rule_parameters(SPEED_LIMITS_KMH))}) == 3


def test_every_file_of_the_lake_is_a_step_of_one_pipeline() -> None:
    exports = [step.target for steps in STEPS.values() for step in steps if step.kind == "export"]
    files = {f"lake/{layer}/{name}" for table in TABLES for layer, name in table.outputs}
    assert len(exports) == len(set(exports))
    assert {target for target in exports if "/bronze/" not in target} == files
