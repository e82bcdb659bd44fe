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
from tests.support.forked import run_forked
from tests.support.mongo import running_mongo
from tests.support.oracle import POSITIONS
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OUR_SERVICES = {name: service for name, service in SERVICES.items() if service["image"] == "liontrack-stream"}
SECRETS = {name for name, field in Settings.model_fields.items() if field.annotation in (SecretStr, SecretStr | None)}


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


def test_services_set_what_there_is_and_wait_for_what_they_need() -> None:
    known = {name.upper() for name in Settings.model_fields}
    for name, service in OUR_SERVICES.items():
        assert service["command"][0] in OURS, name
        assert set(service["environment"]) <= known, name
        assert set(service["secrets"]) <= SECRETS, name
        assert not {secret.upper() for secret in SECRETS} & set(service["environment"]), f"{name}: a secret in the open"
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"]), name
        assert {volume.split(":")[0] for volume in service.get("volumes", [])} <= set(COMPOSE["volumes"]), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert re.fullmatch(r"[\w./-]+:[\d.]+|liontrack-stream", service["image"]), f"{name}: which version?"


def test_the_source_runs_as_the_service_says(pipeline: PipelineKit, tmp_path: Path) -> None:
    service = SERVICES["source-mongo"]
    secrets = tmp_path / "secrets"
    made = subprocess.run([DEPLOY / "make-secrets", secrets], capture_output=True, text=True, check=True)
    assert made.stdout.count("is new") == 3
    settings = pipeline.settings
    at_the_stack = {
        "KAFKA_BROKERS": settings.kafka_brokers,
        "PG_HOST": settings.pg_host,
        "PG_USER": settings.pg_user,
        "LAKE_ROOT": settings.lake_root,
    }
    assert set(at_the_stack) == set(service["environment"])
    of_this_test = {"PG_PORT", "PG_DATABASE", "TOPIC_PREFIX", "LIONTRACK_DATA_DIR", "HOME", "PATH", "PYTHONPATH"}
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
    assert again.stdout.count("is there already") == 3
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


def test_the_image_is_made_of_what_the_lock_holds() -> None:
    """The Dockerfile copies all that the package is built from."""
    text = (DEPLOY / "Dockerfile").read_text()
    copied = set(re.findall(r"[\w.]+", " ".join(re.findall(r"^COPY (?!--)(.*)$", text, re.M))))
    packages = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")} - {"tests"} | {"sql"}
    assert packages | {"pyproject.toml", "requirements.lock", "README.md", "LICENSE"} <= copied
    assert "--require-hashes" in text
    assert len(set(re.findall(r"^FROM (python:3\.11\.\d+-\S+)", text, re.M))) == 1
