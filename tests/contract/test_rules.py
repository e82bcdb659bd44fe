"""Every rule that can reject a record is either about its shape or about its content."""

from __future__ import annotations

import re

from liontrack_stream.contract.rules import CONTENT_RULES, SHAPE_RULES
from tests.support.bad_records import BAD
from tests.support.worker_process import REPOSITORY

NAMED = re.compile(r'(?:BrokenRule|Rejected)\(\s*"(\w+)"|return "(\w+)"$', re.MULTILINE)


def test_every_rule_has_one_kind() -> None:
    named = {rule for _, _, rules in BAD.values() for rule in rules}
    for module in ("decode", "convert"):
        source = (REPOSITORY / "liontrack_stream" / "contract" / f"{module}.py").read_text()
        named |= {name for names in NAMED.findall(source) for name in names if name}
    assert {"wrong_type", "too_nested", "unknown_unit", "missing_field"} <= named
    assert named == SHAPE_RULES | CONTENT_RULES
    assert not SHAPE_RULES & CONTENT_RULES
