"""Jars from Maven Central in the cache, each checked against the hash it had when it was chosen."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from liontrack_stream.local.cache import Report, cache_dir, locked
from liontrack_stream.local.errors import StackError

_TIMEOUT_S = 60

Resolve = Callable[[Path], Mapping[str, Path]]  # downloads below a folder; file name -> path


def read_hashes(file: Path) -> dict[str, str]:
    """File name -> sha256, of a file with a line for each: digest, name."""
    lines = file.read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines if line and not line.startswith("#"))}


def ensure_jars(name: str, what: str, hashes: Mapping[str, str], resolve: Resolve, report: Report) -> list[Path]:
    """The jars of these hashes in the cache's folder ``name``, downloaded where they are missing or damaged.

    Raises
    ------
    StackError
        When they cannot be downloaded, or one is not what it ought to be; calls them ``what``.
    """
    home = cache_dir() / name
    if _wrong(home, hashes):
        with locked(cache_dir() / ".lock", lambda: report(what.lower(), "waiting for another download to end")):
            if _wrong(home, hashes):
                _download(home, what, hashes, resolve)
    return [home / jar for jar in sorted(hashes)]


def maven(work: Path) -> Any:
    """jgo's Maven, which keeps what it downloads below ``work``."""
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    url = os.environ.get("LIONTRACK_MAVEN_URL") or MAVEN_CENTRAL_URL
    return MavenContext(repo_cache=work / "m2", remote_repos={"central": url}, timeout=_TIMEOUT_S)


def _wrong(home: Path, hashes: Mapping[str, str]) -> list[str]:
    return [name for name, digest in hashes.items() if _sha256(home / name) != digest]


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _download(home: Path, what: str, hashes: Mapping[str, str], resolve: Resolve) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{what.lower()}-", dir=home.parent))
    try:
        jars = _resolved(work, what, resolve)
        fresh = work / "verified"
        fresh.mkdir()
        for name, digest in hashes.items():
            if name not in jars or _sha256(jars[name]) != digest:
                raise StackError(
                    f"{what}'s {name} did not arrive as expected (sha256 {digest}): "
                    "check the network, and run it again."
                )
            shutil.copyfile(jars[name], fresh / name)
        shutil.rmtree(home, ignore_errors=True)
        fresh.rename(home)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _resolved(work: Path, what: str, resolve: Resolve) -> Mapping[str, Path]:
    try:
        return resolve(work)
    except Exception as error:
        raise StackError(
            f"{what} could not be downloaded from Maven Central ({type(error).__name__}: {error}). Check the network, "
            "or set LIONTRACK_MAVEN_URL to a mirror, and run it again."
        ) from error
