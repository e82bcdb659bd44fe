"""One `spark-submit`, in Spark's own environment: started, followed, ended."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from liontrack_stream.local.cache import Report
from liontrack_stream.spark.plan import Plan

REPOSITORY = Path(__file__).resolve().parents[2]
_CLUSTER = re.compile(r"spark://([^:/\s]+):(\d+)")
_LOCAL = re.compile(r"local(\[(\d+|\*)(,\d+)?\])?")
_CONNECT_WITHIN_S = 5.0
_END_WITHIN_S = 20.0
_DRIVER_JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"  # it plans and waits: starting is what takes its time
_DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.executor.memory": "1g",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "1000000",  # files are named: no job of a task for each
}


TOLD = b"liontrack: "
"""What a line of the driver begins with that is for who waits."""
_PYTHON_ERROR = re.compile(r"(?!py4j|pyspark)[\w.]*\w(Error|Exception): (?!An error occurred)")


class SparkError(Exception):
    """Spark cannot be used, or a job failed; the message is a sentence that says what to do."""


def environment_folder() -> Path:
    """``LIONTRACK_SPARK_ENV``, else ``.venv-spark`` beside the package. Raises `SparkError` where it is missing."""
    folder = Path(os.environ.get("LIONTRACK_SPARK_ENV") or REPOSITORY / ".venv-spark").absolute()
    if not (folder / ".stamp").exists():
        raise SparkError(f"Spark's environment is not at {folder}: run `make spark`, or set LIONTRACK_SPARK_ENV.")
    return folder


def check_master(master: str) -> None:
    """Raise `SparkError` where a master's name is no name, or nobody answers there."""
    if _LOCAL.fullmatch(master):
        return
    named = _CLUSTER.fullmatch(master)
    if named is None:
        raise SparkError(f"--master {master} is neither local[N] nor spark://HOST:PORT.")
    try:
        socket.create_connection((named[1], int(named[2])), _CONNECT_WITHIN_S).close()
    except (OSError, OverflowError) as error:
        raise SparkError(
            f"No Spark master answers at {master} ({error}): start one with `deploy/spark/start`, or use "
            "--master 'local[2]'."
        ) from error


async def run(
    plan: Plan, master: str, conf: Mapping[str, str], jars: Sequence[Path], logs: Path, report: Report
) -> dict[str, Any]:
    """Submit a plan, tell what its driver tells, and return its result. Ends the application when it is cancelled.

    Raises
    ------
    SparkError
        When the job fails; names its log.
    """
    home = environment_folder()
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{plan.job}-{plan.generation}.log"
    work = Path(tempfile.mkdtemp(prefix="liontrack-spark-"))
    try:
        plan.write(work / "plan.json")
        command = _command(home, master, conf, jars, [work / "plan.json", work / "result.json"])
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=_variables(home, master),
                start_new_session=True,  # a Ctrl-C in the terminal is for us, who end it in order
            )
            try:
                assert process.stdout is not None
                async for line in process.stdout:  # Spark puts what its driver says on stderr here, too
                    if line.startswith(TOLD):
                        report("spark", line.removeprefix(TOLD).decode().strip())
                    else:
                        errors.write(line)
                code = await process.wait()
            except BaseException:
                await _end(process)
                raise
        result = work / "result.json"
        if code or not result.exists():
            raise SparkError(f"The Spark job failed (exit code {code}): {_reason(log)} Its log is {log}.")
        return dict(json.loads(result.read_bytes()))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _command(
    home: Path, master: str, conf: Mapping[str, str], jars: Sequence[Path], arguments: Sequence[Path]
) -> list[str]:
    settings = {
        **_DEFAULTS,
        "spark.executorEnv.PYTHONPATH": str(REPOSITORY),
        "spark.driver.extraJavaOptions": _DRIVER_JVM,
        **conf,
    }
    options = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    if jars:
        options += ["--jars", ",".join(map(str, jars))]
    driver = Path(__file__).with_name("driver.py")
    return [str(spark_home(home) / "bin/spark-submit"), "--master", master, *options, str(driver), *map(str, arguments)]


def spark_home(environment: Path) -> Path:
    """Where Spark itself is in its environment."""
    return next(environment.glob("lib/python3*/site-packages/pyspark"))


def _variables(home: Path, master: str) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
    variables |= {
        "JAVA_HOME": str(home / "java"),
        "PYSPARK_PYTHON": str(home / "bin/python"),
        "PYTHONPATH": str(REPOSITORY),
        "SPARK_HOME": str(spark_home(home)),
    }
    named = _CLUSTER.fullmatch(master)
    if named is None or named[1] in ("localhost", "127.0.0.1"):
        variables["SPARK_LOCAL_IP"] = "127.0.0.1"
    return variables


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the driver, and with it the application at the master."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is None:
            try:
                os.killpg(process.pid, wanted)
                await asyncio.wait_for(asyncio.shield(process.wait()), _END_WITHIN_S)
            except (ProcessLookupError, TimeoutError):
                continue


def _reason(log: Path) -> str:
    """What the log names as the cause: the last exception of Python, else of Java, else its last line."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    ours = [line for line in lines if _PYTHON_ERROR.match(line)]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return (ours or causes or lines or ["it said nothing."])[-1][:500]
