"""A canary in every secret setting, whatever goes wrong: it is in no log, answer, metric, row, file or error."""

from __future__ import annotations

import json
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import jwt
import psycopg
import pytest
from pydantic import SecretStr

from liontrack_stream.contract.topics import ACTIVITIES
from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.settings import Settings, SettingsError, load_settings
from tests.support.forked import Forked, run_forked
from tests.support.pipeline_kit import PipelineKit
from tests.support.stack import OWN_VARIABLES
from tests.support.worker_process import REPOSITORY, wait_until

SECRETS = sorted(
    name
    for name, field in Settings.model_fields.items()
    if SecretStr in (field.annotation, *get_args(field.annotation))
)
ELSEWHERE = {"kafka_sasl_password"}  # refused where Kafka is plain: commands below have it
AWAY = "127.0.0.1:9"
_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('bronze', 'silver', 'gold', 'metadata', 'catalog') AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition
"""

Canaries = dict[str, str]


@pytest.fixture
def canaries() -> Canaries:
    """Setting -> a text that is met nowhere else; `events`: what our own users' events carry as a password."""
    return {name: f"canary{secrets.token_hex(20)}" for name in (*SECRETS, "openlineage_url", "events")}


@pytest.fixture
def sung(pipeline: PipelineKit, canaries: Canaries) -> Iterator[PipelineKit]:
    """A pipeline whose settings hold the canaries: those for the servers that are there work, the others fail."""
    role = f"canary_{secrets.token_hex(6)}"
    with pipeline.connect() as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{canaries['pg_password']}'")
        admin.execute(f"GRANT liontrack_ingest, liontrack_api TO {role}")
        pipeline.settings = pipeline.settings.model_copy(
            update={
                **{name: SecretStr(canaries[name]) for name in SECRETS if name not in ELSEWHERE},
                "pg_user": role,
                "mongodb_uri": SecretStr(f"mongodb://nala:{canaries['mongodb_uri']}@{AWAY}/liontrack"),
                "lake_root": "s3://nowhere/lake",
                "s3_endpoint_url": f"http://{AWAY}",
                "s3_access_key_id": "nobody",
                "openlineage_url": f"http://lions:{canaries['openlineage_url']}@{AWAY}",
                "openlineage_file": pipeline.folder / "lineage" / "events.jsonl",
                "log_format": "json",
                "log_level": "debug",
                "log_summary_interval_s": 0.5,
                "lake_interval_s": 0.2,
            }
        )
        yield pipeline
        pipeline.end()
        admin.execute(f"DROP ROLE {role}")


def assert_silent(canaries: Canaries, told: dict[str, str]) -> None:
    """No canary is in any of these texts, by what said them."""
    for where, text in told.items():
        for name, canary in canaries.items():
            at = text.lower().find(canary)
            assert at < 0, f"{name} is in {where}: …{text[max(0, at - 200) : at + 10]}…"


def test_every_secret_setting_is_known_as_one() -> None:
    assert {"pg_password", "jwt_secret", "mongodb_uri", "s3_secret_access_key", "openlineage_api_key"} <= set(SECRETS)
    telling = ("password", "secret", "token", "api_key")
    assert [n for n in Settings.model_fields if any(word in n for word in telling) and n not in SECRETS] == []


def test_a_worker_tells_none(sung: PipelineKit, canaries: Canaries) -> None:
    worker = sung.worker()
    wait_until(lambda: worker.log.exists() and "Ready" in worker.log_text(), 40.0, "the worker is ready")
    bad = canaries["events"]
    event = {"user_id": "u", "activity_type": "login", "timestamp": "2025-03-01T00:00:00Z", "password": bad}
    values = [json.dumps(event), json.dumps({**event, "timestamp": "never"}), json.dumps(event)[:-1]]
    sung.send(Outgoing(ACTIVITIES.name, b"u", value.encode(), []) for value in values)
    wait_until(lambda: sung.stored() >= len(values), 20.0, "the events are stored")
    told = {path: _ask(sung, path) for path in ("/health", "/ready", "/metrics", "/openapi.json", "/")}
    for name, header in _bad_tokens(sung, canaries).items():
        told[name] = _ask(sung, "/api/analytics/lions", {"Authorization": header})
    told["a token in the address"] = _ask(sung, f"/api/analytics/lions?access_token={bad}&limit={bad}")
    told["a path"] = _ask(sung, f"/api/{bad}")
    token = {"Authorization": f"Bearer {_token(canaries['jwt_secret'])}", "Content-Type": "application/json"}
    for name, value in (("a push", json.dumps([event])), ("half a push", json.dumps(event)[:-1])):
        body = value.encode()
        told[name] = _ask(sung, "/ingest/activities", token, body)
    worker.signal(signal.SIGUSR1)
    wait_until(lambda: "cannot be delivered" in worker.log_text() and "export of" in worker.log_text(), 20.0, "trouble")
    code, _ = worker.stop(20.0)
    assert code == 0, worker.log_text()[-3000:]
    told |= {"the log": worker.log_text(), "OpenLineage's file": sung.settings.openlineage_file.read_text()}
    told |= {f"the table {table}": text for table, text in _rows(sung).items()}
    echoed = {"a token in the address", "a path"}  # an answer may name what its own client sent
    assert_silent(canaries, {name: text for name, text in told.items() if name not in echoed})
    assert_silent({n: c for n, c in canaries.items() if n != "events"}, told)
    lines = [json.loads(line) for line in worker.log_text().splitlines()]
    assert {"Stored", "Since"} <= {line["message"].split()[0] for line in lines}


# As if Kafka asked for a user: it does not, and refuses what it takes for nonsense.
SASL = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_USERNAME": "nala"}
# Command, what is changed ({0}: a canary of its own), exit code.
COMMANDS: list[tuple[list[str], dict[str, str], int]] = [
    (["worker"], {"PG_PASSWORD": "{0}"}, 2),
    (["worker"], {"JWT_SECRET": "{0}{0}"}, 2),
    (["worker"], {"KAFKA_BROKERS": "u:{0}@127.0.0.1:9"}, 2),
    (["worker"], {"KAFKA_SASL_PASSWORD": "{0}"}, 2),
    (["worker"], {**SASL, "KAFKA_SASL_PASSWORD": "{0}"}, 2),
    (["topics"], {**SASL, "KAFKA_SASL_PASSWORD": "{0}"}, 1),
    (["doctor"], {}, 1),
    (["doctor", "--timeout", "3"], {"PG_PASSWORD": "{0}", "KAFKA_BROKERS": AWAY}, 1),
    (["migrate"], {"PG_PASSWORD": "{0}"}, 1),
    (["migrate", "--check"], {"PG_HOST": "u:{0}@127.0.0.1"}, 2),
    (["status"], {}, 3),
    (["topics"], {"KAFKA_BROKERS": AWAY}, 1),
    (["lake", "verify"], {}, 1),
    (["generations", "list"], {"PG_PASSWORD": "{0}"}, 1),
    (["source", "mongo", "--until-caught-up"], {"MONGODB_URI": "mongodb://u:{0}/x@h/db"}, 2),
    (["source", "mongo", "--until-caught-up"], {"MONGODB_URI": "mongodb://u:{0}@127.0.0.1:1/"}, 2),
    (["token", "--id", "u"], {"JWT_SECRET": "{0}"}, 2),
]


def test_no_command_tells_one(sung: PipelineKit, canaries: Canaries) -> None:
    def run(case: tuple[list[str], dict[str, str], int]) -> tuple[str, int, int, str]:
        arguments, changes, wanted = case
        values = {name: value.format(canaries["own"]) for name, value in changes.items()}
        try:
            done = run_forked("liontrack_stream", arguments, sung.environment(**values), REPOSITORY, 60.0)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{arguments} {changes} did not end") from None
        return f"{' '.join(arguments)} {values}", done.returncode, wanted, done.stdout + done.stderr

    canaries["own"] = f"canary{'0123456789' * 2}"  # a weak secret, too
    with ThreadPoolExecutor(3) as pool:
        for what, code, wanted, text in pool.map(run, COMMANDS):
            assert code == wanted, f"{what}: {text[-3000:]}"
            assert text.strip(), f"{what} says nothing"
            assert_silent(canaries, {what: text})


def test_a_source_that_waits_tells_none(sung: PipelineKit, canaries: Canaries) -> None:
    log = sung.folder / "source.log"
    source = Forked("liontrack_stream", ["source", "mongo"], sung.environment(), REPOSITORY, log, log)
    try:
        wait_until(lambda: log.exists() and "waits for MongoDB" in log.read_text(), 30.0, "it waits for MongoDB")
    finally:
        source.kill()
        source.wait(10.0)
    assert_silent(canaries, {"source mongo": log.read_text()})


def test_errors_and_reprs_tell_none(
    stack_settings: Settings, canaries: Canaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = stack_settings.model_copy(update={name: SecretStr(canaries[name]) for name in SECRETS})
    assert_silent(canaries, {"repr": repr(settings), "str": str(settings), "json": settings.model_dump_json()})
    for name in OWN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in {"PG_HOST": "h", "PG_USER": "u", "KAFKA_BROKERS": "b:1", "PG_PORT": canaries["events"]}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PG_PASSWORD", canaries["pg_password"])
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert_silent(canaries, {"a setting's error": f"{caught.value!r} {caught.value.__cause__!r}"})


@pytest.mark.parametrize("setting", ["KAFKA_BROKERS", "PG_HOST", "LAKE_ROOT", "SPARK_MASTER"])
def test_an_address_that_is_shown_takes_no_password(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = "s3://me:hunter2@bucket/x" if setting in ("LAKE_ROOT", "SPARK_MASTER") else "me:hunter2@h:9092"
    for name, good in {"KAFKA_BROKERS": "b:1", "PG_HOST": "h", "PG_USER": "u", "PG_PASSWORD": "p"}.items():
        monkeypatch.setenv(name, good)
    monkeypatch.setenv(setting, value)
    with pytest.raises(SettingsError, match=f"{setting}: an address without user and password") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_an_uncaught_error_of_a_command_is_told_without_them(canaries: Canaries) -> None:
    code = (
        "import sys; from liontrack_stream.logs import guard_terminal; guard_terminal();"
        "import logging; from liontrack_stream.settings import load_settings;"
        "settings = load_settings(); secret = settings.pg_password.get_secret_value();"
        "logging.getLogger('any').error('here %s', secret); raise ValueError(f'no: {secret}')"
    )
    values = {"PG_HOST": "h", "PG_USER": "u", "KAFKA_BROKERS": "b:1", "PG_PASSWORD": canaries["pg_password"]}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**_path(), **values}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ValueError: no: [removed]" in done.stderr
    assert "here [removed]" in done.stderr
    assert_silent(canaries, {"stderr": done.stderr, "stdout": done.stdout})


def _path() -> dict[str, str]:
    return {"PATH": str(Path(sys.executable).parent), "PYTHONPATH": str(REPOSITORY)}


def _ask(pipeline: PipelineKit, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> str:
    """Status, headers and body of an answer."""
    url = f"http://127.0.0.1:{pipeline.settings.web_port}{path}"
    request = urllib.request.Request(url, body, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10.0) as response:
            return f"{response.status} {response.headers} {response.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.headers} {error.read().decode()}"


def _token(secret: str) -> str:
    return jwt.encode({"id": "tester", "roles": ["ranger", "producer"], "exp": int(time.time()) + 60}, secret, "HS256")


def _bad_tokens(pipeline: PipelineKit, canaries: Canaries) -> dict[str, str]:
    return {
        "a token that is none": f"Bearer {canaries['events']}",
        "another secret's token": f"Bearer {_token('x' * 40)}",
        "another scheme": f"Basic {canaries['events']}",
        "half a token": f"Bearer {_token(canaries['jwt_secret'])[:-5]}",
    }


def _rows(pipeline: PipelineKit) -> dict[str, str]:
    dsn: dict[str, Any] = dict(pipeline.settings.pg_dsn)
    with psycopg.connect(dbname=dsn.pop("database"), **dsn) as connection:
        tables = [table for (table,) in connection.execute(_TABLES)]
        found = {}
        for table in tables:
            rows = connection.execute(f"SELECT t::text FROM {table} t").fetchall()  # type: ignore[arg-type]
            raw = "".join(text for (text,) in rows)
            decoded = b"".join(bytes.fromhex(part) for part in _hex(raw)).decode(errors="replace")
            found[table] = raw + decoded
        return found


def _hex(text: str) -> list[str]:
    return [part[: len(part) // 2 * 2] for part in re.findall(r"\\x([0-9a-f]+)", text)]
