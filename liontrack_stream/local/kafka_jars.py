"""Kafka's jars from Maven Central, resolved by jgo, each checked against the hash it had when it was chosen."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from pathlib import Path

from liontrack_stream.local.cache import Report, cache_dir, locked
from liontrack_stream.local.errors import StackError

KAFKA_VERSION = "4.1.1"
# slf4j-simple, for Kafka's own pom brings no way to see its log.
_ENDPOINT = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
_EXPECTED_MB = 43
_TIMEOUT_S = 60


def expected_hashes() -> dict[str, str]:
    """File name -> sha256 of every jar that belongs to the embedded Kafka."""
    lines = (Path(__file__).parent / "kafka.sha256").read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines if line and not line.startswith("#"))}


def kafka_jars(report: Report) -> list[Path]:
    """The jars of the class path, downloaded where they are missing or damaged.

    Raises
    ------
    StackError
        When they cannot be downloaded, or one is not what it ought to be.
    """
    home = cache_dir() / f"kafka-{KAFKA_VERSION}"
    hashes = expected_hashes()
    if _wrong(home, hashes):
        with locked(cache_dir() / ".lock", lambda: report("kafka", "waiting for another download to end")):
            if _wrong(home, hashes):
                _download(home, hashes, report)
    return [home / name for name in sorted(hashes)]


def _wrong(home: Path, hashes: dict[str, str]) -> list[str]:
    return [name for name, digest in hashes.items() if _sha256(home / name) != digest]


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _download(home: Path, hashes: dict[str, str], report: Report) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="kafka-", dir=home.parent))
    try:
        with _Sizes(work, report):
            jars = _resolve(work)
        fresh = work / "verified"
        fresh.mkdir()
        for name, digest in hashes.items():
            if name not in jars or _sha256(jars[name]) != digest:
                raise StackError(
                    f"Kafka's {name} did not arrive as expected (sha256 {digest}): check the network, and run it again."
                )
            shutil.copyfile(jars[name], fresh / name)
        shutil.rmtree(home, ignore_errors=True)
        fresh.rename(home)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _resolve(work: Path) -> dict[str, Path]:
    """Let jgo find and download the jars below ``work``; returns file name -> path."""
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext

    url = os.environ.get("LIONTRACK_MAVEN_URL") or MAVEN_CENTRAL_URL
    try:
        context = MavenContext(repo_cache=work / "m2", remote_repos={"central": url}, timeout=_TIMEOUT_S)
        builder = EnvironmentBuilder(context=context, cache_dir=work / "envs", link_strategy=LinkStrategy.COPY)
        environment = builder.from_endpoint(_ENDPOINT)
    except Exception as error:
        raise StackError(
            f"Kafka could not be downloaded from Maven Central ({type(error).__name__}: {error}). Check the network, "
            "or set LIONTRACK_MAVEN_URL to a mirror, and run it again."
        ) from error
    return {jar.name: jar for jar in environment.all_jars}  # both jars/ and modules/: the class path takes all


class _Sizes:
    """Reports how much has been downloaded, twice a second."""

    def __init__(self, folder: Path, report: Report) -> None:
        self._folder = folder
        self._report = report
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._report("kafka", f"downloading Kafka {KAFKA_VERSION}, {_EXPECTED_MB} MB, once")
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.5):
            size_mb = sum(_size(file) for file in (self._folder / "m2").rglob("*.jar*")) / 1e6
            self._report("kafka", f"downloading Kafka {KAFKA_VERSION}, {size_mb:.0f} of {_EXPECTED_MB} MB, once")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
