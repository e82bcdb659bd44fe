"""The driver: what `spark-submit` runs, in Spark's own environment. Says how far it is on stdout, a line each time.

driver.py PLAN RESULT
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from liontrack_stream.settings import Settings, load_settings
from liontrack_stream.spark import gold
from liontrack_stream.spark.plan import Part, Plan
from liontrack_stream.spark.process import TOLD
from liontrack_stream.spark.storing import STORED, Store
from liontrack_stream.spark.streaming import stream

_BRONZE = "partition int, offset long, append_time timestamp, key binary, headers string, raw binary, metadata string"
_REPORT_EVERY_S = 2.0
_WAITED_MAX = 5


def main() -> None:
    """Do what the plan says; write the result as JSON."""
    plan, result = Plan.read(Path(sys.argv[1])), Path(sys.argv[2])
    settings = load_settings()
    spark = SparkSession.builder.appName(f"liontrack {plan.job} {plan.generation}").getOrCreate()
    batch = "spark.sql.execution.arrow.maxRecordsPerBatch"
    spark.conf.set(batch, settings.batch_max_records)
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    try:
        with _telling(spark):
            if plan.job == "stream":
                done = stream(spark, settings, plan, tell)
            elif plan.job == "bronze-to-silver":
                done = _bronze_to_silver(spark, settings, plan)
            else:
                done = _silver_to_gold(spark, settings, plan)
        result.write_text(json.dumps(done))
    finally:
        spark.stop()


def tell(message: str) -> None:
    """A line for who waits."""
    print(f"{TOLD.decode()}{message}", flush=True)


def store(rows: DataFrame, settings: Settings, number: int, parts: Sequence[Part], gold: bool) -> dict[str, int]:
    """Store rows with the columns of `_BRONZE` and their topic: a task for each Kafka partition, in offset order."""
    places = {(part.topic, part.partition): place for place, part in enumerate(parts)}
    task = reduce(
        lambda before, place: before.when(_is_of(*place), F.lit(places[place])), places, F.when(F.lit(False), 0)
    )
    tasks = (
        rows.withColumn("task", task.cast("int")).where(F.col("task").isNotNull()).repartitionById(len(parts), "task")
    )
    sorted_ = tasks.sortWithinPartitions("task", "offset").drop("task")
    found = sorted_.mapInArrow(Store(settings, number, parts, gold), STORED).collect()
    return {"records": sum(row["records"] for row in found)}


def _is_of(topic: str, partition: int) -> Column:
    return (F.col("topic") == topic) & (F.col("partition") == partition)


def _bronze_to_silver(spark: SparkSession, settings: Settings, plan: Plan) -> dict[str, int]:
    topics = [
        _read(spark, files, _BRONZE).withColumn("topic", F.lit(topic)) for topic, files in sorted(plan.files.items())
    ]
    if not topics:
        return {"records": 0}
    rows = reduce(DataFrame.unionByName, topics)
    return store(rows, settings, plan.generation, plan.parts, gold=False)


def _silver_to_gold(spark: SparkSession, settings: Settings, plan: Plan) -> dict[str, int]:
    def table(name: str, columns: str) -> DataFrame:
        return _read(spark, plan.files.get(name, []), columns)

    def written(rows: DataFrame, entity: str, write: gold.Write) -> int:
        sorted_ = rows.repartition(entity).sortWithinPartitions(entity, "time")
        found = sorted_.mapInArrow(gold.WriteGold(settings, plan.generation, write), gold.WRITTEN)
        return sum(row["entities"] for row in found.collect())

    fixes = table("positions", "lion_id string, event_time timestamp, lat double, lng double, step_mm long, flags int")
    weights = table("weight_history", "lion_id string, user_id string, measured_at timestamp, weight double, flags int")
    none, accepted = F.lit(None), F.col("flags") == 0
    lions = _as(gold.FIXED, fixes.where(accepted), time=F.col("event_time"), weight=none.cast("double")).unionAll(
        _as(
            gold.FIXED, weights.where(accepted), time=F.col("measured_at"),
            lat=none.cast("double"), lng=none.cast("double"), step_mm=none.cast("long"),
        )
    )  # fmt: skip
    activities = table("user_activities", "user_id string, event_time timestamp")
    challenges = table("challenges", "user_id string, updated_at timestamp")
    users = reduce(
        DataFrame.unionAll,
        (
            _as(gold.ACTED, activities, time=F.col("event_time"), kind=F.lit(gold.ACTIVITY)),
            _as(gold.ACTED, weights, time=F.col("measured_at"), kind=F.lit(gold.WEIGHT)),
            _as(gold.ACTED, challenges, time=F.col("updated_at"), kind=F.lit(gold.CHALLENGE)),
        ),
    ).where(F.col("user_id").isNotNull())
    checks = table("quality_checks", "table_name string, check_timestamp timestamp")
    return {
        "lions": written(lions, "lion_id", gold.write_lions),
        "users": written(users, "user_id", gold.write_users),
        "tables": written(_as(gold.CHECKED, checks, time=F.col("check_timestamp")), "table_name", gold.write_tables),
    }


def _as(columns: str, rows: DataFrame, **made: Column) -> DataFrame:
    """Rows with these columns, some of them made of others."""
    names = [column.split()[0] for column in columns.split(", ")]
    return rows.select(*(made.get(name, F.col(name)).alias(name) for name in names))


def _read(spark: SparkSession, files: Sequence[str], columns: str) -> DataFrame:
    """Columns of Parquet files: those that the manifest lists, and no others."""
    if not files:
        return spark.createDataFrame([], columns)
    return spark.read.schema(columns).option("recursiveFileLookup", "true").parquet(*files)


@contextmanager
def _telling(spark: SparkSession) -> Iterator[None]:
    """Meanwhile, tell how many tasks are done, or that no executor comes."""
    done = threading.Event()

    def run() -> None:
        tracker, waited, told = spark.sparkContext.statusTracker(), 0, ""
        while not done.wait(_REPORT_EVERY_S):
            for number in tracker.getActiveStageIds():
                stage = tracker.getStageInfo(number)
                if stage is None or not stage.numTasks:
                    continue
                waited = 0 if stage.numActiveTasks or stage.numCompletedTasks else waited + 1
                before, told = told, f"stage {number}: {stage.numCompletedTasks} of {stage.numTasks} tasks are done"
                if waited > _WAITED_MAX:
                    told = "waiting for a Spark worker with a free core and memory"
                if told != before:
                    tell(told)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


if __name__ == "__main__":
    main()
