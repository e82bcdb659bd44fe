from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from liontrack_stream.lake.manifest import exact_dates
from liontrack_stream.settings import Settings


@pytest.fixture
def lake(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Settings:
    """Settings of a fresh warehouse and an empty lake: in a folder, or (`both_stores`) also in a bucket."""
    if getattr(request, "param", "folder") == "bucket":
        settings = request.getfixturevalue("minio").settings(settings)
    else:
        settings = settings.model_copy(update={"lake_root": str(tmp_path / "lake")})
    return settings.model_copy(update={"lake_interval_s": 0.1})


@pytest.fixture
async def warehouse(lake: Settings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(**lake.pg_dsn)
    await exact_dates(connection)
    yield connection
    await connection.close()
