"""`liontrack doctor` on a deployment where all is well, and on ones where one thing is broken, for real."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from faust.cli.faust import cli

from liontrack_stream.doctor import configuration
from liontrack_stream.doctor.all import PROBES
from liontrack_stream.doctor.postgres import judge_clock
from liontrack_stream.doctor.probes import Patient, sentence
from liontrack_stream.doctor.surroundings import judge_disk
from liontrack_stream.kafka.topics import REQUIRED_CONFIG
from liontrack_stream.local.record import Record
from liontrack_stream.settings import Settings
from tests.doctor.conftest import PASSWORD, Ask
from tests.support.forked import run_forked
from tests.support.minio import Minio
from tests.support.secure_servers import Certificates
from tests.support.stack import environment_of
from tests.support.worker_process import REPOSITORY

TOPIC = "lions.position.events"


def test_all_is_well(doctor: Ask, healthy: Settings) -> None:
    told = doctor(healthy)
    assert told.worries == []
    assert told.code == 0
    names = [probe.name for probe in PROBES if probe.name != "topics"]
    topics = [name for name in told.checks if name.startswith("topic ")]
    assert (sorted(told.checks), len(topics)) == (sorted([*names, *topics]), 5)
    assert told.checks["offsets"]["detail"] == "0 records wait to be stored, none is lost"
    assert told.checks["MongoDB"]["detail"] == "MONGODB_URI is not set"
    assert list(Path(healthy.lake_root).rglob("*.txt")) == []


def test_a_bucket_is_well(doctor: Ask, healthy: Settings, minio: Minio) -> None:
    settings = minio.settings(healthy)
    told = doctor(settings)
    assert (told.worries, told.code) == ([], 0)
    assert minio.secret_key not in told.text
    gone = doctor(settings, LAKE_ROOT="s3://no-such-bucket/prefix")
    assert [check["what"] for check in gone.failed] == ["lake"]
    assert "bucket 'no-such-bucket' does not exist" in gone.checks["lake"]["detail"]
    stranger = doctor(settings, S3_SECRET_ACCESS_KEY=PASSWORD)
    assert [check["what"] for check in stranger.failed] == ["lake"]


# What is set; what fails; what its line says; what it says to do.
SET = [
    ({"PG_PASSWORD": PASSWORD}, "PostgreSQL", "does not let liontrack in", "PG_PASSWORD"),
    ({"PG_PORT": "9"}, "PostgreSQL", "127.0.0.1:9/test_.* does not answer", "liontrack up"),
    ({"PG_DATABASE": "no_lions"}, "PostgreSQL", "no database no_lions", "PG_DATABASE"),
    ({"KAFKA_BROKERS": "127.0.0.1:9"}, "Kafka", "nobody answers at 127.0.0.1:9", "KAFKA_BROKERS"),
    ({"KAFKA_BROKERS": "127.0.0.1"}, "Kafka", "'127.0.0.1' is no host:port", "KAFKA_BROKERS"),
    ({"JWT_SECRET": "secret" * 8}, "JWT_SECRET", "a repetition", "openssl rand"),
    ({"JWT_SECRET": None}, "JWT_SECRET", "it is not set", "openssl rand"),
    ({"LAKE_ROOT": "/dev/null/lake"}, "lake", "/dev/null/lake cannot be written", "LAKE_ROOT"),
    ({"LAKE_ROOT": "/proc/lake"}, "lake", "/proc/lake cannot be written", "LAKE_ROOT"),
    (
        {"LAKE_ROOT": "s3://b/p", "S3_ENDPOINT_URL": "http://127.0.0.1:9", "S3_ACCESS_KEY_ID": "k",
         "S3_SECRET_ACCESS_KEY": PASSWORD},
        "lake", "s3://b/p cannot be written", "S3_",
    ),
    ({"S3_ACCESS_KEY_ID": "k"}, "lake settings", "S3_SECRET_ACCESS_KEY is not", "both or neither"),
    ({"LAKE_COMPACT_MIN_MB": "300"}, "lake settings", "LAKE_COMPACT_MIN_MB=300 is above", "Lower"),
    ({"PG_API_ROLE": "no_such_role"}, "roles", "role no_such_role does not exist", "liontrack migrate"),
    ({"OPENLINEAGE_URL": f"http://u:{PASSWORD}@127.0.0.1:9"}, "OpenLineage", "does not answer", "OPENLINEAGE_URL"),
    ({"OPENLINEAGE_FILE": "/no/such/folder/events"}, "OpenLineage", "/no/such/folder does not exist", "Create it"),
    ({"SPARK_MASTER": "spark://127.0.0.1:9"}, "Spark", "environment is not|answer", "make spark|SPARK|Start"),
    ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "web settings", "anybody may claim any address", "proxies"),
    ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "settings", "cannot be used", "set KAFKA_SASL_USERNAME"),
    ({"PG_SSLMODE": "require"}, "PostgreSQL", "127.0.0.1:[0-9]+ does not speak TLS", "ssl = on"),
    ({"KAFKA_SECURITY_PROTOCOL": "SSL"}, "Kafka", "127.0.0.1:[0-9]+ does not speak TLS", "port for TLS"),
    ({"LIONTRACK_DEMO": "1", "WEB_HOST": "0.0.0.0"}, "web settings", "can be reached from outside", "LIONTRACK_DEMO"),
    ({"TOPIC_PARTITIONS": "3"}, "topic ", "2 partitions and TOPIC_PARTITIONS is 3", "TOPIC_PARTITIONS=2"),
    ({"PG_PORT": "many"}, "settings", "cannot be used", "PG_PORT"),
    ({"PG_HOST": None, "PG_USER": None}, "settings", "incomplete", "Set PG_HOST, PG_USER, or start"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "what", "detail", "todo"), SET, ids=[" ".join(case[0]) + " " + case[1] for case in SET]
)
def test_a_setting_that_is_wrong(
    doctor: Ask, healthy: Settings, changes: dict[str, str | None], what: str, detail: str, todo: str
) -> None:
    told = doctor(healthy, **changes)
    assert {check["what"].startswith(what) for check in told.failed} == {True}
    assert len(told.failed) == (5 if what == "topic " else 1), "one line each"
    assert re.search(detail, told.failed[0]["detail"]), told.failed
    assert re.search(todo, told.failed[0]["todo"]), told.failed
    others = [check for check in told.worries if check["state"] == "warn"]
    assert all(check["detail"].startswith("not checked: ") for check in others), others
    skipped = {
        "Kafka": {"topics", "offsets"},
        "PostgreSQL": {"clocks", "schema", "roles", "generation", "offsets", "lake export"},
    }
    if what in skipped:
        assert {check["what"] for check in others} == skipped[what]


async def test_links_to_other_machines_without_tls(healthy: Settings) -> None:
    async def worry(**changes: object) -> str:
        settings = healthy.model_copy(update=changes)
        line = await configuration.links(Patient(settings.liontrack_data_dir, 1.0, settings))
        return f"{line.state} {line.detail} {line.todo}"

    assert (await worry()).startswith("ok Kafka by PLAINTEXT, PostgreSQL by PG_SSLMODE=prefer")
    assert "warn Kafka at 127.0.0.1:1,kafka:9092 is talked to without TLS" in await worry(
        kafka_brokers="127.0.0.1:1,kafka:9092"
    )
    assert "PG_SSLMODE=verify-full and PG_TLS_CA_FILE" in await worry(pg_host="db.internal", pg_sslmode="require")
    safe = {
        "kafka_brokers": "kafka:9093",
        "kafka_security_protocol": "SSL",
        "pg_host": "db",
        "pg_sslmode": "verify-full",
    }
    assert (await worry(**safe)).startswith("ok ")


def test_a_web_server_without_tls(doctor: Ask, healthy: Settings, certificates: Certificates) -> None:
    files = {"WEB_TLS_CERT_FILE": str(certificates.certificate()), "WEB_TLS_KEY_FILE": str(certificates.key())}
    for changes, state in (({}, "warn"), (files, "ok"), ({"TRUSTED_PROXIES": "10.0.0.7"}, "ok")):
        found = doctor(healthy, WEB_HOST="0.0.0.0", **changes).checks["web settings"]
        assert found["state"] == state, found


def test_mongodb_away(doctor: Ask, healthy: Settings) -> None:
    told = doctor(healthy, timeout_s=6, MONGODB_URI=f"mongodb://u:{PASSWORD}@127.0.0.1:9/lions")
    found = told.checks["MongoDB"]
    if find_spec("pymongo") is None:
        assert (found["state"], found["todo"]) == ("warn", "pip install pymongo")
    else:
        assert (found["state"], found["todo"]) == ("FAIL", "Start it, or correct MONGODB_URI")


def test_servers_that_accept_and_say_nothing(doctor: Ask, healthy: Settings) -> None:
    with _listener() as port:
        told = doctor(healthy, timeout_s=3, KAFKA_BROKERS=f"127.0.0.1:{port}", PG_PORT=str(port), WEB_PORT=str(port))
    assert {check["what"] for check in told.failed} >= {"Kafka", "PostgreSQL", "web port"}
    assert told.checks["web port"]["detail"] == f"another program has 127.0.0.1:{port}"


def test_topics_that_lose_records(doctor: Ask, own: Settings) -> None:
    name = own.topic(TOPIC)
    for config, told in (
        ({"retention.ms": "604800000"}, "retention.ms=604800000: .* Set retention.ms=-1$"),
        ({"message.timestamp.type": "CreateTime"}, "producers' clocks Set message.timestamp.type=LogAppendTime$"),
        ({"cleanup.policy": "compact"}, "is compacted: .* Set cleanup.policy=delete$"),
    ):
        _admin(own, "alter_configs", [ConfigResource(ConfigResourceType.TOPIC, name, {**REQUIRED_CONFIG, **config})])
        _until(doctor, own, f"topic {name}", told)
    _admin(own, "delete_topics", [name])
    checks = _until(doctor, own, f"topic {name}", "it does not exist Create it with `liontrack topics`$")
    assert checks["offsets"]["detail"] == "not checked: topics comes first"


def _until(doctor: Ask, settings: Settings, what: str, pattern: str) -> dict[str, dict[str, str]]:
    """The checks once the only one that fails says this: a broker takes a moment to show a change."""
    until = time.monotonic() + 20
    while True:
        told = doctor(settings)
        if told.failed and re.search(pattern, f"{told.failed[0]['detail']} {told.failed[0]['todo']}"):
            assert [check["what"] for check in told.failed] == [what]
            return told.checks
        assert time.monotonic() < until, told.failed


def test_a_warehouse_that_is_behind(doctor: Ask, own: Settings) -> None:
    _execute(own, "DELETE FROM _yoyo_migration WHERE migration_id LIKE '0016%'")
    told = doctor(own)
    assert [(check["what"], check["todo"]) for check in told.failed] == [("schema", "Run `liontrack migrate`")]
    assert "it lacks 1 migration (0016_generations)" in told.failed[0]["detail"]
    _execute(own, "DELETE FROM _yoyo_migration")
    assert re.search(r"it lacks \d\d migrations \(0001_metadata …\)", doctor(own).failed[0]["detail"])


def test_a_role_that_is_dropped_or_may_nothing(doctor: Ask, own: Settings) -> None:
    role = f"api_{own.pg_database}"
    _execute(own, f"CREATE ROLE {role}")
    try:
        told = doctor(own, PG_API_ROLE=role)
        assert [check["what"] for check in told.failed] == ["roles"]
        assert re.search("no privileges yet|may not act as", told.failed[0]["detail"]), told.failed
    finally:
        _execute(own, f"DROP ROLE {role}")
    told = doctor(own, PG_API_ROLE=role)
    assert [check["what"] for check in told.failed] == ["roles"]
    assert f"role {role} does not exist" in told.failed[0]["detail"]


def test_a_role_that_may_too_much_is_a_warning(doctor: Ask, own: Settings) -> None:
    told = doctor(own, PG_API_ROLE="")
    assert (told.code, [check["what"] for check in told.worries]) == (0, ["roles"])
    assert "which the API acts as, may change silver" in told.worries[0]["detail"]


def test_offsets_that_kafka_does_not_hold(doctor: Ask, own: Settings) -> None:
    _execute(own, f"INSERT INTO metadata.consumed_offsets (topic, partition, next_offset) VALUES ('{TOPIC}', 1, 5)")
    told = doctor(own)
    assert [check["what"] for check in told.failed] == ["offsets"]
    assert "offsets 0 to 4 are gone from Kafka" in told.failed[0]["detail"]
    _execute(own, "UPDATE metadata.consumed_offsets SET cluster_id = 'another'")
    told = doctor(own)
    assert [check["what"] for check in told.failed] == ["offsets"]
    assert "of Kafka cluster another, but this is cluster" in told.failed[0]["detail"]
    assert told.failed[0]["todo"].startswith("Point KAFKA_BROKERS at the former")


def test_a_generation_of_other_rules(doctor: Ask, own: Settings) -> None:
    limits = "[50, 20, 10, 5]"
    _execute(
        own,
        f"""INSERT INTO metadata.rule_versions (fingerprint, parameters)
            VALUES ('other', '{{"fixes": {{"speed_limits_kmh": {limits}}}}}');
            UPDATE catalog.generations SET rule_version = (SELECT max(rule_version) FROM metadata.rule_versions)
            WHERE state = 'live'""",
    )
    told = doctor(own)
    assert [(check["what"], check["todo"]) for check in told.failed] == [
        ("generation", "Set SPEED_LIMITS_KMH=50,20,10,5")
    ]


def test_a_web_port_that_is_taken(doctor: Ask, healthy: Settings) -> None:
    with _listener(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as port:
        told = doctor(healthy, WEB_PORT=str(port))
        assert [(check["what"], check["todo"]) for check in told.failed] == [
            ("web port", "End it, or set WEB_PORT to a free port")
        ]
    with _listener(answer=b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"status":"alive"}') as port:
        assert doctor(healthy, WEB_PORT=str(port)).checks["web port"]["detail"].startswith("a worker answers")


def test_an_embedded_stack_that_is_down(doctor: Ask, tmp_path: Path) -> None:
    record = Record(kafka_port=9, controller_port=10, pg_port=11)
    record.write(tmp_path)
    record.write_client_settings(tmp_path)
    told = doctor(None, LIONTRACK_DATA_DIR=str(tmp_path))
    assert {check["what"] for check in told.failed} == {"embedded stack", "Kafka", "PostgreSQL"}
    assert told.checks["embedded stack"]["todo"] == "Run `liontrack up`"
    assert record.passwords.client not in told.text and record.jwt_secret not in told.text


def test_a_shell_s_view(healthy: Settings) -> None:
    """A line each, without colours where nobody sees them; few open files, which a running process is not given."""
    command = f"ulimit -n 200; exec {sys.executable} -m liontrack_stream doctor"
    done = subprocess.run(
        ["bash", "-c", command], cwd=REPOSITORY, env=environment_of(healthy), capture_output=True, text=True,
        timeout=120,
        check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert done.returncode == 1, done.stderr
    assert len(lines) == len(PROBES) + 4
    assert all(re.match(r"(ok  |warn|FAIL)  [^:]+: .+\.$", line) for line in lines), lines
    assert [line for line in lines if not line.startswith("ok")] == [
        "FAIL  open files: 200 may be open. Raise it with `ulimit -n 65536`, or LimitNOFILE= of systemd."
    ]


def test_usage(doctor: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli(["doctor", "--timeout", "0"], prog_name="liontrack")
    assert (end.value.code, capsys.readouterr().out) == (2, "")


def test_named_checks_alone_and_what_they_need(healthy: Settings) -> None:
    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_forked("liontrack_stream", ["doctor", *arguments], environment_of(healthy), REPOSITORY, 60)

    done = ask("--only", "schema", "--only", "disk")
    assert done.returncode == 0, done.stderr
    assert [line[6:].split(":")[0] for line in done.stdout.splitlines()] == ["settings", "PostgreSQL", "schema", "disk"]
    unknown = ask("--only", "kafka")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "there is no check 'kafka'; there are settings, JWT_SECRET" in unknown.stderr


def test_clocks() -> None:
    assert [judge_clock(theirs, 1000.0, 1000.4).state for theirs in (1000.2, 998.5, 1003.0, 900.0, 1100.0)] == [
        "ok", "ok", "warn", "FAIL", "FAIL",
    ]  # fmt: skip
    assert "100.0 s behind ours" in judge_clock(900.0, 1000.0, 1000.4).detail


def test_disk() -> None:
    assert [judge_disk(free, "/lions").state for free in (0.9, 9.0, 11.0)] == ["FAIL", "warn", "ok"]


def test_sentences() -> None:
    assert sentence("It is so. Do this.") == ("It is so", "Do this")
    assert sentence("It is so: do this.") == ("It is so", "Do this")
    assert sentence("It is so.") == ("It is so", "")


@contextmanager
def _listener(answer: bytes | None = None) -> Iterator[int]:
    """A program on a port, which answers every connection with these bytes, or never."""
    import threading

    server = socket.create_server(("127.0.0.1", 0))
    open_connections = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            open_connections.append(connection)
            if answer is not None:
                connection.recv(4096)
                connection.sendall(answer)
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for connection in open_connections:
            connection.close()


def _execute(settings: Settings, statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(**settings.pg_dsn)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    asyncio.run(run())


def _admin(settings: Settings, method: str, *arguments: object) -> None:
    async def run() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_brokers)
        await admin.start()
        try:
            await getattr(admin, method)(*arguments)
        finally:
            await admin.close()

    asyncio.run(run())
