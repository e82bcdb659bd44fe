"""The field's Node.js producer (kafkajs, idempotent, GZIP), for tests: `tests/integration/node_producer`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.needs import missing

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tests" / "integration" / "node_producer"
INSTALLED = ROOT / ".cache" / "node_producer"
_INSTALL_TIMEOUT_S, _PRODUCE_TIMEOUT_S = 180, 120


class NodeUnavailable(Exception):
    """Node.js or the package is not to be had here; the message is a sentence."""


def install() -> Path:
    """Install the producer with its locked packages into ``.cache`` (once per lock file); the folder.

    Raises
    ------
    NodeUnavailable
    """
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise NodeUnavailable(f"{tool} is not installed: the kafkajs producer cannot run.")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    locked = (SOURCE / "package-lock.json").read_bytes()
    stamp = INSTALLED / ".installed-lock"
    for file in SOURCE.iterdir():
        if file.is_file():
            shutil.copy2(file, INSTALLED / file.name)
    if not stamp.exists() or stamp.read_bytes() != locked:
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            command, cwd=INSTALLED, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False
        )
        if done.returncode != 0:
            raise NodeUnavailable(f"npm could not install kafkajs: {done.stderr.strip().splitlines()[-1:]}")
        stamp.write_bytes(locked)
    return INSTALLED


def install_or_skip() -> None:
    """Skip the running test where the producer cannot be installed (CI: fail it)."""
    try:
        install()
    except NodeUnavailable as reason:
        missing(str(reason))


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
    folder = install()
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
