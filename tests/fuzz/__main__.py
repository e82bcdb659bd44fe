"""FUZZ_INPUTS (10 million) inputs, mutated from sound and broken records, held against `contract.fuzzing.check`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["liontrack_stream.contract"]):
    from tests.contract.fuzzing import NAMES, check
from tests.support.bad_records import BAD, GOOD

_CACHE = Path(__file__).resolve().parents[2] / ".cache" / "fuzz"
_ENVELOPES = Path(__file__).resolve().parents[1] / "data" / "envelopes"
_LARGEST = 4096
_NO_KEY = 31 << 3


def one_input(data: bytes) -> None:
    """First byte: the topic, and how long the key is (31: there is none); then the key, then the value."""
    if not data:
        return
    topic, length = NAMES[data[0] % len(NAMES)], data[0] >> 3
    key = None if data[0] >= _NO_KEY else data[1 : 1 + length]
    check(topic, key, data[1 + (0 if key is None else length) :])


def corpus() -> Path:
    """What to begin with: a sound record of each topic, broken ones, recorded envelopes."""
    folder = _CACHE / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    values = [(topic, json.dumps(good).encode()) for topic, good in GOOD.items()]
    values += [(topic, value) for topic, value, _ in BAD.values() if len(value) < _LARGEST]
    for file in sorted(_ENVELOPES.glob("*.jsonl")):
        values += [(topic, line.encode()) for line in file.read_text().splitlines() for topic in NAMES]
    for number, (topic, value) in enumerate(values):
        begin = bytes([_NO_KEY + (NAMES.index(topic) - _NO_KEY) % len(NAMES)])
        (folder / f"begin-{number}").write_bytes(begin + value)
    return folder


if __name__ == "__main__":
    inputs = os.environ.get("FUZZ_INPUTS", "10000000")
    options = [f"-runs={inputs}", f"-max_len={_LARGEST}", "-print_final_stats=1", f"-artifact_prefix={_CACHE}/"]
    atheris.Setup([sys.argv[0], *options, str(corpus())], one_input)
    atheris.Fuzz()
