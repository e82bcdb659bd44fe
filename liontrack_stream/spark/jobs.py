"""`liontrack submit`: a generation filled by Spark, step by step, then completed and compared as a replay's is.

::

    catalog.options   {"spark": "bronze"} ── bronze-to-silver ──► {"spark": "silver"} ── silver-to-gold ──► {}
                      {"spark": "stream"} ── stream --until-caught-up ───────────────────────────────────► {}

Records that the lake does not hold yet come last, as a replay reads them; so do those that are stored meanwhile. A job
that was cut off goes on with its generation when it is submitted again.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import asyncpg

from liontrack_stream import generation
from liontrack_stream.kafka.checks import read_cluster_state
from liontrack_stream.kafka.ports import Partition
from liontrack_stream.lake.exporter import LakeExporter
from liontrack_stream.local.cache import Report
from liontrack_stream.replay.archive import HOLE_MAX
from liontrack_stream.replay.bounds import Bounds
from liontrack_stream.replay.run import LAKE_WITHIN_S, Order, Outcome, complete
from liontrack_stream.settings import Settings
from liontrack_stream.spark.kafka_jars import spark_kafka_jars
from liontrack_stream.spark.plan import Part, Plan
from liontrack_stream.spark.process import SparkError, check_master, environment_folder, run
from liontrack_stream.warehouse.generations import (
    BUILDING,
    Generation,
    GenerationError,
    catalog_connection,
    claimed,
    copy_rules,
    create,
    listed,
    other_shape,
)
from liontrack_stream.warehouse.queries import live_query, query
from liontrack_stream.warehouse.rules import register_rules

_BRONZE, _SILVER, _STREAM = "bronze", "silver", "stream"
_LIVE_WITHIN_S = 30.0
_NO_END = 1 << 62
_SILVER_TABLES = ("positions", "weight_history", "user_activities", "challenges", "quality_checks")


@dataclass(frozen=True, slots=True)
class Spark:
    """Where to run. ``conf``: Spark's own settings."""

    master: str
    conf: Mapping[str, str] = field(default_factory=dict)
    anew: bool = False

    def check(self) -> None:
        """Raise `SparkError` where it cannot be used."""
        environment_folder()
        check_master(self.master)


@dataclass(frozen=True, slots=True)
class Filled:
    """What bronze-to-silver has made: bronze and silver of so many records; ``seconds`` from the call on."""

    number: int
    records: int
    seconds: float


async def bronze_to_silver(settings: Settings, spark: Spark, report: Report) -> Filled:
    """Fill a generation's bronze and silver from the live generation's bronze files.

    Raises
    ------
    SparkError, GenerationError, WorkerError, LakeError, OSError, asyncpg.PostgresError
        What is missing, in a sentence, or what is away.
    """
    spark.check()
    began_s = time.perf_counter()
    async with catalog_connection(settings) as catalog, _filling(settings, catalog, _BRONZE, spark, report) as number:
        plan = await _bronze_plan(settings, catalog, number)
        done = await run(plan, spark.master, spark.conf, (), _logs(settings), report)
        await _write_silver_files(settings.in_generation(number), number, report)
        await _mark(catalog, number, {"spark": _SILVER})
    return Filled(number, done["records"], time.perf_counter() - began_s)


async def silver_to_gold(settings: Settings, spark: Spark, report: Report) -> Outcome:
    """Compute a generation's gold of its silver files; then complete it and compare. Raises as `bronze_to_silver`."""
    spark.check()
    began_s = time.perf_counter()
    async with catalog_connection(settings) as catalog:
        rule_version = await register_rules(settings)
        one = await _newest(catalog, _SILVER, rule_version)
        if one is None:
            raise SparkError(
                "No generation of these rules waits for its gold: run `liontrack submit bronze-to-silver` first."
            )
        report("spark", f"generation {one}")
        async with claimed(catalog, one):
            plan = await _silver_plan(settings, catalog, one)
            await run(plan, spark.master, spark.conf, (), _logs(settings), report)
            await _mark(catalog, one, {})
        outcome = await complete(settings, catalog, one, Order(Bounds()), report)
    return replace(outcome, seconds=time.perf_counter() - began_s)


async def stream(settings: Settings, spark: Spark, lateness_min: int, report: Report, until_caught_up: bool) -> Outcome:
    """Follow Kafka into a generation, for ever or until caught up; then complete it, and compare.

    Raises as `bronze_to_silver`.
    """
    spark.check()
    began_s = time.perf_counter()
    jars = await asyncio.to_thread(spark_kafka_jars, report)
    async with catalog_connection(settings) as catalog:
        async with _filling(settings, catalog, _STREAM, spark, report) as number:
            checkpoint = settings.liontrack_data_dir.absolute() / "spark" / f"checkpoint-{number}"
            # Postgres's offsets say where to begin; from a batch that was cut off Spark's source does not go on.
            shutil.rmtree(checkpoint, ignore_errors=True)
            parts = await _stream_parts(settings, catalog, number)
            plan = Plan("stream", number, parts, {}, f"file://{checkpoint}", until_caught_up, lateness_min=lateness_min)
            await run(plan, spark.master, spark.conf, jars, _logs(settings), report)
            await _live_has_come_as_far(catalog, number, report)
            await _mark(catalog, number, {})
            shutil.rmtree(checkpoint, ignore_errors=True)
        outcome = await complete(settings, catalog, number, Order(Bounds()), report)
    return replace(outcome, seconds=time.perf_counter() - began_s)


async def _stream_parts(settings: Settings, catalog: asyncpg.Connection, number: int) -> list[Part]:
    """Every partition, from the offset that the generation has stored."""
    cluster = await read_cluster_state(settings)
    stored = await _stored(catalog, number)
    parts = []
    for partition, log in sorted(cluster.partitions.items()):
        first = stored.get(partition, 0)
        if first < log.earliest:
            raise SparkError(
                f"Kafka no longer holds {partition[0]} [{partition[1]}] from {first:,} on, but from {log.earliest:,}: "
                "use `liontrack submit bronze-to-silver`, or `liontrack replay`, which read the lake."
            )
        parts.append(Part(*partition, first, _NO_END))
    return parts


async def _stored(catalog: asyncpg.Connection, number: int | None) -> dict[Partition, int]:
    with generation.using(number):
        sql = query("metadata/offsets")
    return {(row["topic"], row["partition"]): row["next_offset"] for row in await catalog.fetch(sql)}


async def _live_has_come_as_far(catalog: asyncpg.Connection, number: int, report: Report) -> None:
    """Wait until the live generation has stored what this one has: they are compared at the same records."""
    until_s = time.monotonic() + _LIVE_WITHIN_S
    while True:
        live, own = await _stored(catalog, None), await _stored(catalog, number)
        ahead = sum(max(0, offset - live.get(partition, 0)) for partition, offset in own.items())
        if not ahead:
            return
        if time.monotonic() > until_s:
            raise SparkError(
                f"The live generation is {ahead:,} records behind the stream's: run "
                "`liontrack worker --until-caught-up`, then submit the stream again; it goes on."
            )
        report("compare", f"waiting for the worker, {ahead:,} records behind")
        await asyncio.sleep(1.0)


@asynccontextmanager
async def _filling(
    settings: Settings, catalog: asyncpg.Connection, step: str, spark: Spark, report: Report
) -> AsyncIterator[int]:
    """The newest generation that this step was cut off in, else a new one; nobody else works at it meanwhile."""
    rule_version = await register_rules(settings)
    number = None if spark.anew else await _newest(catalog, step, rule_version)
    if number is None:
        number = await create(catalog, {"spark": step}, rule_version)
    report("spark", f"generation {number}")
    async with claimed(catalog, number):
        await copy_rules(catalog, number)
        yield number


async def _newest(catalog: asyncpg.Connection, step: str, rule_version: int) -> int | None:
    def waits(one: Generation) -> bool:
        return one.options == {"spark": step} and one.rule_version == rule_version and one.state == BUILDING

    for one in reversed(await listed(catalog)):
        if waits(one) and await other_shape(catalog, one.number) is None:
            return one.number
    return None


async def _mark(catalog: asyncpg.Connection, number: int, options: Mapping[str, Any]) -> None:
    await catalog.execute(live_query("generations/set_options"), number, json.dumps(dict(options)))


async def _bronze_plan(settings: Settings, catalog: asyncpg.Connection, number: int) -> Plan:
    """Each partition's bronze files, as far as they follow each other without a hole."""
    rows = await catalog.fetch(live_query("generations/bronze_files"))
    parts, files = [], dict[str, list[str]]()
    for (topic, partition), group in groupby(rows, key=lambda row: (row["topic"], row["partition"])):
        end = 0
        for row in group:
            if row["path"] is None or row["first_offset"] > end + HOLE_MAX or end >= row["until"]:
                break
            end = row["next_offset"]
            files.setdefault(topic, []).append(_path(settings.with_lake_of(row["live"]), row["path"]))
        if end:
            parts.append(Part(topic, partition, 0, min(end, row["until"])))
    if not parts:
        raise GenerationError("The lake holds no bronze files yet: let a worker write some, or use `liontrack replay`.")
    return Plan("bronze-to-silver", number, parts, files)


async def _silver_plan(settings: Settings, catalog: asyncpg.Connection, number: int) -> Plan:
    own, files = settings.in_generation(number), dict[str, list[str]]()
    with generation.using(number):
        sql = query("lake/manifest_days")
    for row in await catalog.fetch(sql):
        if row["layer"] == "silver" and row["table_name"] in _SILVER_TABLES:
            files.setdefault(row["table_name"], []).append(_path(own, row["path"]))
    return Plan("silver-to-gold", number, files=files)


def _path(settings: Settings, path: str) -> str:
    if settings.lake_root.startswith("s3://"):
        raise SparkError(
            "Spark reads a lake in a folder that its workers share, and LAKE_ROOT is a bucket: use `liontrack replay`."
        )
    return f"file://{Path(settings.lake_root, path).absolute()}"


def _logs(settings: Settings) -> Path:
    return settings.liontrack_data_dir.absolute() / "spark"


async def _write_silver_files(own: Settings, number: int, report: Report) -> None:
    report("lake", "writing silver")
    with generation.using(number):
        lake = LakeExporter(own)  # of no partition: bronze's files come with the last records
        await lake.start()
        try:
            await lake.close(LAKE_WITHIN_S)
        except BaseException:
            with suppress(Exception):
                await lake.stop()
            raise
