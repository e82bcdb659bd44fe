"""deploy/systemd: what systemd itself says of the units, and that what they start exists."""

from __future__ import annotations

import re
import subprocess
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
from faust.cli.faust import cli

from liontrack_stream import commands
from liontrack_stream.kafka.exits import ExitCode
from liontrack_stream.settings import Settings
from tests.support.needs import needs_command
from tests.support.worker_process import REPOSITORY

commands.register()
UNITS = REPOSITORY / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
PROGRAM = "/opt/liontrack/bin/liontrack"
INSTANCES = {"liontrack-worker@.service": "1", "liontrack-tend@.service": "compact"}
EXPOSURE_MAX = 20  # tenths; systemd's own services lie between 10 and 90


class Unit(RawConfigParser):
    """A unit file; what is said several times is a list of lines."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",), interpolation=None)
        self.optionxform = str  # type: ignore[assignment, method-assign]
        self.read(path)
        self.lines = [line.split("=", 1) for line in path.read_text().splitlines() if re.match(r"[A-Z]\w+=", line)]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.lines if key == name]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they would be installed, each template with an instance; the program stands for ours."""
    program = tmp_path / "liontrack"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in UNITS.glob("liontrack-*"):
        name = path.name.replace("@.", f"@{INSTANCES[path.name]}.") if path.name in INSTANCES else path.name
        text = path.read_text().replace(PROGRAM, str(program))
        (tmp_path / path.name).write_text(text)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_systemd_finds_nothing_wrong(installed: Path) -> None:
    verify = [needs_command("systemd-analyze", "systemd"), "verify", "--man=no"]
    units = [str(path) for path in sorted(installed.glob("liontrack-*.*")) if "@." not in path.name]
    assert len(units) == len([*UNITS.glob("liontrack-*")])
    done = subprocess.run([*verify, *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    wrong = installed / "liontrack-retain.service"
    wrong.write_text(wrong.read_text().replace("ProtectSystem=strict", "ProtectSystem=strictly"))
    assert "protect system" in subprocess.run([*verify, wrong], capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.stem)
def test_it_may_do_little(service: Path, installed: Path) -> None:
    judge = [needs_command("systemd-analyze", "systemd"), "security", "--offline=true", f"--threshold={EXPOSURE_MAX}"]
    name = service.name.replace("@.", f"@{INSTANCES[service.name]}.") if service.name in INSTANCES else service.name
    done = subprocess.run([*judge, installed / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-400:]
    open_ = installed / name
    open_.write_text(
        re.sub(r"^(Protect|Private|Restrict|Capability|System|Dynamic)\w+=.*$", "", open_.read_text(), flags=re.M)
    )
    assert subprocess.run([*judge, open_], capture_output=True, check=False).returncode != 0


def test_a_worker_is_started_again_but_where_a_person_has_to_decide() -> None:
    unit = Unit(UNITS / "liontrack-worker@.service")["Service"]
    assert unit["Restart"] == "always"
    assert unit["RestartPreventExitStatus"].split() == [str(int(ExitCode.CONSISTENCY))]
    assert int(unit["TimeoutStopSec"]) > 10
    environment = Unit(UNITS / "liontrack-worker@.service").all("Environment")[0]
    assert "LIONTRACK_INSTANCE=%i" in environment and "LIONTRACK_SECRETS_DIR=%d" in environment


def test_units_start_commands_and_set_what_there_is(tmp_path: Path) -> None:
    known = set(Settings.model_fields)
    settings = [line.split("=")[0] for line in (UNITS / "settings.env").read_text().splitlines() if line[:1].isalpha()]
    assert {name.lower() for name in settings} - {"bronze_days"} <= known
    made = subprocess.run(
        [REPOSITORY / "deploy/make-secrets", tmp_path / "secrets"], capture_output=True, check=True, text=True
    )
    assert made.returncode == 0
    for path in SERVICES:
        unit = Unit(path)
        for credential in unit.all("LoadCredential"):
            name, file = credential.split(":")
            assert name in known and (tmp_path / "secrets" / name).exists() and file == f"/etc/liontrack/secrets/{name}"
        for start in unit.all("ExecStart") + unit.all("ExecStartPre"):
            assert start.startswith(f"{PROGRAM} ")
            words = [INSTANCES.get(path.name, "") if word == "%i" else word for word in start.split()[1:]]
            words = ["90" if word == "${BRONZE_DAYS}" else word for word in words]
            command: Any = cli
            while hasattr(command, "commands"):
                command = command.commands[words.pop(0)]
            command.make_context("liontrack", words)  # refuses what it does not know
    for timer in UNITS.glob("*.timer"):
        wanted = Unit(timer)["Timer"]["Unit"]
        assert (UNITS / re.sub(r"@\w+", "@", wanted)).exists()
