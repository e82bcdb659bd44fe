"""Envelopes as Debezium and change streams write them, each with the event or deletion that it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.redact import redact

EXAMPLES = [
    json.loads(line)
    for file in sorted((Path(__file__).parents[1] / "data" / "envelopes").glob("*.jsonl"))
    for line in file.read_text().splitlines()
]


def as_bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["name"] for example in EXAMPLES])
def test_an_envelope_becomes(example: dict[str, Any]) -> None:
    wanted = dict(example["becomes"])
    decoded = decode(example["topic"], as_bytes(example["key"]), as_bytes(example["value"]))
    assert type(decoded).__name__ == wanted.pop("kind"), decoded
    found = {name: getattr(decoded, name) for name in wanted}
    assert {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()} == wanted


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["name"] for example in EXAMPLES])
def test_no_password_is_kept(example: dict[str, Any]) -> None:
    if example["value"] is not None:
        assert b"$2b$10$" not in redact(example["value"].encode())
    assert "$2b$10$" not in repr(decode(example["topic"], as_bytes(example["key"]), as_bytes(example["value"])))


def test_the_same_change_in_each_form_of_extended_json_is_the_same_content() -> None:
    by_change: dict[str, set[str]] = {}
    for example in EXAMPLES:
        name, _, form = example["name"].partition(" (")
        if form in ("relaxed)", "canonical)", "legacy)"):
            decoded = decode(example["topic"], None, as_bytes(example["value"]))
            by_change.setdefault(name, set()).add(repr(decoded))
    assert {len(forms) for forms in by_change.values()} == {1}
