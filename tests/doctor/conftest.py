"""A deployment where all is well, and the command run on it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from faust.cli.faust import cli
from pydantic import SecretStr

from liontrack_stream import commands
from liontrack_stream.kafka.topics import create_topics
from liontrack_stream.local import Stack
from liontrack_stream.settings import Settings
from tests.support.stack import (
    OWN_VARIABLES,
    copied_database,
    environment_of,
    new_topic_prefix,
    settings_of_its_own,
)

PASSWORD = "hunter2hunter2"  # of nobody; it must show nowhere


class Told(NamedTuple):
    """What the command printed, by what it speaks of, and its exit code."""

    code: int
    text: str
    checks: dict[str, dict[str, str]]

    @property
    def failed(self) -> list[dict[str, str]]:
        return [check for check in self.checks.values() if check["state"] == "FAIL"]

    @property
    def worries(self) -> list[dict[str, str]]:
        return [check for check in self.checks.values() if check["state"] != "ok"]


Ask = Callable[..., Told]


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """`liontrack doctor --json` with these settings, some variables changed (None: unset), in this process."""
    commands.register()

    def ask(settings: Settings | None, timeout_s: float = 30.0, **changes: str | None) -> Told:
        environment = environment_of(settings) if settings is not None else {}
        for name in OWN_VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in {**environment, **changes}.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("LIONTRACK_DATA_DIR", os.environ.get("LIONTRACK_DATA_DIR", ""))
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli(["doctor", "--json", "--timeout", str(timeout_s)], prog_name="liontrack")
        text = capsys.readouterr().out
        told: dict[str, Any] = json.loads(text)
        checks = {check["what"]: check for check in told["checks"]}
        assert len(checks) == len(told["checks"]), "two lines on one thing"
        assert told["failed"] == sum(check["state"] == "FAIL" for check in told["checks"])
        assert end.value.code == int(told["failed"] > 0)
        secrets = [settings.pg_password, settings.jwt_secret] if settings is not None else []
        for secret in [PASSWORD, *(secret.get_secret_value() for secret in secrets if secret)]:
            assert secret not in text
        return Told(end.value.code, text, checks)

    return ask


@pytest.fixture(scope="package")
def healthy(
    stack: Stack, stack_settings: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Settings of a migrated database and five topics. Tests leave both as they are."""
    with copied_database(stack_settings, template_database) as database:
        folder = tmp_path_factory.mktemp("healthy")
        settings = settings_of_its_own(stack_settings, database, new_topic_prefix(), folder)
        asyncio.run(create_topics(settings))
        yield settings


@pytest.fixture
def own(settings: Settings) -> Settings:
    """The same for a test that breaks it."""
    asyncio.run(create_topics(settings))
    return settings


def with_secret(settings: Settings, **secrets: str) -> Settings:
    return settings.model_copy(update={name: SecretStr(value) for name, value in secrets.items()})
