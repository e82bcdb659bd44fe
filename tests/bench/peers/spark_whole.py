"""Spark Structured Streaming: events, fixes once and windows to PostgreSQL by JDBC, events to Parquet; twice.

JDBC knows no ON CONFLICT: fixes and windows go to tables beside theirs, and from there by a statement.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from spark_windows import Query, run_again, sound, windows_of
from task import Task

JDBC_ROWS = 10_000
TABLES = ("events", "positions", "windows")
STAGES = ("positions", "windows")
STORE = """
INSERT INTO peers.positions SELECT * FROM peers.staged_positions ON CONFLICT DO NOTHING;
INSERT INTO peers.windows AS w SELECT * FROM peers.staged_windows
ON CONFLICT (lion_id, window_start) DO UPDATE SET
    fixes = w.fixes + excluded.fixes, sum_lat = w.sum_lat + excluded.sum_lat, sum_lng = w.sum_lng + excluded.sum_lng,
    last_time = greatest(w.last_time, excluded.last_time),
    last_lat = CASE WHEN excluded.last_time >= w.last_time THEN excluded.last_lat ELSE w.last_lat END,
    last_lng = CASE WHEN excluded.last_time >= w.last_time THEN excluded.last_lng ELSE w.last_lng END
"""
EVENTS = (
    "partition", "offset", "timestamp AS append_time", "value AS raw", "event.lion_id", "event.name",
    "event.position.lat", "event.position.lng", "event.timestamp AS event_time", "event.source",
)  # fmt: skip
FIXES = (
    "event.lion_id", "event.timestamp AS event_time", "event.position.lat", "event.position.lng", "event.name",
    "event.source", "event.confidence", "event.accuracy", "event.altitude", "event.dop", "event.temperature",
    "event.visible", "event.event_id",
)  # fmt: skip
WINDOWS = (
    "lion_id", "window.start AS window_start", "fixes", "sum_lat", "sum_lng", "last_time", "last.lat AS last_lat",
    "last.lng AS last_lng",
)  # fmt: skip


def store(batch: DataFrame, number: int, *, task: Task, lake: Path) -> None:
    """Write a batch everywhere."""
    batch.persist()
    events = batch.selectExpr(*EVENTS)
    append(events, "events", task)
    events.write.mode("append").option("compression", "zstd").parquet(str(lake))
    append(batch.selectExpr(*FIXES), "staged_positions", task)
    fixes = sound(batch).select("event.lion_id", F.col("event.timestamp").alias("event_time"), "event.position")
    append(windows_of(fixes).selectExpr(*WINDOWS), "staged_windows", task)
    with psycopg.connect(**task.postgres) as connection:
        connection.execute(STORE)
        for table in STAGES:
            connection.execute(f"TRUNCATE peers.staged_{table}")
    batch.unpersist()


def append(rows: DataFrame, table: str, task: Task) -> None:
    """Append rows by JDBC."""
    place = task.postgres
    options = {
        "url": f"jdbc:postgresql://{place['host']}:{place['port']}/{place['dbname']}?reWriteBatchedInserts=true",
        "driver": "org.postgresql.Driver",
        "user": place["user"],
        "password": place["password"],
        "batchsize": JDBC_ROWS,
    }
    rows.write.format("jdbc").mode("append").options(**options).option("dbtable", f"peers.{table}").save()


def main() -> None:
    task = Task.of_environment()
    with psycopg.connect(**task.postgres) as connection:
        for table in STAGES:
            connection.execute(f"CREATE UNLOGGED TABLE peers.staged_{table} (LIKE peers.{table})")

    def counts() -> dict[str, Any]:
        with psycopg.connect(**task.postgres) as connection:
            rows = [connection.execute(f"SELECT count(*) FROM peers.{table}").fetchone() for table in TABLES]
        return {"stored": {table: row[0] for table, row in zip(TABLES, rows, strict=True) if row}}

    def start(records: DataFrame, number: int) -> Query:
        with psycopg.connect(**task.postgres) as connection:
            connection.execute(f"TRUNCATE {', '.join(f'peers.{table}' for table in TABLES)}")
        lake = Path(task.folder) / ("lake" if number == task.runs else "lake-cold")
        return records.writeStream.foreachBatch(partial(store, task=task, lake=lake)), counts

    run_again(task, start)


if __name__ == "__main__":
    main()
