"""schemathesis asks a listening server whatever its OpenAPI document allows, and what it does not allow."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.views.conftest import OLD_WINDOW, Serve
from tests.views.tokens import ADMIN

CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.parametrize("headers", [{}, ADMIN], ids=["without a token", "admin"])
async def test_answers_are_as_they_are_described(serve: Serve, headers: dict[str, str], tmp_path: Path) -> None:
    client = await serve(live={"nala": OLD_WINDOW}, api_rate_per_s=1e6, api_burst=10**6)
    with (tmp_path / "report").open("w+b") as report:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("st")),
            f"--config-file={CONFIG}",
            "run",
            str(client.make_url("/openapi.json")),
            *(f"--header={name}: {value}" for name, value in headers.items()),
            cwd=tmp_path,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120"},
            stdout=report,
            stderr=report,
        )
        code = await process.wait()
        report.seek(0)
        lines = [line[:240] for line in report.read().decode(errors="replace").splitlines()]
        assert code == 0, "\n".join(lines[-400:])
