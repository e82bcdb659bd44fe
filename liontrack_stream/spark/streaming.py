"""The stream's driver: Structured Streaming from Kafka into a generation, with 5-minute windows by a watermark.

::

    Kafka ─► a task per Kafka partition ─► whose window it is, when ─► windows of 5 minutes ─► told as they close
                │       (the sink)              (watermark: the newest event time, less the lateness)
                └─► bronze, silver, gold, in one transaction with the offsets

Spark's state holds the windows that are open, and nothing else: what comes behind the watermark is dropped from it and
has been stored all the same, where it revises its window.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.settings import Settings
from liontrack_stream.spark.kafka_links import kafka_options
from liontrack_stream.spark.plan import Plan
from liontrack_stream.spark.storing import SEEN, StoreStream

_WINDOW = "5 minutes"
_TRIGGER = "2 seconds"
_RECORDS_PER_TRIGGER = 200_000


def stream(spark: SparkSession, settings: Settings, plan: Plan, tell: Callable[[str], None]) -> dict[str, int]:
    """Follow Kafka; to the end of what it holds where the plan says so. How many windows closed."""
    prefix = len(settings.topic_prefix)
    rows = _source(spark, settings, plan).select(
        F.substring("topic", prefix + 1, 1_000).alias("topic"),
        "partition", "offset", F.col("timestamp").alias("append_time"), "key", F.col("value").alias("raw"), "headers",
    )  # fmt: skip
    seen = rows.mapInArrow(StoreStream(settings, plan.generation, plan.parts, gold=True), SEEN)
    lateness = f"{plan.lateness_min} minutes"
    windows = seen.withWatermark("event_time", lateness).groupBy(F.window("event_time", _WINDOW), "topic", "entity")
    closed = {"windows": 0}

    def told(batch: DataFrame, number: int) -> None:
        last = F.date_format(F.max("window.end"), "yyyy-MM-dd HH:mm")
        count, until = batch.agg(F.count("*"), last).collect()[0]
        closed["windows"] += count
        tell(f"batch {number}: {count:,} windows of {_WINDOW} closed{f', until {until} UTC' if until else ''}")

    query = (
        windows.agg(F.count("*").alias("events"))
        .writeStream.outputMode("append")
        .foreachBatch(told)
        .option("checkpointLocation", plan.checkpoint)
        .queryName(f"generation {plan.generation}")
        .trigger(**({"availableNow": True} if plan.until_caught_up else {"processingTime": _TRIGGER}))
        .start()
    )
    query.awaitTermination()
    return {"windows_closed": closed["windows"]}


def _source(spark: SparkSession, settings: Settings, plan: Plan) -> DataFrame:
    begins: dict[str, dict[str, int]] = defaultdict(dict)
    for part in plan.parts:
        begins[settings.topic(part.topic)][str(part.partition)] = part.first
    options = {
        **kafka_options(settings),
        "subscribe": ",".join(settings.topic(topic.name) for topic in TOPICS),
        "startingOffsets": json.dumps(begins),
        "includeHeaders": "true",
        "maxOffsetsPerTrigger": str(_RECORDS_PER_TRIGGER),
        "failOnDataLoss": "true",
        "kafka.isolation.level": "read_committed",
    }
    return spark.readStream.format("kafka").options(**options).load()
