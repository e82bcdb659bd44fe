"""``liontrack retain``: a day of bronze goes only when the lake holds it, and everything goes on as before."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.oracle import POSITIONS
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import REPOSITORY

BRONZE = ("lions_raw", "weights_raw", "users_raw", "challenges_raw", "quality_raw")
SIMULATE = ["simulate", "--lions", "4", "--users", "8", "--bad-fraction", "0.03", "--json"]
DAMAGED, GONE = f"bronze/{POSITIONS}/", "bronze/users.activity.events/"


def retain(pipeline: PipelineKit, *arguments: str) -> tuple[int, Any]:
    """Exit code and JSON of ``liontrack retain`` on every day up to today."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    command = [sys.executable, "-m", "liontrack_stream", "retain", "--before", str(tomorrow), "--json", *arguments]
    done = subprocess.run(
        command, env=pipeline.environment(), cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode in {0, 3}, done.stderr
    return done.returncode, json.loads(done.stdout)


def bronze_rows(pipeline: PipelineKit) -> dict[str, int]:
    return {table: int(pipeline.fetch(f"SELECT count(*) FROM bronze.{table}")[0][0]) for table in BRONZE}


def some_file(pipeline: PipelineKit, folder: str) -> Path:
    return min(Path(pipeline.settings.lake_root, folder).rglob("*.parquet"))


def assert_right_but_for_bronze(pipeline: PipelineKit) -> None:
    found = [text for text in pipeline.differences() if not text.startswith("warehouse: bronze:")]
    assert not found, "\n".join(found)


def test_only_what_the_lake_verifiably_holds_is_dropped(pipeline: PipelineKit) -> None:
    pipeline.command(*SIMULATE, "--days", "3")
    pipeline.catch_up(BATCH_MAX_RECORDS=200)
    before, letters = bronze_rows(pipeline), pipeline.fetch("SELECT count(*) FROM metadata.dead_letters")
    assert all(before[table] for table in ("lions_raw", "users_raw", "quality_raw"))

    code, report = retain(pipeline, "--dry-run")
    assert (code, report["rows_dropped"], bronze_rows(pipeline)) == (0, 0, before)

    damaged, gone = some_file(pipeline, DAMAGED), some_file(pipeline, GONE)
    contents = {damaged: damaged.read_bytes(), gone: gone.read_bytes()}
    damaged.write_bytes(contents[damaged][:-9] + bytes(9))
    gone.unlink()
    code, report = retain(pipeline)
    kept = {day["table"]: day["kept_because"] for day in report["days"] if day["kept_because"]}
    assert code == 3
    assert set(kept) == {"bronze.lions_raw", "bronze.users_raw"}
    assert damaged.name in kept["bronze.lions_raw"]
    assert gone.name in kept["bronze.users_raw"]
    left = {**dict.fromkeys(BRONZE, 0), **{table: before[table] for table in ("lions_raw", "users_raw")}}
    assert bronze_rows(pipeline) == left
    assert report["rows_dropped"] == sum(before.values()) - sum(left.values())

    for file, data in contents.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    assert retain(pipeline)[0] == 0
    assert sum(bronze_rows(pipeline).values()) == 0
    assert retain(pipeline) == (0, {**report, "rows_dropped": 0, "bytes_freed": 0, "days": []})
    recorded = pipeline.fetch("SELECT table_name, sum(row_count) FROM metadata.dropped_partitions GROUP BY 1")
    assert {name: int(rows) for name, rows in recorded} == {
        f"bronze.{table}": rows for table, rows in before.items() if rows
    }

    # A gold cell still leads to its records.
    [(lion, day)] = pipeline.fetch(
        "SELECT lion_id, metric_date FROM gold.lions_metrics WHERE tracking_frequency > 0 LIMIT 1"
    )
    explained = pipeline.command("explain", "gold.lions_metrics", f"lion_id={lion}", f"metric_date={day}").stdout
    assert f"dropped by retention, in the lake at bronze/{POSITIONS}/" in explained

    # Another worker goes on, late fixes included, and the lake still holds what bronze no longer does.
    pipeline.command(*SIMULATE, "--days", "5", "--seed", "2")
    assert pipeline.catch_up()["records"][POSITIONS] > 0
    assert_right_but_for_bronze(pipeline)
    assert pipeline.fetch("SELECT count(*) FROM metadata.dead_letters") > letters
    assert sum(bronze_rows(pipeline).values()) > 0
    assert retain(pipeline)[0] == 0
    assert_right_but_for_bronze(pipeline)


def test_a_day_that_the_lake_has_not_finished_stays(pipeline: PipelineKit) -> None:
    pipeline.command(*SIMULATE, "--days", "2", "--topics", "positions")
    pipeline.catch_up()
    with pipeline.connect() as connection:
        connection.execute("UPDATE metadata.lake_watermarks SET next_offset = next_offset - 1 WHERE next_offset > 0")
        code, report = retain(pipeline)
        assert code == 3
        assert all("the lake ends before offset" in day["kept_because"] for day in report["days"] if day["rows"])
        connection.execute("UPDATE metadata.lake_watermarks SET next_offset = next_offset + 1 WHERE next_offset > 0")
        connection.execute("DELETE FROM metadata.lake_files WHERE path LIKE 'bronze/lions.%%' AND partition = 0")
        code, report = retain(pipeline)
        assert code == 3
        reasons = {day["table"]: day["kept_because"] for day in report["days"]}
        assert "partition 0: the lake's files hold 0 of" in reasons["bronze.lions_raw"]
