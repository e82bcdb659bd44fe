"""Spark on a real ``spark://`` master: the rows that the worker makes, as a generation to compare and swap."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from liontrack_stream.spark.process import SparkError, check_master, spark_home
from tests.replay.test_replay import rows_of
from tests.spark.conftest import LOAD, Cluster
from tests.support.oracle import compute
from tests.support.oracle.compare import compare_tables
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import wait_until

_IN_THE_MANIFEST = """
SELECT layer, table_name, sum(row_count)::bigint,
       coalesce(sum(row_count * (day - DATE '1970-01-01')) FILTER (WHERE day > '0001-01-01'), 0)::bigint
FROM metadata.lake_files GROUP BY layer, table_name HAVING sum(row_count) > 0 ORDER BY 1, 2
"""
pytestmark = pytest.mark.timeout(900)

SMALL = (
    *("--conf", "spark.sql.shuffle.partitions=4"),
    *("--conf", "spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"),
)


def submit(pipeline: PipelineKit, master: str, *arguments: str) -> dict[str, Any]:
    """A job's result."""
    where = ("--engine", "spark", "--master", master, *SMALL)
    done = pipeline.command("submit", *where, "--json", *arguments, timeout_s=400.0)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def refused(pipeline: PipelineKit, *arguments: str, **changes: str) -> str:
    """What a command says that must not succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "liontrack_stream", *arguments],
        env=pipeline.environment(**changes), capture_output=True, text=True, timeout=60.0, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    return done.stderr


def is_right(pipeline: PipelineKit, outcome: dict[str, Any]) -> None:
    """A generation differs from the live one in nothing, and from the oracle's answer in nothing; no table is empty."""
    assert not outcome["differs"], outcome["tables"]
    assert all(table["rows_live"] for table in outcome["tables"]), outcome["tables"]
    expected = compute(pipeline.consumed())
    assert compare_tables(expected, rows_of(pipeline, outcome["generation"])) == []


def test_bronze_to_silver_to_gold(filled: PipelineKit, cluster: Cluster) -> None:
    stored = filled.stored()
    made = submit(filled, cluster.master, "bronze-to-silver")
    number = made["generation"]
    in_lake = filled.fetch("SELECT sum(row_count) FROM metadata.lake_files WHERE layer = 'bronze'")[0][0]
    assert made["records"] == in_lake == stored
    fixes, days = filled.fetch(
        f"SELECT (SELECT count(*) FROM silver_g{number}.positions), (SELECT count(*) FROM gold_g{number}.lions_metrics)"
    )[0]
    assert fixes > 1_000
    assert days == 0, "gold is the next job's"
    assert "is not computed to its end" in refused(filled, "generations", "swap", str(number))

    filled.command(*LOAD[:-4], "--seed", "6", "--days", "2")  # what the lake did not hold: the generation catches up
    filled.catch_up()
    assert filled.stored() > stored
    outcome = submit(filled, cluster.master, "silver-to-gold")
    assert outcome["generation"] == number
    assert outcome["stored"] == filled.stored() - stored, "all else came by Spark"
    is_right(filled, outcome)

    filled.command("generations", "swap", str(number))
    assert filled.command("lake", "verify").stdout == "All well.\n"
    filled.command("generations", "rollback")
    filled.command("generations", "drop", str(number))


def test_a_stream_that_is_interrupted_goes_on(filled: PipelineKit, cluster: Cluster) -> None:
    def applications(what: str) -> int:
        return (cluster.folder / "master.log").read_text().count(f"{what} app")

    def numbers() -> list[int]:
        rows = filled.fetch("SELECT generation FROM catalog.generations WHERE options = $1", '{"spark": "stream"}')
        return [row["generation"] for row in rows]

    def stored() -> int:
        return sum(
            row[0] for n in numbers() for row in filled.fetch(f"SELECT next_offset FROM metadata_g{n}.consumed_offsets")
        )

    following = filled.start("submit", "--master", cluster.master, *SMALL, "stream")
    wait_until(lambda: stored() > 0, 300.0, "the stream stores")
    following.send_signal(signal.SIGINT)
    assert following.wait(90.0) == 130
    wait_until(lambda: applications("Registered") == applications("Removing"), 30.0, "the application has ended")
    [number] = numbers()
    assert "is not computed to its end" in refused(filled, "generations", "swap", str(number))

    outcome = submit(filled, cluster.master, "--until-caught-up", "--watermark", "30", "stream")
    assert outcome["generation"] == number
    is_right(filled, outcome)


def test_sparks_own_glob_finds_the_manifests_rows(filled: PipelineKit, spark_environment: Path) -> None:
    """Each table's folder, as anybody's Spark would read it: its rows, each in the folder of its day."""
    listed = {f"{layer}/{table}": [rows, days] for layer, table, rows, days in filled.fetch(_IN_THE_MANIFEST)}
    assert len(listed) > 15
    script = Path(__file__).with_name("glob_counts.py")
    homes = {"JAVA_HOME": str(spark_environment / "java"), "SPARK_HOME": str(spark_home(spark_environment))}
    found = subprocess.run(
        [spark_environment / "bin/python", script, filled.settings.lake_root, *listed],
        env=os.environ | homes, capture_output=True, text=True, timeout=300.0, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout.splitlines()[-1]) == listed


def test_what_is_missing_is_a_sentence(filled: PipelineKit, spark_environment: Path) -> None:
    said = refused(filled, "submit", "bronze-to-silver", LIONTRACK_SPARK_ENV="/nowhere")
    assert "Spark's environment is not at /nowhere: run `make spark`" in said
    with pytest.raises(SparkError, match=r"No Spark master answers at spark://127.0.0.1:9 .*deploy/spark/start"):
        check_master("spark://127.0.0.1:9")
    with pytest.raises(SparkError, match="yarn is neither local"):
        check_master("yarn")
    for master in ("local", "local[2]", "local[*]", "local[2,3]"):
        check_master(master)
    assert "No generation of these rules waits for its gold" in refused(filled, "submit", "silver-to-gold")
