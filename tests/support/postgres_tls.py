"""A PostgreSQL that speaks TLS, which the embedded one's build does not: from Maven Central, checked by its hash."""

from __future__ import annotations

import platform
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from liontrack_stream.local.cache import locked
from liontrack_stream.local.jars import ensure_jars, maven
from tests.support.needs import missing

_CACHE = Path(__file__).resolve().parents[2] / ".cache"
_VERSION = "18.1.0"
_GROUP = "io.zonky.test.postgres"
_BUILDS = {  # by machine: of which artifact, its sha256
    "x86_64": ("amd64", "65d0723e0274ad3ec6230dcbdfe034af6ee096fce15a77b0f9b8be71d2702934"),
    "aarch64": ("arm64v8", "ea0f16b754fc0a10d9d8993bbd426c20f8c709b318b28e49b42d9cac1c958b8f"),
}


def binaries() -> Path:
    """The folder of ``postgres`` and ``initdb``; the test skips where there is no build for this machine."""
    build = _BUILDS.get(platform.machine()) if sys.platform == "linux" else None
    if build is None:
        missing(f"No PostgreSQL with TLS is known for {sys.platform} on {platform.machine()}.")
    machine, digest = build
    artifact = f"embedded-postgres-binaries-linux-{machine}"
    name = f"{artifact}-{_VERSION}.jar"

    def resolve(work: Path) -> dict[str, Path]:
        found = maven(work).project(_GROUP, artifact).at_version(_VERSION).artifact().resolve()
        return {name: Path(found)}

    (jar,) = ensure_jars(f"postgres-tls-{_VERSION}", "PostgreSQL", {name: digest}, resolve, lambda part, text: None)
    home = _CACHE / f"postgres-tls-{_VERSION}"  # not in a home folder: initdb runs as another user than root
    with locked(_CACHE / "postgres-tls.lock"):
        if not home.exists():
            _unpack(jar, home)
    return home / "bin"


def _unpack(jar: Path, home: Path) -> None:
    work = Path(tempfile.mkdtemp(dir=home.parent))
    try:
        with zipfile.ZipFile(jar) as archive:
            packed = next(entry for entry in archive.namelist() if entry.endswith(".txz"))
            archive.extract(packed, work)
        with tarfile.open(work / packed) as archive:
            archive.extractall(work / "postgres", filter="data")
        (work / "postgres").rename(home)
    finally:
        shutil.rmtree(work, ignore_errors=True)
