"""The nightly run: is all well, was yesterday's bronze good, does history computed anew agree, and the report.

It knows Airflow and the `liontrack` command, which runs as a process of its own environment (LIONTRACK_COMMAND). Why it
is so: liontrack_stream/decisions/0021-airflow.md; how to run it: deploy/airflow/README.md.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.sdk import Param, Variable, dag, get_current_context, task
from airflow.sdk.log import mask_secret

log = logging.getLogger(__name__)

CHECKS = ("Kafka", "topics", "PostgreSQL", "schema", "roles", "generation", "offsets")  # of `liontrack doctor`
ENGINES = ("replay", "spark")
ON_DIFFERENCE = ("report", "swap", "fail")
SETTING_OF = {"kafka_servers": "KAFKA_BROKERS", "postgres_database": "PG_DATABASE", "spark_master": "SPARK_MASTER"}
USAGE, BELOW = 2, 3  # exit codes of `liontrack`: wrong settings or usage, and quality below the threshold
ENDS_WITHIN_S = 30.0
TAIL_LINES = 20
RETRY_DELAY = timedelta(seconds=float(os.environ.get("LIONTRACK_RETRY_DELAY_S", "300")))
NOT_FOR_THE_COMMAND = ("AIRFLOW", "_AIRFLOW", "__AIRFLOW", "PYTHON", "VIRTUAL_ENV")
SECRET = re.compile(r"(PASSWORD|SECRET|TOKEN|API_KEY|URI)$")

DOC = """
### LionTrack's nightly run

| step | what it does | when it fails |
|---|---|---|
| `health` | `liontrack doctor`: Kafka and PostgreSQL | a line says what to do; tried again |
| `bronze_quality` | the day's quality checks of bronze, in sum | below `quality_threshold` (80 %): not tried again |
| `bronze_to_silver` | history computed anew into a generation beside the live one | goes on where it was |
| `silver_to_gold` | its gold (Spark), and the comparison's consequence: `on_difference` | as it says |
| `refresh_views` | the materialized views of analytics | tried again |
| `report` | HTML, Markdown and charts in `reports_folder` | tried again |

Airflow Variables: `engine` (`replay` or `spark`), `kafka_servers`, `postgres_database`, `spark_master`, `on_difference`
(`report`, `swap`, `fail`), `quality_threshold`, `rate_limit` (records a second of a replay), `reports_folder`. A run's
parameters stand above them. Secrets are no Variables: PG_PASSWORD and its like come from the environment or
/run/secrets.
"""


def liontrack(*arguments: str, told: str = "", show: bool = False) -> str:
    """Run `liontrack …`, and tell it something; what it printed.

    Its stderr goes to the task's log as it comes, and what it printed at the end where that is to be shown, without
    secrets.

    Raises
    ------
    AirflowFailException
        Trying again would not help: settings, usage, quality, or no such command.
    AirflowException
        Anything else, an outage most likely.
    """
    command = [*shlex.split(os.environ.get("LIONTRACK_COMMAND", "liontrack")), *arguments]
    shown = f"liontrack {shlex.join(arguments)}"
    environment = command_environment()
    hide = hider(environment)
    log.info("%s", hide(shown))
    try:
        process = subprocess.Popen(  # noqa: S603
            command, env=environment, text=True, errors="replace", start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        raise AirflowFailException(f"{command[0]} cannot be run ({error}): set LIONTRACK_COMMAND to it.") from error
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    reader = threading.Thread(target=follow, args=(process.stderr, tail, hide), daemon=True)
    reader.start()
    try:
        assert process.stdin is not None and process.stdout is not None
        with process.stdin:
            process.stdin.write(told)
        printed = process.stdout.read()
        code = process.wait()
    except BrokenPipeError:  # it ended before it read; its exit code says why
        printed, code = process.stdout.read(), process.wait()
    except BaseException:  # the task's time is up, or it is to stop
        end(process)
        raise
    reader.join(ENDS_WITHIN_S)
    if code:
        said = "\n".join([*printed.splitlines()[-TAIL_LINES:], *tail]) or "It said nothing."
        raise failure(code, hide(f"`{shown}` ended with exit code {code}:\n{said}"))
    if show:
        log.info("%s", hide(printed.rstrip()))
    return printed


def follow(stream: Any, tail: deque[str], hide: Callable[[str], str]) -> None:
    """Log a process's lines, and keep the last."""
    for line in stream:
        tail.append(hide(line.rstrip()))
        log.info("%s", tail[-1])


def end(process: subprocess.Popen[str]) -> None:
    """Interrupt the command, which ends what it has begun; kill it where it does not."""
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            pass
        return


def failure(code: int, text: str) -> AirflowException:
    """What an exit code means for the task."""
    if code == USAGE:
        return AirflowFailException(f"{text}\nIt is not tried again: correct the setting, then clear this task.")
    if code == BELOW:
        return AirflowFailException(
            f"{text}\nThe quality is below the threshold. It is not tried again: look at the dead letters, then clear "
            "this task, or mark it as success to go on regardless."
        )
    return AirflowException(text)


def command_environment() -> dict[str, str]:
    """This process's variables without Airflow's and Python's own, and the settings that Airflow Variables hold."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(NOT_FOR_THE_COMMAND)}
    for variable, setting in SETTING_OF.items():
        value = Variable.get(variable, default=None)
        if value:
            environment[setting] = value
    return environment


def hider(environment: dict[str, str]) -> Callable[[str], str]:
    """Takes secrets out of a text. Airflow's own masking is told of them too, but does not reach every log."""
    hidden = sorted((secret for secret in secrets(environment) if len(secret) > 3), key=len, reverse=True)
    for secret in hidden:
        mask_secret(secret)
    pattern = re.compile("|".join(map(re.escape, hidden)) or r"(?!)")
    return lambda text: pattern.sub("***", text)


def secrets(environment: dict[str, str]) -> set[str]:
    """What no log may show: values of variables that sound secret, passwords in URLs, and the files of secrets."""
    found = {value for name, value in environment.items() if SECRET.search(name)}
    found |= {urlsplit(value).password or "" for value in environment.values() if "://" in value}
    folder = Path(environment.get("LIONTRACK_SECRETS_DIR") or "/run/secrets")
    files = folder.iterdir() if folder.is_dir() else ()
    found |= {file.read_text(errors="replace").strip() for file in files if file.is_file() and os.access(file, os.R_OK)}
    return found - {""}


def chosen(name: str, default: str, among: tuple[str, ...]) -> str:
    """The run's parameter, else the Airflow Variable."""
    value = get_current_context()["params"].get(name) or Variable.get(name, default=default)
    if value not in among:
        raise AirflowFailException(f"{name} is {value!r}: set the Airflow Variable to one of {', '.join(among)}.")
    return str(value)


def day() -> str:
    """The UTC day that the run is about: the one before it, unless its parameter names another."""
    context = get_current_context()
    run = context["dag_run"]
    moment = (run.logical_date or run.run_after).astimezone(UTC)
    return str(context["params"].get("day") or (moment - timedelta(days=1)).date())


@dag(
    dag_id="liontrack_bigdata_pipeline",
    description="Health, bronze quality, silver and gold computed anew and compared, views, report",
    schedule="0 2 * * *",  # UTC, as the start's time zone
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    tags=["liontrack", "etl"],
    doc_md=DOC,
    default_args={
        "retries": 3,
        "retry_delay": RETRY_DELAY,
        "retry_exponential_backoff": True,
        "max_retry_delay": max(RETRY_DELAY, timedelta(hours=1)),
        "execution_timeout": timedelta(minutes=10),
    },
    params={
        "engine": Param(None, type=["null", "string"], enum=[None, *ENGINES], description="Above its Variable"),
        "on_difference": Param(None, type=["null", "string"], enum=[None, *ON_DIFFERENCE], description="Likewise"),
        "day": Param(
            None, type=["null", "string"], format="date", description="UTC; if not given, that before the run"
        ),
    },
)
def liontrack_bigdata_pipeline() -> None:
    @task
    def health() -> None:
        """Kafka and PostgreSQL answer, keep what they hold, fit each other, and are migrated."""
        only = [word for check in CHECKS for word in ("--only", check)]
        liontrack("doctor", "--timeout", "30", *only, show=True)

    @task
    def bronze_quality() -> None:
        """The share of good records of the day, per check of bronze's tables."""
        threshold = Variable.get("quality_threshold", default="80")
        words = ("--day", day(), "--table", "bronze.*", "--fail-below", threshold)
        liontrack("quality", *words, show=True)

    @task(execution_timeout=timedelta(hours=6))
    def bronze_to_silver() -> dict[str, Any]:
        """Fill a generation beside the live one. Tried again, it goes on where it was."""
        engine = chosen("engine", ENGINES[0], ENGINES)
        if engine == "spark":
            return {"engine": engine, **json.loads(liontrack("submit", "--json", "bronze-to-silver"))}
        limit = Variable.get("rate_limit", default=None)
        words = ("replay", "--json", *(("--rate-limit", limit) if limit else ()))
        return outcome(engine, json.loads(liontrack(*words)))

    @task(execution_timeout=timedelta(hours=6))
    def silver_to_gold(filled: dict[str, Any]) -> dict[str, Any]:
        """Spark's gold, where it is Spark; then what becomes of the generation."""
        engine, consequence = filled["engine"], chosen("on_difference", ON_DIFFERENCE[0], ON_DIFFERENCE)
        if engine == "spark":
            filled = outcome(engine, json.loads(liontrack("submit", "--json", "silver-to-gold")))
        number = str(filled["generation"])
        if not filled["differs"]:
            there = json.loads(liontrack("generations", "list", "--json"))
            if any(str(one["generation"]) == number for one in there):  # not by an attempt before this one
                liontrack("generations", "drop", number)
            return {**filled, "action": "dropped"}
        counts = ("added", "removed", "changed")
        differing = ", ".join(one["table"] for one in filled["tables"] if any(one[count] for count in counts))
        log.warning("Generation %s differs from the live one in %s.", number, differing)
        if consequence == "fail":
            raise AirflowFailException(
                f"Generation {number} differs from the live one in {differing}. It is kept: look at `liontrack "
                f"generations diff {number}`, then `swap` or `drop` it, and clear this run from bronze_to_silver on."
            )
        if consequence == "swap":
            liontrack("generations", "swap", number)
            return {**filled, "action": "made the live one"}
        return {**filled, "action": "kept for people to judge"}

    @task
    def refresh_views() -> None:
        """The materialized views of analytics."""
        liontrack("refresh", show=True)

    @task
    def report(result: dict[str, Any]) -> list[str]:
        """A page of HTML, one of Markdown, and its charts; their names."""
        home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
        folder = Variable.get("reports_folder", default="") or str(home / "reports")
        words = ("--json", "report", "--as-of", day(), "--output", folder, "--run", "-")
        return list(json.loads(liontrack(*words, told=json.dumps(result))))

    quality, filled = bronze_quality(), bronze_to_silver()
    health() >> quality >> filled
    result = silver_to_gold(filled)
    refreshed = refresh_views()
    result >> refreshed >> report(result)


def outcome(engine: str, told: dict[str, Any]) -> dict[str, Any]:
    """What of a comparison is passed on: no list that grows with the lions."""
    names = ("generation", "differs", "tables", "records", "seconds")
    return {"engine": engine, **{name: told[name] for name in names}}


liontrack_bigdata_pipeline()
