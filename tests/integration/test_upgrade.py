"""A database that the first program filled, at its schema of seven migrations, is upgraded; today's worker goes on.

``tests/data/releases/first.tar.xz`` is that program: what commit 3d2ec4a has in ``liontrack_stream``, ``agents``,
``tables`` and ``sql``. No release had been tagged then; it is the first state that README described as whole.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.migrations import _connect, migrate, standing
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import REPOSITORY

FIRST = REPOSITORY / "tests" / "data" / "releases" / "first.tar.xz"
MIGRATIONS_THEN = 7
EVENTS = ["simulate", "--lions", "6", "--users", "5", "--seed", "7", "--bad-fraction", "0.03"]


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The first program, unpacked."""
    with tarfile.open(FIRST) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "first"


@pytest.fixture
def empty_pipeline(settings: Settings, tmp_path: Path) -> PipelineKit:
    """A pipeline whose database holds nothing at all, not even tables."""
    with _connect(settings.pg_dsn) as connection:
        for (schema,) in connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
        ).fetchall():
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
        connection.execute("CREATE SCHEMA public")
    return PipelineKit(settings, tmp_path)


def test_from_the_first_program_to_this_one(empty_pipeline: PipelineKit, first: Path) -> None:
    pipeline = empty_pipeline
    pipeline.command(*EVENTS, "--days", "8")
    _run_first(pipeline, first, "migrate")
    _run_first(pipeline, first, "worker", "--until-caught-up")
    stored = pipeline.stored()
    assert stored == len(pipeline.consumed())
    assert len(standing(pipeline.settings.pg_dsn).pending) > 0

    refused = pipeline.worker("--until-caught-up")
    code, _ = refused.wait()
    assert code == 78
    assert "The warehouse lacks 0008_day_partitions, " in refused.log_text()
    assert "run `liontrack migrate`" in refused.log_text()

    applied = migrate(pipeline.settings.pg_dsn)
    assert applied[0].startswith(f"{MIGRATIONS_THEN + 1:04}")
    pipeline.command(*EVENTS, "--days", "12")  # what was sent before comes again, and four days more
    pipeline.catch_up()
    assert pipeline.stored() > stored
    pipeline.assert_right()


def _run_first(pipeline: PipelineKit, program: Path, *arguments: str) -> None:
    environment = pipeline.environment() | {"PYTHONPATH": str(program)}
    command = [sys.executable, "-m", "liontrack_stream", *arguments]
    done = subprocess.run(
        command, cwd=program, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-5000:]
