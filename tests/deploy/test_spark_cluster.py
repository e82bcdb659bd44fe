"""``deploy/spark/stop`` ends what is Spark's, however narrow the terminal is that it runs in, and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.worker_process import REPOSITORY

_LONG = "x" * 1_000  # a JVM's command line
_SLEEP = "import time; time.sleep(60)"


def test_what_was_started_ends_and_other_processes_do_not(tmp_path: Path) -> None:
    command = ["python3", "-c", _SLEEP]
    spark = subprocess.Popen([*command, _LONG, "org.apache.spark.deploy.master.Master"])
    other = subprocess.Popen([*command, _LONG, "somebody.else"])
    try:
        (tmp_path / "pids").write_text(f"{spark.pid}\n{other.pid}\n")
        environment = os.environ | {"SPARK_RUN": str(tmp_path), "COLUMNS": "80"}
        stopped = subprocess.Popen([REPOSITORY / "deploy/spark/stop"], env=environment)
        assert spark.wait(20) == -15
        assert stopped.wait(20) == 0
        assert other.poll() is None
        assert not (tmp_path / "pids").exists()
    finally:
        for process in (spark, other):
            process.kill()
            process.wait()
