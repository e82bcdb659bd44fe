"""Node.js packages for tests, with their locked dependencies, in ``.cache``: the sources' folder stays as it is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from liontrack_stream.local.cache import locked
from tests.support.needs import missing

ROOT = Path(__file__).parents[2]
_INSTALL_TIMEOUT_S = 240
_KEPT = ("node_modules", ".installed-lock")


class NodeUnavailable(Exception):
    """Node.js or a package is not to be had here; the message is a sentence."""


def install(source: Path, name: str) -> Path:
    """Copy a package to ``.cache/<name>`` and install what its lock names (once per lock file); the folder.

    Raises
    ------
    NodeUnavailable
    """
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise NodeUnavailable(
                f"{tool} is not installed (Node.js 20, https://nodejs.org): {source.name} cannot run."
            )
    folder = ROOT / ".cache" / name
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        for old in folder.iterdir():
            if old.name not in _KEPT:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        packages, stamp = (source / "package-lock.json").read_bytes(), folder / ".installed-lock"
        if not stamp.exists() or stamp.read_bytes() != packages:
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False
            )
            if done.returncode != 0:
                raise NodeUnavailable(f"npm could not install {source.name}: {done.stderr.strip().splitlines()[-1:]}")
            stamp.write_bytes(packages)
    return folder


def install_or_skip(source: Path, name: str) -> Path:
    """`install`, or skip the running test where that cannot be (CI: fail it)."""
    try:
        return install(source, name)
    except NodeUnavailable as reason:
        missing(str(reason))
