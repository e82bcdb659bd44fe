"""Kafka's jars from Maven Central, resolved by jgo: `jars.py` accepts those of ``kafka.sha256``."""

from __future__ import annotations

import threading
from pathlib import Path

from liontrack_stream.local.cache import Report
from liontrack_stream.local.jars import ensure_jars, maven, read_hashes

KAFKA_VERSION = "4.1.1"
# slf4j-simple, for Kafka's own pom brings no way to see its log.
_ENDPOINT = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
_EXPECTED_MB = 43


def expected_hashes() -> dict[str, str]:
    """File name -> sha256 of every jar that belongs to the embedded Kafka."""
    return read_hashes(Path(__file__).parent / "kafka.sha256")


def kafka_jars(report: Report) -> list[Path]:
    """The jars of the class path, downloaded where they are missing or damaged.

    Raises
    ------
    StackError
        When they cannot be downloaded, or one is not what it ought to be.
    """

    def resolve(work: Path) -> dict[str, Path]:
        with _Sizes(work, report):
            return _resolve(work)

    return ensure_jars(f"kafka-{KAFKA_VERSION}", "Kafka", expected_hashes(), resolve, report)


def _resolve(work: Path) -> dict[str, Path]:
    """Let jgo find and download the jars below ``work``; returns file name -> path."""
    from jgo.env import EnvironmentBuilder, LinkStrategy

    builder = EnvironmentBuilder(context=maven(work), cache_dir=work / "envs", link_strategy=LinkStrategy.COPY)
    environment = builder.from_endpoint(_ENDPOINT)
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
