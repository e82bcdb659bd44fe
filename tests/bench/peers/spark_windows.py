"""Spark Structured Streaming: each lion's 5-minute windows by event time, with a watermark, to the topic's end; twice.

The first query is cold: its seconds are those of the process. The second one, in the same session, is warm.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter, time
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter
from task import AHEAD, Task, tell

EVENT = """lion_id string, name string, position struct<lat double, lng double>, timestamp timestamp, source string,
confidence double, accuracy double, altitude double, dop double, temperature double, visible boolean, event_id string"""
EVENTS_PER_TRIGGER = 250_000


def read(spark: SparkSession, task: Task) -> DataFrame:
    """The topic's records with their decoded ``event``."""
    options = {
        "kafka.bootstrap.servers": task.brokers,
        "subscribe": task.topic,
        "startingOffsets": "earliest",
        "maxOffsetsPerTrigger": EVENTS_PER_TRIGGER,
    }
    records = spark.readStream.format("kafka").options(**options).load()
    return records.withColumn("event", F.from_json(F.col("value").cast("string"), EVENT))


def sound(records: DataFrame) -> DataFrame:
    """Without fixes ahead of the clock."""
    latest = F.current_timestamp() + F.expr(f"INTERVAL {int(AHEAD.total_seconds())} SECONDS")
    return records.where(F.col("event.timestamp") <= latest)


def windows_of(fixes: DataFrame) -> DataFrame:
    """Windows by lion; ``fixes`` have ``lion_id``, ``event_time`` and ``position``."""
    return fixes.groupBy("lion_id", F.window("event_time", "5 minutes").alias("window")).agg(
        F.count("*").alias("fixes"),
        F.sum("position.lat").alias("sum_lat"),
        F.sum("position.lng").alias("sum_lng"),
        F.max("event_time").alias("last_time"),
        F.max_by("position", "event_time").alias("last"),
    )


Query = tuple[DataStreamWriter, Callable[[], dict[str, Any]]]


def run_again(task: Task, start: Callable[[DataFrame, int], Query]) -> None:
    """Run a query over the topic, and again, and tell of both. ``start`` makes it, and what tells of its results."""
    spark = SparkSession.builder.getOrCreate()
    cold_seconds = seconds = 0.0
    found: dict[str, Any] = {}
    for number in range(1, task.runs + 1):
        began = perf_counter()
        writer, results = start(read(spark, task), number)
        writer = writer.option("checkpointLocation", str(Path(task.folder) / f"checkpoint-{number}"))
        writer.trigger(availableNow=True).start().awaitTermination()
        seconds = perf_counter() - began
        cold_seconds = cold_seconds or time() - task.launched
        before, found = found, results()
        assert before in ({}, found), f"{before} became {found}"
    java = spark.sparkContext._jvm.System.getProperty("java.version")
    tell(task.events, seconds, "pyspark", cold_seconds=cold_seconds, queries=task.runs, java=java, **found)


def main() -> None:
    task = Task.of_environment()

    def start(records: DataFrame, number: int) -> Query:
        found = {"windows": 0, "fixes": 0}

        def count(batch: DataFrame, batch_number: int) -> None:
            windows, fixes = batch.agg(F.count("*"), F.sum("fixes")).first()
            found["windows"] += windows
            found["fixes"] += fixes or 0

        fixes = sound(records).select("event.lion_id", F.col("event.timestamp").alias("event_time"), "event.position")
        windows = windows_of(fixes.withWatermark("event_time", f"{task.lateness_days} days"))
        return windows.writeStream.outputMode("append").foreachBatch(count), lambda: found

    run_again(task, start)


if __name__ == "__main__":
    main()
