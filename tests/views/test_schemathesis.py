"""schemathesis asks a listening server whatever its OpenAPI document allows, and what it does not allow."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from liontrack_stream.settings import Settings
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import wait_until
from tests.views.conftest import OLD_WINDOW, Serve
from tests.views.test_worker import fix, get
from tests.views.tokens import ADMIN, SECRET

CONFIG = Path(__file__).with_name("schemathesis.toml")
NO_LIMIT = {"api_rate_per_s": 1e6, "api_burst": 10**6}


def failures(url: str, headers: Mapping[str, str], folder: Path) -> str:
    """What schemathesis has to say of the API at this address; nothing when all is well."""
    done = subprocess.run(
        [
            Path(sys.executable).with_name("st"),
            f"--config-file={CONFIG}",
            "run",
            f"{url}/openapi.json",
            *(f"--header={name}: {value}" for name, value in headers.items()),
        ],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    lines = [line[:240] for line in (done.stdout + done.stderr).splitlines()]
    return "\n".join(lines[-400:]) if done.returncode else ""


@pytest.mark.parametrize("headers", [{}, ADMIN], ids=["without a token", "admin"])
async def test_answers_are_as_they_are_described(serve: Serve, headers: dict[str, str], tmp_path: Path) -> None:
    client = await serve(live={"nala": OLD_WINDOW}, **NO_LIMIT)
    found = await asyncio.to_thread(failures, str(client.make_url("")).rstrip("/"), headers, tmp_path)
    assert not found, found


@pytest.fixture
def pipeline(settings: Settings, tmp_path: Path) -> Iterator[PipelineKit]:
    """A pipeline whose tokens are those of these tests, and whose worker answers as often as it is asked."""
    kit = PipelineKit(settings.model_copy(update={"jwt_secret": SecretStr(SECRET), **NO_LIMIT}), tmp_path)
    yield kit
    kit.end()


def test_so_are_those_of_a_worker(pipeline: PipelineKit) -> None:
    start = datetime.now(UTC) - timedelta(hours=3)
    pipeline.send([fix(start + timedelta(minutes=minute), -24.1 + minute / 1e4, 23.9) for minute in range(0, 170, 10)])
    pipeline.worker()
    wait_until(lambda: get(pipeline, "/ready")[0] == 200, 40, "/ready")
    found = failures(f"http://127.0.0.1:{pipeline.settings.web_port}", ADMIN, pipeline.folder)
    assert not found, found
