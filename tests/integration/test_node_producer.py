"""The package for Node.js applications, `deploy/node-producer`: as it is packed, over a real Kafka, up to gold."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Activity, Position, Rejected
from liontrack_stream.kafka.producer import partition_of
from liontrack_stream.local import Stack
from liontrack_stream.settings import Settings, load_settings
from tests.support import node_producer
from tests.support.node_rules import CASES, Case
from tests.support.oracle import compute
from tests.support.pipeline_kit import PipelineKit, own_checks, report_differences

START = datetime(2025, 3, 1, tzinfo=UTC)
LIONS = [f"66f0c1d2e3a4b5c6d7e8f9{n:02x}" for n in range(5)]
USERS = [f"77f0c1d2e3a4b5c6d7e8f9{n:02x}" for n in range(2)]
FIXES, DAYS = 96, 3


@pytest.fixture(scope="module")
def package() -> Path:
    """The package with its dependencies."""
    return node_producer.installed_or_skip()


@pytest.fixture(scope="module")
def application(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where an application has installed the packed package."""
    folder = tmp_path_factory.mktemp("application")
    packed = subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", folder],
        cwd=package,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = folder / "node_modules"
    modules.mkdir()
    for module in (package / "node_modules").iterdir():
        (modules / module.name).symlink_to(module)
    with tarfile.open(folder / packed.stdout.strip()) as archive:
        archive.extractall(folder, filter="data")
    (folder / "package").rename(modules / "liontrack-kafka-producer")
    shutil.copy2(package / "test" / "express_app.js", folder)
    return folder


def test_types_and_unit_tests(package: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        checks = [pool.submit(node_producer.run, package, script) for script in ("check", "test")]
    for check in checks:
        done = check.result()
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_the_package_holds_what_an_application_needs(application: Path) -> None:
    folder = application / "node_modules" / "liontrack-kafka-producer"
    found = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    source = {f"lib/{file.name}" for file in (node_producer.SOURCE / "lib").iterdir()}
    assert found == source | {"package.json", "README.md", "index.js", "index.mjs", "index.d.ts"}


def test_the_lock_names_no_registry_and_has_hashes() -> None:
    lock = json.loads((node_producer.SOURCE / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages and all("integrity" in package for package in packages.values())
    assert not [name for name, package in packages.items() if "resolved" in package]


def test_the_golden_partitions_are_ours() -> None:
    golden = json.loads((node_producer.SOURCE / "test" / "partitions.json").read_text())
    assert len(golden) > 10
    for vector in golden:
        ours = {count: partition_of(vector["key"].encode(), int(count)) for count in vector["partitions"]}
        assert vector["partitions"] == ours


def test_the_readme_s_example(application: Path, pipeline: PipelineKit) -> None:
    [example] = re.findall(r"```js\n(.*?)```", (node_producer.SOURCE / "README.md").read_text(), re.DOTALL)
    lines = [line for line in example.splitlines() if line]
    assert len(lines) <= 10
    (application / "example.js").write_text(example)
    subprocess.run(
        ["node", "example.js"], cwd=application, env=pipeline.environment(), timeout=60, check=True, capture_output=True
    )
    records = sorted(pipeline.consumed(), key=lambda record: record.topic)
    events = [decode(record.topic, record.key, record.value) for record in records]
    assert [type(event) for event in events] == [Position, Activity]


def test_an_express_application_reaches_gold(application: Path, settings: Settings, tmp_path: Path) -> None:
    pipeline = PipelineKit(settings.model_copy(update={"topic_partitions": 3}), tmp_path)  # 3: no power of two
    requests = list(_requests())
    with _serving(application, pipeline.environment()) as port:
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda request: _post(port, *request), requests))
        refused = _post(port, "/lions", {"_id": LIONS[0], "position": {"lat": 91, "lng": 0}})
    assert {status for status, _ in answers} == {200}
    assert refused == (400, {"error": "position.lat lies outside ±90", "field": "position.lat"})

    records = pipeline.consumed()
    assert len(records) == len(requests)
    for record in records:
        assert record.key is not None
        assert record.partition == partition_of(record.key, pipeline.settings.topic_partitions)
        assert {name for name, _ in record.headers} == {"event-type", "timestamp"}
    assert not [record for record in records if b"hunter2" in (record.value or b"")]

    report = pipeline.catch_up()
    records = pipeline.consumed()
    assert report["bronze"] == len(records) == len(requests) + own_checks(records)
    expected = compute(records)
    assert (report_differences(report, expected), report["dead_letters"]) == ([], 0)
    pipeline.assert_right(records, expected)
    fixes = pipeline.fetch("SELECT lion_id, count(*) FROM silver.positions GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in fixes] == [(lion, FIXES) for lion in LIONS]
    gold = pipeline.fetch(
        "SELECT lion_id, metric_date, avg_weight, tracking_frequency FROM gold.lions_metrics "
        "WHERE avg_weight IS NOT NULL ORDER BY 1, 2"
    )
    assert [(row[0], (row[1] - START.date()).days, float(row[2])) for row in gold] == [
        (lion, day, 180.5 + day) for lion in LIONS for day in range(DAYS)
    ]
    assert [row[3] for row in gold] == [48, 48, 0] * len(LIONS)
    done = pipeline.fetch("SELECT user_id, sum(challenges_completed) FROM gold.users_activity GROUP BY 1 ORDER BY 1")
    assert [(row[0], int(row[1])) for row in done] == [(user, 1) for user in USERS]
    users = pipeline.fetch("SELECT username, roles FROM silver.users ORDER BY user_id")
    assert [tuple(row) for row in users] == [(f"ranger{n}", ["ranger"]) for n in range(len(USERS))]


def test_the_rules_are_the_contract_s(package: Path) -> None:
    """What Node.js lets pass the decoder accepts; what it refuses the decoder refuses, by the same rule."""
    lines = "".join(json.dumps({"topic": case.topic, "arguments": case.arguments}) + "\n" for case in CASES)
    done = subprocess.run(
        ["node", "test/judge.js"], cwd=package, input=lines, capture_output=True, text=True, timeout=60, check=True
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(CASES) > 1000
    assert [text for case, answer in zip(CASES, answers, strict=True) for text in _disagreements(case, answer)] == []
    assert len({answer["rule"] for answer in answers if "rule" in answer}) >= 13


_SAME = {
    ("missing_field", "wrong_type"),  # a null
    ("wrong_type", "bad_timestamp"),  # a position's time that is none
    *((rule, "oversized") for rule in ("wrong_type", "bad_timestamp", "unknown_unit", "unknown_status")),  # both
    ("bad_envelope", "missing_field"),  # what is inside the envelope
}


def _disagreements(case: Case, answer: dict[str, Any]) -> Iterator[str]:
    if "value" in answer:
        decoded = decode(case.topic, answer["key"].encode(), answer["value"].encode())
        if isinstance(decoded, Rejected):
            yield f"{case}: sent, and is {decoded}"
        return
    if answer["field"] not in case.field:
        yield f"{case}: {answer}"
    decoded = decode(case.topic, b"key", case.raw)
    if not isinstance(decoded, Rejected):
        yield f"{case}: {answer}, and the contract accepts it"
    elif (answer["rule"], decoded.rule) not in _SAME and answer["rule"] != decoded.rule:
        yield f"{case}: {answer}, and the contract says {decoded}"


def test_trouble_with_the_broker_loses_and_repeats_nothing_that_was_acknowledged(package: Path, tmp_path: Path) -> None:
    """A broker that freezes may have stored what timed out. What comes next is of the same size, and must not pass
    for its repetition. Then the broker is killed, and started again while events wait."""
    stack = Stack(tmp_path / "stack")
    stack.up()
    try:
        settings = load_settings(stack.data_dir)
        pipeline = PipelineKit(settings.model_copy(update={"topic_partitions": 1}), tmp_path)
        environment = {**os.environ, "KAFKA_BROKERS": settings.kafka_brokers, "REQUEST_TIMEOUT_MS": "1500"}
        environment.pop("TOPIC_PREFIX", None)
        with _producer(package, environment) as ask:
            assert ask(["a1", "a2"]) == {"acknowledged": 2, "errors": []}
            broker = psutil.Process(stack.status()[0].pid)
            broker.suspend()
            try:
                frozen = ask(["b1", "b2"])
            finally:
                broker.resume()
            assert frozen["acknowledged"] == 0
            assert "did not take the events (" in frozen["errors"][0] and "timed out" in frozen["errors"][0]
            assert ask(["c1", "c2"]) == {"acknowledged": 2, "errors": []}
            broker.kill()
            broker.wait(10)
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(ask, ["d1", "d2"])
                stack.up()
                assert waiting.result(60) == {"acknowledged": 2, "errors": []}
        found = [json.loads(record.value or b"")["event_id"] for record in pipeline.consumed()]
        certain = [event for event in found if not event.startswith("b")]
        assert certain == ["a1", "a2", "c1", "c2", "d1", "d2", "last"], "the last: nobody waited when it disconnected"
        assert [event for event in found if event.startswith("b")] in ([], ["b1", "b2"])
    finally:
        stack.down()


@contextmanager
def _producer(package: Path, environment: dict[str, str]) -> Iterator[Any]:
    with subprocess.Popen(
        ["node", "test/trouble.js"],
        cwd=package,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdin is not None and process.stdout is not None
            assert process.stdout.readline() == "{}\n"

            def ask(ids: list[str]) -> dict[str, Any]:
                print(json.dumps({"ids": ids}), file=process.stdin, flush=True)
                return json.loads(process.stdout.readline())

            yield ask
            process.stdin.close()
            assert process.wait(20) == 0
        finally:
            process.kill()


@contextmanager
def _serving(application: Path, environment: dict[str, str]) -> Iterator[int]:
    """The Express application, until SIGTERM; it has to end by itself."""
    with subprocess.Popen(
        ["node", "express_app.js"], cwd=application, env=environment, text=True, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


def _post(port: int, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _requests() -> Iterator[tuple[str, dict[str, Any]]]:
    for step in range(FIXES):
        for number, lion in enumerate(LIONS):
            position = {"lat": -21.5 + 0.002 * (step % 24) + number, "lng": 23.5 - 0.001 * (step % 7)}
            fix = {
                "_id": lion,
                "name": f"Lion {number}",
                "position": position,
                "accuracy": 5,
                "battery": {"volts": 3.7},
            }
            yield "/lions", fix | {"timestamp": _iso(START + timedelta(minutes=30 * step))}
    for day in range(DAYS):
        time = START + timedelta(days=day, hours=9)
        for number, lion in enumerate(LIONS):
            weight = {"_id": f"88f0c1d2e3a4b5c6d7e8f{day}{number:02x}", "lion_id": lion, "weight": 180.5 + day}
            yield "/weights", weight | {"measured_at": _iso(time)}
        for number, user in enumerate(USERS):
            profile = {"username": f"ranger{number}", "roles": ["ranger"], "password": "hunter2"}
            yield "/activities", {"userId": user, "type": "weight_logged", "timestamp": _iso(time), **profile}
            status = ("pending", "in_progress", "completed")[day]
            challenge = {"_id": f"99f0c1d2e3a4b5c6d7e8f9{number:02x}", "user": user, "title": "Track", "status": status}
            yield "/challenges", challenge | {"updatedAt": _iso(time), "dueDate": _iso(time + timedelta(days=9))}
    counts = {"total_records": 100, "valid_records": 99, "invalid_records": 1, "quality_percentage": 99.0}
    yield (
        "/quality",
        {"table_name": "mongodb.lions", "check_name": "not_null", "check_timestamp": _iso(START), **counts},
    )


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
