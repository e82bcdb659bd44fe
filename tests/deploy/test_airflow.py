"""The DAG on a real Airflow 3, in an environment of its own: runs, failures, retries, and what no log may hold."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from liontrack_stream.settings import Settings
from tests.support.environments import make_environment
from tests.support.oracle import compute
from tests.support.pipeline_kit import PipelineKit
from tests.support.stack import OWN_VARIABLES, copied_database, new_topic_prefix, settings_of_its_own
from tests.support.worker_process import REPOSITORY

AIRFLOW = REPOSITORY / "deploy/airflow"
DAG = AIRFLOW / "dags/liontrack_bigdata_pipeline.py"
DAG_ID = DAG.stem
STEPS = ("health", "bronze_quality", "bronze_to_silver", "silver_to_gold", "refresh_views", "report")
LOAD = ("simulate", "--lions", "3", "--days", "4", "--users", "4", "--seed", "8", "--bad-fraction", "0.05")
CANARIES = {"JWT_SECRET": "canary-of-the-environment-7f3a", "a-file": "canary-of-a-file-91c2"}
# What the DAG is told to run: it tells secrets to whoever listens, and once meets a PostgreSQL that is away.
COMMAND = """#!/bin/sh
echo "secrets are: $PG_PASSWORD $JWT_SECRET $(cat "$LIONTRACK_SECRETS_DIR"/*)" | tee /dev/stderr > "$TOLD"
case " $* " in
  *" $AWAY_AT "*) mkdir "$WAS_AWAY" 2> /dev/null && export PG_PORT=9 ;;
esac
env > "$SEEN"
cd {repository} && exec {python} -m liontrack_stream "$@"
"""
STRUCTURE = """
import json, sys
from datetime import UTC, datetime
from airflow.models.dagbag import DagBag
from airflow.serialization.serialized_objects import SerializedDAG
from airflow.timetables.base import TimeRestriction
bag = DagBag(sys.argv[1])
dag = bag.dags["liontrack_bigdata_pipeline"]
timetable = SerializedDAG.deserialize_dag(SerializedDAG.serialize_dag(dag)).timetable
next_run = timetable.next_dagrun_info(
    last_automated_data_interval=None, restriction=TimeRestriction(datetime(2030, 1, 1, 12, tzinfo=UTC), None, True)
)
print(json.dumps({
    "errors": {str(name): str(error) for name, error in bag.import_errors.items()},
    "next": next_run.run_after.isoformat(),
    "after": {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks},
    "retries": [task.retries for task in dag.tasks],
    "backs_off": [bool(task.retry_exponential_backoff) for task in dag.tasks],
    "timeouts_h": [task.execution_timeout.total_seconds() / 3600 for task in dag.tasks],
    "catchup": dag.catchup, "max_active_runs": dag.max_active_runs, "tags": sorted(dag.tags), "doc": dag.doc_md,
    "params": {name: dag.params.get_param(name).dump()["schema"] for name in dag.params},
}))
"""


# The DAG's own functions, with another `liontrack` in place of theirs, and with a command that does not end.
CONSEQUENCES = """
import json, os, signal, sys, time
from airflow.models.dagbag import DagBag
dag = DagBag(sys.argv[1]).dags["liontrack_bigdata_pipeline"]
step = dag.get_task("silver_to_gold").python_callable
names = step.__globals__
ours, found = names["liontrack"], {}
table = {"table": "gold.lions_metrics", "added": 1, "removed": 0, "changed": 0}
for case in ("same", "gone", "report", "swap", "fail", "spark"):
    calls = []
    def fake(*words, **options):
        calls.append(" ".join(words))
        if words[0] == "submit":
            told = {"generation": 7, "differs": False, "tables": [], "records": 5, "seconds": 1, "lions": [1] * 99}
            return json.dumps(told)
        return json.dumps([{"generation": n} for n in ((0,) if case == "gone" else (0, 7))])
    names["liontrack"] = fake
    names["chosen"] = lambda name, default, among: case if case in among else default
    differs = case in ("report", "swap", "fail")
    filled = {"engine": "replay", "generation": 7, "differs": differs, "tables": [table]}
    try:
        result = step({"engine": "spark", "generation": 7} if case == "spark" else filled)
        found[case] = [calls, result["action"], sorted(result)]
    except Exception as error:
        found[case] = [calls, type(error).__name__, str(error)]
codes = {code: type(names["failure"](code, "x")).__name__ for code in (1, 2, 3, 130, -9)}

def too_late(*_):
    raise TimeoutError
names["command_environment"] = lambda: dict(os.environ)
os.environ["LIONTRACK_COMMAND"] = sys.argv[2]
signal.signal(signal.SIGALRM, too_late)
signal.alarm(2)
began = time.monotonic()
try:
    ours("replay")
except TimeoutError:
    pass
os.environ["LIONTRACK_COMMAND"] = "/nowhere/liontrack"
try:
    ours("replay")
except Exception as error:
    missing = [type(error).__name__, str(error)]
print(json.dumps({"found": found, "codes": codes, "seconds": time.monotonic() - began, "missing": missing}))
"""


@pytest.fixture(scope="session")
def airflow_environment() -> Path:
    """``.venv-airflow``; created where it is missing or outdated, by one run of the tests at a time."""
    trouble = make_environment(".venv-airflow")
    assert trouble is None, trouble
    return REPOSITORY / ".venv-airflow"


@dataclass
class Run:
    """What one run of the DAG left."""

    code: int
    log: str
    states: dict[str, tuple[str, int]]  # of each task: its state, and how often it was tried

    def tried(self, task: str) -> int:
        """How often the log says that the task was begun."""
        return self.log.count(f"[DAG TEST] starting task_id={task} ")


class Airflow:
    """An AIRFLOW_HOME of its own, and the `airflow` command in it."""

    def __init__(self, environment: Path, home: Path, kit: PipelineKit) -> None:
        self.home, self.kit = home, kit
        self._bin = environment / "bin"
        secrets = home / "secrets"
        secrets.mkdir(parents=True)
        (secrets / "a-file").write_text(CANARIES["a-file"] + "\n")
        (secrets / "airflow_passwords").write_text('{"admin": "canary-of-the-page-55aa"}')
        script = home / "liontrack-of-the-test"
        script.write_text(COMMAND.format(repository=shlex.quote(str(REPOSITORY)), python=shlex.quote(sys.executable)))
        script.chmod(0o755)
        settings = kit.environment(JWT_SECRET=CANARIES["JWT_SECRET"], LIONTRACK_SECRETS_DIR=secrets)
        self.variables = {
            name: value for name, value in settings.items() if name in (*OWN_VARIABLES, "PATH", "HOME")
        } | {
            "LIONTRACK_SECRETS_DIR": str(secrets),
            "LIONTRACK_COMMAND": str(script),
            "LIONTRACK_RETRY_DELAY_S": "0.2",
            "SEEN": str(home / "seen"),
            "TOLD": str(home / "told"),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(AIRFLOW / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
            # The command's own settings are wrong: it works by the Variables.
            "KAFKA_BROKERS": "127.0.0.1:9",
            "PG_DATABASE": "nowhere",
            "AIRFLOW_VAR_KAFKA_SERVERS": kit.settings.kafka_brokers,
            "AIRFLOW_VAR_POSTGRES_DATABASE": kit.settings.pg_database,
            "AIRFLOW_VAR_SPARK_MASTER": "local[2]",
            "AIRFLOW_VAR_REPORTS_FOLDER": str(home / "reports"),
        }
        self.variables["PATH"] = f"{self._bin}:{self.variables['PATH']}"
        done = self.command("version", program=AIRFLOW / "start")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "3.1." in done.stdout.splitlines()[-1]

    def command(self, *arguments: str, program: Path | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program or self._bin / "airflow", *arguments],
            env=self.variables | changes, cwd=self.home, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip

    def run(self, logical_date: str, conf: dict[str, str], **changes: str) -> Run:
        """`airflow dags test`."""
        done = self.command("dags", "test", DAG_ID, logical_date, "--conf", json.dumps(conf), **changes)
        with closing(sqlite3.connect(self.home / "airflow.db")) as connection:
            rows = connection.execute(
                "SELECT task_id, t.state, try_number FROM task_instance t JOIN dag_run r USING (dag_id, run_id) "
                "WHERE logical_date LIKE ?", (f"{logical_date[:10]}%",)
            ).fetchall()  # fmt: skip
        return Run(done.returncode, done.stdout + done.stderr, {task: (state, tries) for task, state, tries in rows})


@pytest.fixture(scope="module")
def filled(
    stack_settings: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PipelineKit]:
    """What a worker stored of simulated records, some of them bad."""
    folder = tmp_path_factory.mktemp("airflow-filled")
    with copied_database(stack_settings, template_database) as database:
        kit = PipelineKit(settings_of_its_own(stack_settings, database, new_topic_prefix(), folder), folder)
        kit.command(*LOAD)
        kit.catch_up()
        yield kit
        kit.end()


@pytest.fixture(scope="module")
def airflow(airflow_environment: Path, filled: PipelineKit, tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    return Airflow(airflow_environment, tmp_path_factory.mktemp("airflow") / "home", filled)


@pytest.fixture(scope="module")
def day(filled: PipelineKit) -> str:
    """The UTC day of the worker's checks."""
    return str(
        filled.fetch("SELECT (max(check_timestamp) AT TIME ZONE 'UTC')::date FROM metadata.data_quality_checks")[0][0]
    )


def test_it_imports_airflow_and_the_standard_library_alone() -> None:
    tree = ast.parse(DAG.read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} | {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    assert {str(module).split(".")[0] for module in modules} - set(sys.stdlib_module_names) == {"airflow"}


def answer(environment: Path, home: Path, script: str, *arguments: str) -> dict[str, Any]:
    """What a script in Airflow's environment prints at its end."""
    done = subprocess.run(
        [environment / "bin/python", "-W", "ignore", "-c", script, DAG, *arguments],
        env={"PATH": os.environ["PATH"], "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_its_structure(airflow_environment: Path, tmp_path: Path) -> None:
    found = answer(airflow_environment, tmp_path, STRUCTURE)
    assert found.pop("errors") == {}
    assert found["next"] == "2030-01-02T02:00:00+00:00", "daily at 02:00 UTC"
    assert found["after"] == {
        step: sorted({*STEPS[max(n - 1, 0) : n], *(["silver_to_gold"] if step == "report" else [])})
        for n, step in enumerate(STEPS)
    }
    assert found["retries"] == [3] * len(STEPS)
    assert all(found["backs_off"])
    assert all(0 < hours <= 6 for hours in found["timeouts_h"])
    assert (found["catchup"], found["max_active_runs"], found["tags"]) == (False, 1, ["etl", "liontrack"])
    assert found["params"]["engine"]["enum"] == [None, "replay", "spark"]
    variables = json.loads((AIRFLOW / "variables.json").read_text())
    assert variables["engine"] == "replay"
    told = set(re.findall(r"`(\w+)`", found["doc"].partition("Airflow Variables:")[2]))
    assert set(variables) <= told


def test_what_follows_of_a_difference_and_of_a_failure(airflow_environment: Path, tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    endless = tmp_path / "endless"
    endless.write_text(f"#!/bin/sh\ntrap 'echo > {shlex.quote(str(ended))}; exit 130' INT\nsleep 60 &\nwait\n")
    endless.chmod(0o755)
    told = answer(airflow_environment, tmp_path, CONSEQUENCES, str(endless))
    found = told["found"]
    fields = ["action", "differs", "engine", "generation", "tables"]
    assert found["same"] == [["generations list --json", "generations drop 7"], "dropped", fields]
    assert found["gone"] == [["generations list --json"], "dropped", fields], "an attempt before has dropped it"
    assert found["report"] == [[], "kept for people to judge", fields]
    assert found["swap"] == [["generations swap 7"], "made the live one", fields]
    assert found["fail"][:2] == [[], "AirflowFailException"]
    assert "differs from the live one in gold.lions_metrics. It is kept" in found["fail"][2]
    calls, action, passed_on = found["spark"]
    assert calls == ["submit --json silver-to-gold", "generations list --json", "generations drop 7"]
    assert (action, passed_on) == ("dropped", sorted([*fields, "records", "seconds"]))
    assert told["codes"] == {"2": "AirflowFailException", "3": "AirflowFailException"} | dict.fromkeys(
        ("1", "130", "-9"), "AirflowException"
    )
    assert told["seconds"] < 15
    assert ended.exists(), "the command was interrupted, not left alone"
    assert told["missing"][0] == "AirflowFailException"
    assert "set LIONTRACK_COMMAND to it" in told["missing"][1]


def test_the_image_starts_with_variables_and_a_password_of_its_own(airflow: Airflow) -> None:
    with closing(sqlite3.connect(airflow.home / "airflow.db")) as connection:
        keys = {key for (key,) in connection.execute("SELECT key FROM variable")}
    assert keys == set(json.loads((AIRFLOW / "variables.json").read_text()))
    passwords = airflow.home / "passwords.json"
    assert json.loads(passwords.read_text()) == {"admin": "canary-of-the-page-55aa"}
    assert passwords.stat().st_mode & 0o077 == 0
    copied = re.findall(r"^COPY (?!--)(.*) \S+$", (AIRFLOW / "Dockerfile").read_text(), re.MULTILINE)
    assert all((REPOSITORY / name).exists() for line in copied for name in line.split()), copied


def test_a_run_and_a_step_that_fails_at_first(airflow: Airflow, filled: PipelineKit, day: str) -> None:
    away = airflow.home / "was-away"
    run = airflow.run("2030-01-02T02:00:00", {"day": day}, AWAY_AT="refresh", WAS_AWAY=str(away))
    assert run.code == 0, run.log[-6000:]
    assert run.states == {step: ("success", 2 if step == "refresh_views" else 1) for step in STEPS}
    assert run.tried("refresh_views") == 2
    assert "PostgreSQL at 127.0.0.1:9 does not refresh the views" in run.log
    assert "new_state=up_for_retry" in run.log

    records = filled.consumed()
    bad = len(compute(records)["metadata.dead_letters"])
    assert bad > 0
    reports = airflow.home / "reports"
    names = {file.name.removeprefix(f"liontrack-{day}") for file in reports.iterdir()}
    assert {".html", ".md", "-records.svg", "-dead-letters.svg", "-quality.svg"} <= names
    for end in (".html", ".md"):
        text = (reports / f"liontrack-{day}{end}").read_text()
        assert f"{len(records):,} records came in; {bad:,} of them broke a rule." in text
        assert (
            f"computed anew by replay, is the same as the live one at record {len(records):,}; it was dropped." in text
        )
    generations = json.loads(filled.command("generations", "list", "--json").stdout)
    assert [one["state"] for one in generations] == ["live"]
    assert_no_secret(airflow, run)

    seen = dict(line.split("=", 1) for line in (airflow.home / "seen").read_text().splitlines() if "=" in line)
    assert seen["SPARK_MASTER"] == "local[2]"
    assert not [name for name in seen if name.startswith(("AIRFLOW", "PYTHON", "VIRTUAL_ENV"))]


def test_a_day_below_the_threshold_fails_at_once(airflow: Airflow, day: str) -> None:
    run = airflow.run("2030-01-03T02:00:00", {"day": day}, AIRFLOW_VAR_QUALITY_THRESHOLD="99.9")
    assert run.code == 1
    below = STEPS.index("bronze_quality")
    assert run.states == {
        step: (("success", 1), ("failed", 1), ("upstream_failed", 0))[(n >= below) + (n > below)]
        for n, step in enumerate(STEPS)
    }
    assert run.tried("bronze_quality") == 1, "no data become better by waiting"
    assert "The quality is below the threshold" in run.log
    assert_no_secret(airflow, run)


def test_an_outage_is_tried_again_until_it_has_failed(airflow: Airflow) -> None:
    run = airflow.run("2030-01-04T02:00:00", {}, AIRFLOW_VAR_KAFKA_SERVERS="127.0.0.1:9")
    assert run.code == 1
    assert run.states.pop("health") == ("failed", 4)
    assert set(run.states.values()) == {("upstream_failed", 0)}
    assert run.tried("health") == 4
    assert "FAIL  Kafka: nobody answers at 127.0.0.1:9" in run.log
    assert "Start Kafka, or correct KAFKA_BROKERS" in run.log
    assert_no_secret(airflow, run)


def assert_no_secret(airflow: Airflow, run: Run) -> None:
    """The command told its secrets; nothing that Airflow keeps or shows holds one."""
    password = airflow.kit.settings.pg_password.get_secret_value()
    told = (airflow.home / "told").read_text()
    assert all(secret in told for secret in (password, *CANARIES.values())), "the test itself tells nothing"
    assert "secrets are: ***" in run.log
    kept = b"".join(file.read_bytes() for name in ("**/*.log", "airflow.db*") for file in airflow.home.glob(name))
    for secret in (password, *CANARIES.values()):
        assert secret not in run.log
        assert secret.encode() not in kept
