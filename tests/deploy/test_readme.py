"""Every line of the command blocks in deploy/README.md: run where it can run here, else held against what it names."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from faust.cli.faust import cli

from liontrack_stream import commands
from liontrack_stream.views.health import ROUTES
from tests.support.worker_process import REPOSITORY

commands.register()
DEPLOY = REPOSITORY / "deploy"
README = (DEPLOY / "README.md").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
UNITS = DEPLOY / "systemd"


def lines() -> list[str]:
    """The commands, each on one line, without comments."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", README, re.M | re.S)
    text = "\n".join(blocks).replace("\\\n", " ")
    quoted = re.findall(r"`((?:docker compose|systemctl|make) [^`]+)`", README)
    return [line.strip() for line in [*re.sub(r"\s#.*$", "", text, flags=re.M).splitlines(), *quoted] if line.strip()]


def compose(words: list[str], folder: Path) -> None:
    assert words[:3] == ["compose", "-f", "deploy/docker-compose.yml"]
    rest = words[3:]
    while rest[0] == "--profile":
        assert rest[1] in {profile for one in COMPOSE["services"].values() for profile in one.get("profiles", [])}
        rest = rest[2:]
    verb, named = rest[0], [word for word in rest[1:] if not word.startswith("-")]
    assert verb in ("config", "up", "ps", "run", "exec")
    if verb == "up":
        assert set(named) <= set(COMPOSE["services"])
    if verb in ("run", "exec"):
        service = COMPOSE["services"][named[0]]
        arguments = rest[rest.index(named[0]) + 1 :]
        known_to_click([*service.get("entrypoint", [])[:2], *arguments] if verb == "run" else arguments)


def docker(words: list[str], folder: Path) -> None:
    if words[0] == "compose":
        return compose(words, folder)
    assert words[0] in ("build", "run")
    if words[0] == "build":
        text = (REPOSITORY / words[words.index("-f") + 1]).read_text()
        assert f" AS {words[words.index('--target') + 1]}" in text
        argument = words[words.index("--build-arg") + 1].split("=")[0]
        assert f"ARG {argument}" in text


def known_to_click(words: list[str]) -> None:
    """A command line of ours that the command takes."""
    assert words[0] == "liontrack"
    command: Any = cli
    rest = words[1:]
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    command.make_context("liontrack", rest)


def kubectl(words: list[str], folder: Path) -> None:
    for word in words:
        assert "/" not in word or word == "statefulset/worker" or (REPOSITORY / word / "kustomization.yaml").exists()


def systemctl(words: list[str], folder: Path) -> None:
    for word in words:
        if word.startswith("liontrack-"):
            name = re.sub(r"@\w+", "@", word)
            assert (UNITS / name).exists() or (UNITS / f"{name}.service").exists(), word


def make_secrets(words: list[str], folder: Path) -> None:
    target = folder / (words[0].strip("/") if words else "deploy/secrets")
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([DEPLOY / "make-secrets", target], capture_output=True, check=True)
    assert done.stdout.count(b"is new") == len(COMPOSE["secrets"])


def make(words: list[str], folder: Path) -> None:
    assert words == ["sbom"]
    done = subprocess.run(
        ["make", "--no-print-directory", "--old-file=.venv/.stamp", "sbom"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    bill = json.loads((REPOSITORY / done.stdout.splitlines()[-1]).read_text())
    listed = {one["name"].lower().replace("_", "-") for one in bill["components"]}
    locked = re.findall(r"^([a-z0-9-]+)(?:\[\S+\])?==", (DEPLOY / "requirements.lock").read_text(), re.M)
    assert listed == set(locked)


def curl(words: list[str], folder: Path) -> None:
    assert words[-1].removeprefix("http://127.0.0.1:4001") in {route.path for route in ROUTES}


def pip(words: list[str], folder: Path) -> None:
    """What the image's steps do, too (test_image.py)."""
    assert words[0] == "install"
    assert words[1:] in (["--require-hashes", "-r", "deploy/requirements.lock"], ["--no-deps", "."])


def install(words: list[str], folder: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"install {' '.join(words[:-1])} {folder}"], cwd=REPOSITORY, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


HELD: dict[str, Callable[[list[str], Path], None]] = {
    "/opt/liontrack/bin/pip": pip,
    "curl": curl,
    "deploy/make-secrets": make_secrets,
    "docker": docker,
    "install": install,
    "journalctl": lambda words, folder: None,
    "kubectl": kubectl,
    "make": make,
    "python3.11": lambda words, folder: None,
    "systemctl": systemctl,
}


@pytest.mark.parametrize("line", lines())
def test_a_command_line_is_true(line: str, tmp_path: Path) -> None:
    words = shlex.split(line.partition("|")[0].replace("$(git rev-parse HEAD)", "abc").replace("…", ""))
    HELD[words[0]](words[1:], tmp_path)


def test_addresses_and_files_are_true() -> None:
    ports = {port.split(":")[1] for one in COMPOSE["services"].values() for port in one.get("ports", [])}
    named = set(re.findall(r"^\|[^|]*\| ((?::\d+,? ?)+)\|", README, re.M))
    assert {port for one in named for port in re.findall(r"\d+", one)} == ports
    for path in re.findall(
        r"`((?:postgres|minio|prometheus|grafana|airflow|node-producer|spark|base)/[\w./-]+)`", README
    ):
        folder = DEPLOY / "kubernetes" if path.startswith("base/") else DEPLOY
        assert (folder / path).exists(), path
    for secret in re.findall(r"deploy/secrets/(\w+)", README):
        assert secret in COMPOSE["secrets"]
