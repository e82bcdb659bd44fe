"""Contenders of other engines: how each is run, in which environment, and what it may not lose."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.local.jars import ensure_jars, maven
from liontrack_stream.settings import Settings
from liontrack_stream.spark import process
from liontrack_stream.spark.kafka_jars import spark_kafka_jars
from tests.bench.running import REPOSITORY, ContenderFailed, Run, run_command

SCRIPTS = Path(__file__).with_name("peers")
ENVIRONMENTS = REPOSITORY / ".venv-bench"
LATENESS_DAYS = 7  # simulated collars upload up to six days late
_JDBC = "postgresql-42.7.8.jar"
_JDBC_SHA256 = "2a32a9dcbc42d67a50ad3a0de5efd102c8d2be46720045f2cbd6689f160ab7c7"
_SPARK = {
    "spark.driver.memory": "2g",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "4",  # 200, the default, is for clusters
    "spark.ui.enabled": "false",
}


@dataclass(frozen=True, slots=True)
class Engine:
    """One that people would pick instead."""

    name: str

    def command(self, script: Path) -> tuple[list[str], dict[str, str]]:
        """What runs a script, without its arguments, and variables for it. Raises `ContenderFailed`."""
        python = self.python
        if not python.exists():
            raise ContenderFailed(f"{self.name}'s environment is not at {python.parents[1]}: run `make bench-venvs`.")
        return [str(python), str(script)], {}

    @property
    def python(self) -> Path:
        return ENVIRONMENTS / self.name / "bin/python"


class Faust(Engine):
    """In our own environment: it is our own foundation."""

    @property
    def python(self) -> Path:
        return Path(sys.executable)


class Spark(Engine):
    """By spark-submit, on two cores."""

    def command(self, script: Path) -> tuple[list[str], dict[str, str]]:
        try:
            folder = process.environment_folder()
        except process.SparkError as error:
            raise ContenderFailed(str(error)) from None
        home = process.spark_home(folder)
        jars = [*spark_kafka_jars(_silent), *_jdbc()]
        conf = [part for name, value in _SPARK.items() for part in ("--conf", f"{name}={value}")]
        options = ["--master", "local[2]", *conf, "--jars", ",".join(map(str, jars))]
        variables = {
            "JAVA_HOME": str(folder / "java"),
            "PYSPARK_PYTHON": str(folder / "bin/python"),
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        return [str(home / "bin/spark-submit"), *options, str(script)], variables


ENGINES = {engine.name: engine for engine in (Faust("faust"), Engine("quix"), Engine("bytewax"), Spark("spark"))}


def _jdbc() -> Sequence[Path]:
    def resolve(work: Path) -> dict[str, Path]:
        project = maven(work).project("org.postgresql", "postgresql")
        return {_JDBC: Path(project.at_version(_JDBC.removesuffix(".jar").rpartition("-")[2]).artifact().resolve())}

    return ensure_jars("spark-jdbc", "JDBC", {_JDBC: _JDBC_SHA256}, resolve, _silent)


def _silent(part: str, message: str) -> None:
    """Downloads are not told."""


@dataclass(frozen=True, slots=True)
class Job:
    """A script of an engine.

    ``sample``: it is measured on the backlog's first events. ``shows``: which windows it has shown at the end: all, or
    those that have closed by their lion's newest fix, or by the topic's. ``options``: of its `Task`.
    """

    name: str
    engine: str
    script: str
    does: str
    whole: bool = False
    shows: Literal["all", "closed by lion", "closed by topic"] = "all"
    sample: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


WINDOWS, ROWS = "5-minute windows in its state", "events, fixes and windows to PostgreSQL, events to Parquet"
JOBS = (
    Job("Faust, windows", "faust", "faust_windows.py", "a count per window, event by event", sample=True),
    Job("Faust, whole", "faust", "faust_whole.py", f"{ROWS}, event by event", whole=True, sample=True),
    Job("Faust, whole, taken", "faust", "faust_whole.py", f"{ROWS}, 1,000 at a time by take", whole=True, sample=True,
        options={"take": True}),
    Job("Quix, windows", "quix", "quix_windows.py", f"{WINDOWS} (RocksDB, changelog), open for a week",
        shows="closed by lion"),
    Job("Quix, windows, none late", "quix", "quix_windows.py", f"{WINDOWS}, loses late fixes",
        shows="closed by lion", options={"lateness_days": 0}),
    Job("Quix, whole", "quix", "quix_whole.py", ROWS, whole=True, shows="closed by lion"),
    Job("Bytewax, windows", "bytewax", "bytewax_windows.py", f"{WINDOWS} (memory), open for a week"),
    Job("Bytewax, windows, none late", "bytewax", "bytewax_windows.py", f"{WINDOWS}, loses late fixes",
        options={"lateness_days": 0}),
    Job("Bytewax, whole", "bytewax", "bytewax_whole.py", ROWS, whole=True),
    Job("Spark, windows", "spark", "spark_windows.py", f"{WINDOWS} (checkpointed), open for a week",
        shows="closed by topic"),
    Job("Spark, whole", "spark", "spark_whole.py", f"{ROWS}, by foreachBatch", whole=True),
)  # fmt: skip


def command_of(job: Job) -> tuple[list[str], dict[str, str]]:
    """What runs a job, and variables for it. Raises `ContenderFailed` where its engine's environment is missing."""
    return ENGINES[job.engine].command(SCRIPTS / job.script)


def run_job(
    job: Job,
    settings: Settings,
    environment: Mapping[str, str],
    folder: Path,
    events: int,
    database: str,
    **options: Any,
) -> Run:
    """Run a contender in an empty folder. ``database``: where it may write; ``options``: of its `Task`.

    Raises
    ------
    ContenderFailed
        Also where its environment is missing.
    """
    folder.mkdir(parents=True)
    command, variables = command_of(job)
    dsn = dict(settings.pg_dsn)
    place = {name: dsn[name] for name in ("host", "port", "user", "password")} | {"dbname": database}
    task = {
        "brokers": settings.kafka_brokers,
        "topic": settings.topic(POSITIONS.name),
        "partitions": settings.topic_partitions,
        "events": events,
        "folder": str(folder),
        "launched": time.time(),
        "postgres": place,
        "lateness_days": LATENESS_DAYS,
        **job.options,
        **options,
    }
    log = folder.with_suffix(".log")
    name = f"{job.name} ({job.script})"
    own = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    own |= variables | {"BENCH_TASK": json.dumps(task)}
    return run_command(command, own, log, name=name, with_children=job.engine == "spark")
