"""The field's Node.js producer (kafkajs, idempotent, GZIP), for tests: `tests/integration/node_producer`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from typing import Any

from tests.support import node_packages

SOURCE = node_packages.ROOT / "tests" / "integration" / "node_producer"
NAME = "node_producer"
_PRODUCE_TIMEOUT_S = 120


def install_or_skip() -> None:
    """Skip the running test where the producer cannot be installed (CI: fail it)."""
    node_packages.install_or_skip(SOURCE, NAME)


def produce_with_kafkajs(brokers: str, prefix: str, events: Iterable[dict[str, Any]]) -> int:
    """Produce and wait until Kafka holds everything; the number of records.

    Parameters
    ----------
    brokers
        ``host:port``, comma-separated.
    prefix
        Of the topics' names, as ``Settings.topic_prefix``.
    events
        ``{"topic": the contract's name, "key": text, "value": object | text | None, "headers": {name: text}}``.

    Raises
    ------
    NodeUnavailable
        Without Node.js.
    AssertionError
        When the producer fails; with what it said.
    """
    folder = node_packages.install(SOURCE, NAME)
    done = subprocess.run(
        ["node", "produce.js", brokers, prefix],
        cwd=folder,
        input="".join(json.dumps(event) + "\n" for event in events),
        capture_output=True,
        text=True,
        timeout=_PRODUCE_TIMEOUT_S,
        env={**os.environ, "KAFKAJS_NO_PARTITIONER_WARNING": "1"},
        check=False,
    )
    assert done.returncode == 0, f"node produce.js ended with {done.returncode}: {done.stderr}"
    return int(json.loads(done.stdout)["sent"])
