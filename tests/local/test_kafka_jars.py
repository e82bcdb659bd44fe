"""The jars are the ones that were chosen, or there is a sentence."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from liontrack_stream.local import StackError, kafka_jars
from liontrack_stream.local.cache import cache_dir


def nothing(part: str, message: str) -> None:
    """Report nothing."""


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Two "jars" of a pretended Maven, in a fresh cache."""
    contents = {"kafka.jar": b"broker", "slf4j.jar": b"log"}

    def resolve(work: Path) -> dict[str, Path]:
        found = {}
        for name, content in contents.items():
            found[name] = work / name
            found[name].write_bytes(content)
        return found

    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setenv("LIONTRACK_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(kafka_jars, "_resolve", resolve)
    monkeypatch.setattr(kafka_jars, "expected_hashes", lambda: hashes)
    return contents


def test_downloaded_once(jars: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    first = kafka_jars.kafka_jars(nothing)
    assert [jar.read_bytes() for jar in first] == [b"broker", b"log"]
    monkeypatch.setattr(kafka_jars, "_resolve", lambda work: pytest.fail("downloaded again"))
    assert kafka_jars.kafka_jars(nothing) == first


def test_a_damaged_jar_is_replaced(jars: dict[str, bytes]) -> None:
    kafka_jars.kafka_jars(nothing)[0].write_bytes(b"half a bro")
    assert kafka_jars.kafka_jars(nothing)[0].read_bytes() == b"broker"


def test_a_jar_that_is_not_the_chosen_one_is_refused(jars: dict[str, bytes]) -> None:
    jars["slf4j.jar"] = b"something else"
    with pytest.raises(StackError, match=r"slf4j.jar did not arrive as expected"):
        kafka_jars.kafka_jars(nothing)
    assert not list(cache_dir().glob("kafka-*")), "nothing half-downloaded stays"


def test_no_network_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIONTRACK_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("LIONTRACK_MAVEN_URL", "http://127.0.0.1:9/maven2")
    with pytest.raises(StackError, match=r"could not be downloaded .* LIONTRACK_MAVEN_URL"):
        kafka_jars.kafka_jars(nothing)


def test_every_expected_jar_has_a_hash() -> None:
    hashes = kafka_jars.expected_hashes()
    assert f"kafka_2.13-{kafka_jars.KAFKA_VERSION}.jar" in hashes
    assert all(len(digest) == 64 for digest in hashes.values())
