"""deploy/docker-compose.yml: valid by the compose schema, and its MongoDB source runs as it is written there.

No container engine runs where these tests do: the source's own command, environment and secrets are started by hand.
"""

from __future__ import annotations

import json
import re
import stat
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from liontrack_stream.settings import Settings, SettingsError, load_settings
from tests.commands.test_command_line import OURS
from tests.support.deploy_programs import COMPOSE as COMPOSE_READER
from tests.support.forked import run_forked
from tests.support.mongo import running_mongo
from tests.support.oracle import POSITIONS
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OUR_SERVICES = {name: one for name, one in SERVICES.items() if one["image"].startswith("liontrack-stream:")}
BEGIN_AS_ROOT = {"kafka", "postgres", "mongo"}  # and write to their image
ONCE = {"bucket", "migrate", "roles", "topics", "submit"}
SECRETS = {name for name, field in Settings.model_fields.items() if field.annotation in (SecretStr, SecretStr | None)}
READ_BY_NAME = SECRETS | {"s3_access_key_id"}
_PINNED = re.compile(
    r"[\w./-]+:\D{0,12}\d+\.\d+[\w.-]*|[\w./-]+:RELEASE\.[\dTZ-]+|liontrack-\w+:\$\{LIONTRACK_VERSION:-[\d.]+\}"
)


@pytest.fixture
def pipeline(settings: Settings, tmp_path: Path) -> Iterator[PipelineKit]:
    """Topics, warehouse and lake of this test's own."""
    kit = PipelineKit(settings, tmp_path)
    yield kit
    kit.end()


def test_the_compose_schema_takes_it() -> None:
    package = find_spec("check_jsonschema")  # importing it would ask for a newer click
    assert package is not None and package.origin is not None
    schema = json.loads((Path(package.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json").read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(COMPOSE)] == []
    wrong = {**COMPOSE, "services": {"worker": {**SERVICES["worker"], "comand": ["worker"]}}}
    assert not Draft202012Validator(schema).is_valid(wrong)


def test_compose_itself_reads_it(tmp_path: Path) -> None:
    """By the library that `docker compose config` reads with: anchors, variables, dependencies, networks."""
    command = [COMPOSE_READER.path(), "-format", "json", DEPLOY / "docker-compose.yml"]
    read = subprocess.run(command, capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
    services = json.loads(read.stdout)["services"]
    assert set(services) == set(SERVICES)
    for name, service in services.items():  # what these tests read in the file is what compose reads in it
        for key in ("restart", "read_only", "cap_drop", "cap_add", "security_opt", "tmpfs", "init", "entrypoint"):
            assert service.get(key) == SERVICES[name].get(key), f"{name}: {key}"
    assert services["worker"]["environment"]["LAKE_ROOT"] == "s3://lake/liontrack"
    assert services["worker"]["ports"] == [
        {"mode": "ingress", "host_ip": "127.0.0.1", "target": 4001, "published": "4001", "protocol": "tcp"}
    ]
    broken = tmp_path / "docker-compose.yml"
    broken.write_text("services: {a: {image: x, ports: [a-port]}}")
    assert subprocess.run([COMPOSE_READER.path(), broken], capture_output=True, check=False).returncode == 1


def test_services_set_what_there_is_and_wait_for_what_they_need() -> None:
    known = {name.upper() for name in Settings.model_fields}
    for name, service in OUR_SERVICES.items():
        assert service["command"][0] in OURS, name
        assert set(service["environment"]) <= known, name
        assert set(service["secrets"]) <= READ_BY_NAME, name
        assert not {secret.upper() for secret in SECRETS} & set(service["environment"]), f"{name}: a secret in the open"
    for name, service in SERVICES.items():
        for other in service.get("depends_on", {}):
            in_reach = set(service["networks"]) & set(SERVICES[other]["networks"])
            assert in_reach or other in ONCE, f"{name} waits for {other} and cannot reach it"
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or source == "/" or (DEPLOY / source).is_dir(), f"{name}: {source}"
        assert _PINNED.fullmatch(service["image"]), f"{name}: which version?"
        if build := service.get("build"):
            assert (REPOSITORY / build["dockerfile"]).exists(), name
            assert (
                f" AS {build['target']}" in (REPOSITORY / build["dockerfile"]).read_text()
                if "target" in build
                else True
            )
    used = {one for service in SERVICES.values() for one in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])


def test_services_may_do_no_more_than_they_need() -> None:
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
        assert set(service.get("cap_add", [])) <= {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}, name
        assert bool(service.get("cap_add")) <= (name in BEGIN_AS_ROOT), name
        assert (service.get("read_only") is True and "/tmp" in service["tmpfs"][0]) != (name in BEGIN_AS_ROOT), name
        limits = service["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory", "pids"}, name
        restart = "no" if name == "submit" else "on-failure:5" if name in ONCE else "unless-stopped"
        assert service["restart"] == restart, name
        assert service["logging"]["options"]["max-size"], name
        healthcheck = service.get("healthcheck", {})
        if name in {*ONCE, "source-mongo"}:  # nobody can ask them
            assert healthcheck == {"disable": True}, name
        elif name not in {"worker", "jupyter", "airflow"}:  # whose image has one
            assert healthcheck["test"][0] == "CMD", name
        for volume in service.get("volumes", []):
            assert not volume.startswith((".", "/")) or volume.split(":")[2].startswith("ro"), f"{name}: {volume}"
    assert {name for name, one in SERVICES.items() if not one.get("profiles")} >= {
        "kafka", "postgres", "minio", "worker", "prometheus", "kafka-exporter", "postgres-exporter", "node-exporter",
        "grafana", "spark-master", "spark-worker-1", "spark-worker-2",
    }  # fmt: skip
    profiles = {profile for one in SERVICES.values() for profile in one.get("profiles", [])}
    assert profiles >= {"mongodb", "airflow", "jupyter"}


def test_only_what_must_talk_is_in_one_network() -> None:
    inside = {net: {name for name, one in SERVICES.items() if net in one["networks"]} for net in COMPOSE["networks"]}
    for name, service in SERVICES.items():
        assert all(re.match(r"127\.0\.0\.1:\d+:\d+$", port) for port in service.get("ports", [])), (
            f"{name}: open to others"
        )
        assert bool(service.get("ports")) == (name in inside["loopback"]), name
    assert all(net == "loopback" or (one or {}).get("internal") is True for net, one in COMPOSE["networks"].items())
    assert {"grafana", "prometheus"}.isdisjoint(inside["stream"] | inside["store"] | inside["lake"])
    assert inside["documents"] == {"mongo", "source-mongo"}
    assert {"kafka", "postgres"}.isdisjoint(inside["loopback"] | inside["watch"])
    published = [port for one in SERVICES.values() for port in one.get("ports", [])]
    assert len({port.split(":")[1] for port in published}) == len(published)


def test_spark_is_started_as_its_own_script_starts_it() -> None:
    script = (DEPLOY / "spark/start").read_text()
    for name in ("spark-master", "spark-worker-1", "spark-worker-2"):
        [deploy, *arguments] = SERVICES[name]["command"]
        assert deploy in script, name
        options = [word for word in arguments if word.startswith("--")]
        assert all(f"{option} " in script for option in options), f"{name}: Spark takes no --option=value"
    assert SERVICES["spark-worker-1"]["command"] == SERVICES["spark-worker-2"]["command"]


def test_nothing_is_in_it_that_a_stranger_could_log_in_with() -> None:
    text = (DEPLOY / "docker-compose.yml").read_text()
    for line in text.splitlines():
        if re.search(r"(?i)(password|token|secret|_key)\w*\s*[:=]", line) and not re.search(
            r"/run/secrets/|_FILE: /", line
        ):
            assert re.search(r"\{file: secrets/\w+\}", line) or re.match(r"\s*secrets:", line), (
                f"a secret in the open? {line}"
            )


def test_the_source_runs_as_the_service_says(pipeline: PipelineKit, tmp_path: Path) -> None:
    service = SERVICES["source-mongo"]
    secrets = tmp_path / "secrets"
    made = subprocess.run([DEPLOY / "make-secrets", secrets], capture_output=True, text=True, check=True)
    assert made.stdout.count("is new") == len(COMPOSE["secrets"])
    settings = pipeline.settings
    at_the_stack = {
        "KAFKA_BROKERS": settings.kafka_brokers,
        "PG_HOST": settings.pg_host,
        "PG_USER": settings.pg_user,
        "LAKE_ROOT": settings.lake_root,
    }
    assert set(at_the_stack) == set(service["environment"]) - {"S3_ENDPOINT_URL", "TOPIC_PARTITIONS"}
    of_this_test = {
        "TOPIC_PARTITIONS",
        "PG_PORT",
        "PG_DATABASE",
        "TOPIC_PREFIX",
        "LIONTRACK_DATA_DIR",
        "HOME",
        "PATH",
        "PYTHONPATH",
    }
    environment = {name: value for name, value in pipeline.environment().items() if name in of_this_test}
    with running_mongo(tmp_path) as server, server.client() as client:
        for name, value in {"mongodb_uri": server.uri, "pg_password": settings.pg_password.get_secret_value()}.items():
            (secrets / name).unlink()
            (secrets / name).write_text(f"{value}\n")
        assert set(service["secrets"]) == {"mongodb_uri", "pg_password"}
        client.liontrack.lions.insert_one({"_id": "lion-1", "name": "Nala", "position": {"lat": -21.5, "lng": 23.5},
                                           "lastUpdate": "2025-03-01T10:00:00Z"})  # fmt: skip
        done = run_forked(
            "liontrack_stream",
            [*service["command"], "--until-caught-up"],
            {**environment, **at_the_stack, "LIONTRACK_SECRETS_DIR": str(secrets)},
            REPOSITORY,
            60,
        )
    assert done.returncode == 0, done.stderr
    assert [json.loads(record.value)["lion_id"] for record in pipeline.consumed() if record.topic == POSITIONS] == [
        "lion-1"
    ]


def test_secrets_are_made_once_and_are_strong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "secrets"
    subprocess.run([DEPLOY / "make-secrets", folder], check=True, stdout=subprocess.DEVNULL)
    held = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(held) == set(COMPOSE["secrets"])
    again = subprocess.run([DEPLOY / "make-secrets", folder], check=True, capture_output=True, text=True)
    assert again.stdout.count("is there already") == len(COMPOSE["secrets"])
    subprocess.run([DEPLOY / "make-secrets", tmp_path / "others"], check=True, stdout=subprocess.DEVNULL)
    assert [name for name, text in held.items() if (tmp_path / "others" / name).read_text() == text] == ["mongodb_uri"]
    assert [name for name, text in held.items() if len(text) < 32 and not name.endswith(("_id", "_user"))] == []
    assert {path.name: path.read_text() for path in folder.iterdir()} == held
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    for name in (*held, *(name.upper() for name in held)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LIONTRACK_SECRETS_DIR", str(folder))
    for name, value in {"KAFKA_BROKERS": "kafka:9092", "PG_HOST": "postgres", "PG_USER": "liontrack"}.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(tmp_path)
    assert settings.require_jwt_secret() == held["jwt_secret"]
    assert settings.pg_password.get_secret_value() == held["pg_password"]
    monkeypatch.setenv("PG_PASSWORD", "of the environment")
    assert load_settings(tmp_path).pg_password.get_secret_value() == "of the environment"
    monkeypatch.setenv("LIONTRACK_SECRETS_DIR", str(folder / "none"))
    with pytest.raises(SettingsError, match="LIONTRACK_SECRETS_DIR is no folder"):
        load_settings(tmp_path)
