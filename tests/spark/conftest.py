"""Fixtures of Spark's tests: its environment, a real master with two workers, and one warehouse for all of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from liontrack_stream.settings import Settings
from tests.integration.test_kalahari import FILE
from tests.replay.conftest import send_mixed
from tests.replay.test_kalahari import cut_tracks
from tests.support.environments import make_environment
from tests.support.pipeline_kit import PipelineKit
from tests.support.stack import copied_database, new_topic_prefix, settings_of_its_own
from tests.support.worker_process import REPOSITORY

REAL_FIXES_EACH = int(os.environ.get("SPARK_REAL_FIXES", "400"))  # of each of the Kalahari's lions; they have 107,323
LOAD = ("simulate", "--lions", "6", "--days", "12", "--users", "6", "--seed", "5", "--bad-fraction", "0.03")


class Cluster(NamedTuple):
    """A master's address, and the folder of the cluster's logs."""

    master: str
    folder: Path


@pytest.fixture(scope="session")
def spark_environment() -> Path:
    """``.venv-spark``; created where it is missing or outdated, by one run of the tests at a time."""
    trouble = make_environment(".venv-spark")
    assert trouble is None, trouble
    return REPOSITORY / ".venv-spark"


@pytest.fixture(scope="package")
def cluster(spark_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A real master on a free port, with two workers of 2 GB and 2 cores: by ``deploy/spark``."""
    run = tmp_path_factory.mktemp("spark-cluster")
    environment = os.environ | {"SPARK_RUN": str(run), "SPARK_PORT": "0", "SPARK_UI_PORT": "0"}
    started = subprocess.run(
        [REPOSITORY / "deploy/spark/start"], env=environment, capture_output=True, text=True, check=False
    )
    assert started.returncode == 0, started.stdout + started.stderr
    try:
        yield Cluster(started.stdout.strip(), run)
    finally:
        subprocess.run([REPOSITORY / "deploy/spark/stop"], env=environment, check=True)


@pytest.fixture(scope="session")
def filled(
    stack_settings: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PipelineKit]:
    """A worker's warehouse and lake of simulated and of real lions, and of late, repeated, deleted and bad records."""
    folder = tmp_path_factory.mktemp("spark")
    with copied_database(stack_settings, template_database) as database:
        kit = PipelineKit(settings_of_its_own(stack_settings, database, new_topic_prefix(), folder), folder)
        kit.command(*LOAD)
        send_mixed(kit)
        if FILE.exists():
            kit.command("import", "movebank", str(cut_tracks(folder, REAL_FIXES_EACH)))
        kit.catch_up()
        yield kit
        kit.end()
