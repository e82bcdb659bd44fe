"""`debian_packages.sh` with commands that pretend: what it installs, when it leaves the system alone, what it says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.needs import needs_command

SCRIPT = Path(__file__).parents[1] / "support" / "debian_packages.sh"
TOOLS = ("bash", "cat", "chmod", "env", "grep", "mktemp", "rm", "sleep", "tail")
PACKAGES = {
    "amtool": "prometheus-alertmanager",
    "chromium": "chromium",
    "nginx": "nginx-light",
    "prometheus": "prometheus",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "prometheus-postgres-exporter": "prometheus-postgres-exporter",
    "wrk": "wrk",
    "systemd-analyze": "systemd",
}
NEEDED, ALL = tuple(PACKAGES), " ".join(PACKAGES.values())
UPDATE, INSTALL = "update -qq", "install -qq -y --no-install-recommends"


class System:
    """A machine whose commands lie in one folder; apt-get writes down what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.asked = folder / "asked"
        self.policy = folder / "policy-rc.d"
        self.release = folder / "os-release"
        self.release.write_text("NAME=Debian\nID=debian\n")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
        self.command("id", "echo 0")
        self.command("apt-get", f'echo "$*" >> {self.asked}')

    def command(self, name: str, script: str) -> None:
        """Put a command there that does this."""
        (self.bin / name).write_text(f"#!/bin/bash\n{script}\n")
        (self.bin / name).chmod(0o755)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the script on this machine."""
        environment = {"PATH": str(self.bin), "OS_RELEASE": str(self.release), "RETRY_AFTER_S": "0"}
        environment |= {"SERVICE_POLICY": str(self.policy), **variables}
        return subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=False)

    def requests(self) -> list[str]:
        """What apt-get was asked."""
        return self.asked.read_text().splitlines() if self.asked.exists() else []


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


def test_root_on_debian_installs_what_is_missing(system: System) -> None:
    for command in set(NEEDED) - {"chromium"}:
        system.command(command, "true")
    done = system.run()
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "Installing Debian packages for the tests: chromium\n"
    assert system.requests() == [UPDATE, f"{INSTALL} chromium"]


@pytest.mark.parametrize("own", [False, True], ids=["none before", "the system's own"])
def test_no_service_is_started(system: System, own: bool) -> None:
    if own:
        system.command("policy", "exit 104")
        (system.bin / "policy").rename(system.policy)
    system.command("apt-get", f'"{system.policy}"; echo "$1 $?" >> {system.asked}')
    assert system.run().returncode == 0
    assert system.requests() == (["update 104", "install 104"] if own else ["update 101", "install 101"])
    assert system.policy.exists() == own


def test_nothing_is_asked_when_all_is_there(system: System) -> None:
    for command in NEEDED:
        system.command(command, "true")
    done = system.run()
    assert (done.returncode, done.stdout, done.stderr, system.requests()) == (0, "", "", [])


@pytest.mark.parametrize("what", ["not root", "not Debian", "no apt-get"])
def test_other_machines_are_left_alone(system: System, what: str) -> None:
    if what == "not root":
        system.command("id", "echo 1000")
    elif what == "not Debian":
        system.release.write_text("ID=fedora\n")
    else:
        (system.bin / "apt-get").unlink()
    done = system.run(CI="true")
    assert (done.returncode, done.stdout, done.stderr, system.requests()) == (0, "", "", [])


def test_a_busy_mirror_is_asked_again(system: System, tmp_path: Path) -> None:
    busy = tmp_path / "busy"
    busy.touch()
    system.command("apt-get", f'echo "$*" >> {system.asked}; if [[ -e {busy} ]]; then rm {busy}; exit 100; fi')
    assert system.run().returncode == 0
    assert system.requests() == [UPDATE, UPDATE, f"{INSTALL} {ALL}"]


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_a_failure_says_so_and_fails_ci_only(system: System, ci: str, code: int) -> None:
    system.command("apt-get", 'echo "Temporary failure resolving" >&2; exit 100')
    done = system.run(CI=ci)
    assert done.returncode == code
    assert "Temporary failure resolving" in done.stderr
    assert done.stderr.endswith(
        f"These Debian packages could not be installed: {ALL}. Tests that need them cannot run.\n"
    )


def test_the_missing_ones_are_listed(system: System) -> None:
    assert system.run("--list").stdout.splitlines() == ALL.split()
    assert system.requests() == []


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_test_without_its_command_skips_but_not_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    assert needs_command("bash").endswith("/bash")
    with pytest.raises(outcome, match="apt-get install nothing-like-this"):
        needs_command("no-such-command", "nothing-like-this")
