"""What end-to-end tests do all the time: produce, run real workers, and compare warehouse and lake with the oracle."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
import duckdb
import psycopg
import pyarrow.parquet as pq
from aiokafka import AIOKafkaConsumer, TopicPartition

from liontrack_stream.kafka.producer import EventProducer, Outgoing
from liontrack_stream.kafka.topics import create_topics
from liontrack_stream.settings import Settings

from .forked import Forked, run_forked
from .oracle import ACTIVITIES, TOPICS, Consumed, Rows, Tables, compute, may_hold_secret
from .oracle.bronze import headers
from .oracle.compare import PRIMARY_KEYS, compare_tables, keyed, lake_rows, warehouse_rows
from .quality_counts import OWN
from .stack import environment_of
from .worker_process import REPOSITORY, WorkerProcess

_DIRTY = "SELECT layer, table_name, day FROM metadata.lake_dirty"
_NOT_IN_LAKE = ("topic",)  # silver's files leave it out: the folder and the table tell it


class PipelineKit:
    """One test's topics, warehouse, lake and workers. All methods block: use it from plain test functions."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.workers: list[WorkerProcess] = []
        asyncio.run(create_topics(settings))

    # -- processes

    def environment(self, **changes: Any) -> dict[str, str]:
        """The variables of a child process, with changes."""
        return environment_of(self.settings) | {name: str(value) for name, value in changes.items()}

    def command(self, *arguments: str, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run ``liontrack …`` to its end; it has to succeed."""
        done = run_forked("liontrack_stream", arguments, self.environment(), REPOSITORY, timeout_s)
        assert done.returncode == 0, f"liontrack {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *arguments: str) -> Forked:
        """Start ``liontrack …`` in the background."""
        nowhere = Path(os.devnull)
        return Forked("liontrack_stream", arguments, self.environment(), REPOSITORY, nowhere, nowhere)

    def worker(self, *arguments: str, instance: str = "1", **changes: Any) -> WorkerProcess:
        """Start ``liontrack worker`` with these options and variables."""
        environment = self.environment(LIONTRACK_INSTANCE=instance, **changes)
        log = self.folder / f"worker-{instance}.log"
        worker = WorkerProcess(environment, log, *arguments, module="liontrack_stream")
        self.workers.append(worker)
        return worker

    def catch_up(self, timeout_s: float = 90.0, **changes: Any) -> dict[str, Any]:
        """Run a worker up to the topics' ends; its report."""
        return self.worker("--until-caught-up", **changes).report(timeout_s)

    def end(self) -> None:
        """Kill what still runs."""
        for worker in self.workers:
            if worker.running:
                worker.kill()

    # -- Kafka

    def send(self, records: Iterable[Outgoing]) -> int:
        """Produce records and wait until Kafka holds them; how many."""

        async def run() -> int:
            async with EventProducer(self.settings) as producer:
                return await producer.send_many(records)

        return asyncio.run(run())

    @contextmanager
    def load(self, arguments: Sequence[str], records_per_s: int) -> Iterator[None]:
        """A ``liontrack simulate …`` at work, from its first records on; stopped at the end."""
        producer = self.start(*arguments, "--rate", str(records_per_s))
        try:
            while not self.consumed():
                assert producer.poll() is None, "the producer ended before it sent anything"
                time.sleep(0.2)
            yield
            assert producer.poll() is None, "the load ended before the test did"
        finally:
            producer.send_signal(signal.SIGINT)
            producer.wait(20.0)

    def consumed(self) -> list[Consumed]:
        """Every record that the five topics hold, read with a consumer of our own."""
        return asyncio.run(_read_all(self.settings))

    # -- Postgres

    def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        """Rows of a query in the test's database."""

        async def run() -> list[Any]:
            connection = await asyncpg.connect(**self.settings.pg_dsn)
            try:
                return list(await connection.fetch(sql, *arguments))
            finally:
                await connection.close()

        return asyncio.run(run())

    def connect(self) -> psycopg.Connection[Any]:
        """A blocking connection for what is asked often."""
        dsn = dict(self.settings.pg_dsn)
        return psycopg.connect(dbname=dsn.pop("database"), autocommit=True, **dsn)

    def stored(self) -> int:
        """How many records all partitions' offsets stand behind."""
        return int(self.fetch("SELECT coalesce(sum(next_offset), 0) FROM metadata.consumed_offsets")[0][0])

    def warehouse(self) -> Tables:
        """Every table of the warehouse that the oracle knows."""

        async def run() -> Tables:
            connection = await asyncpg.connect(**self.settings.pg_dsn)
            try:
                return await warehouse_rows(connection)
            finally:
                await connection.close()

        return asyncio.run(run())

    # -- comparisons

    def differences(self, records: list[Consumed] | None = None, expected: Tables | None = None) -> list[str]:
        """What differs between oracle, warehouse, lake and manifest; empty when all agree."""
        records = self.consumed() if records is None else records
        expected = compute(records) if expected is None else expected
        with_bytes = {**expected, "bronze": _bronze(records, expected)}
        warehouse, lake = self.warehouse(), self._lake()
        for side in (warehouse, lake):
            _parse_headers(side["bronze"])
        return [
            *(f"warehouse: {text}" for text in compare_tables(with_bytes, warehouse)),
            *(f"lake: {text}" for text in compare_tables(_in_lake(with_bytes), lake)),
            *self._offset_differences(records),
            *self._manifest_differences(),
            *(
                f"waits for its export: {tuple(mark)}"
                for mark in self.fetch("SELECT * FROM metadata.lake_dirty LIMIT 5")
            ),
        ]

    def assert_right(self, records: list[Consumed] | None = None, expected: Tables | None = None) -> None:
        """Fail with the differences, a line each."""
        found = self.differences(records, expected)
        assert not found, "\n".join(found)

    def _lake(self) -> Tables:
        root = Path(self.settings.lake_root)
        tables = lake_rows(root)
        tables["metadata.data_quality_checks"] = keyed(
            "metadata.data_quality_checks", glob_rows(root / "silver" / "quality_checks")
        )
        return {table: tables.get(table, {}) for table in _in_lake({name: {} for name in [*PRIMARY_KEYS, "bronze"]})}

    def _offset_differences(self, records: list[Consumed]) -> list[str]:
        ends: Counter[tuple[str, int]] = Counter()
        for record in records:
            place = (record.topic, record.partition)
            ends[place] = max(ends[place], record.offset + 1)
        found = []
        for table in ("consumed_offsets", "lake_watermarks"):
            rows = self.fetch(f"SELECT topic, partition, next_offset FROM metadata.{table} WHERE next_offset > 0")
            if {(topic, partition): offset for topic, partition, offset in rows} != dict(ends):
                found.append(f"metadata.{table} holds {rows}, the log ends are {dict(ends)}")
        return found

    def _manifest_differences(self) -> list[str]:
        root = Path(self.settings.lake_root)
        listed = {
            row["path"]: row["row_count"] for row in self.fetch("SELECT path, row_count FROM metadata.lake_files")
        }
        files = {str(file.relative_to(root)): file for file in root.rglob("*.parquet")}
        found = [f"{path} is only in the manifest" for path in sorted(listed.keys() - files.keys())]
        found += [f"{path} is only in the folder" for path in sorted(files.keys() - listed.keys())]
        for path in listed.keys() & files.keys():
            count = pq.read_metadata(files[path]).num_rows
            if count != listed[path]:
                found.append(f"{path} has {count} rows, the manifest says {listed[path]}")
        return found


def report_differences(report: dict[str, Any], expected: Tables) -> list[str]:
    """What the line of JSON of a run over everything gets wrong."""
    repeats = expected["metadata.repeats"].values()
    places = Counter(topic for topic, _, _ in expected["bronze"])
    silver = ("positions", "weight_history", "user_activities", "challenge_events")
    flagged = [*expected["silver.positions"].values(), *expected["silver.weight_history"].values()]
    right = {
        "records": {topic: places[topic] for topic in TOPICS},
        "bronze": len(expected["bronze"]),
        "silver": sum(len(expected[f"silver.{t}"]) for t in silver) + len(expected["metadata.data_quality_checks"]),
        "duplicates": sum(not row["conflict"] for row in repeats),
        "conflicts": sum(row["conflict"] for row in repeats),
        "flagged": sum(row["flags"] != 0 for row in flagged),
        "dead_letters": len(expected["metadata.dead_letters"]),
    }
    return [f"{name} is {report[name]}, should be {value}" for name, value in right.items() if report[name] != value]


def own_checks(records: Iterable[Consumed]) -> int:
    """How many of the records are quality checks of the workers themselves."""
    return sum(OWN in record.headers for record in records)


def glob_rows(folder: Path, columns: str = "*") -> list[dict[str, Any]]:
    """All rows of the Parquet files below a folder, as any engine reads them."""
    if not any(folder.rglob("*.parquet")):
        return []
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        cursor = connection.execute(
            f"SELECT {columns} FROM read_parquet(?, hive_partitioning = false)", [f"{folder}/**/*.parquet"]
        )
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


async def _read_all(settings: Settings) -> list[Consumed]:
    names = {settings.topic(topic): topic for topic in TOPICS}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_brokers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(name, number) for name in names for number in range(settings.topic_partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[Consumed] = []
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for tp, run in (await consumer.getmany(timeout_ms=200)).items():
                records += [
                    Consumed(names[tp.topic], r.partition, r.offset, r.timestamp, r.key, r.value, tuple(r.headers))
                    for r in run
                ]
        return records
    finally:
        await consumer.stop()


def _bronze(records: list[Consumed], expected: Tables) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The oracle's bronze with bytes and headers; where a secret may be cut out, without the bytes."""
    rows = {}
    for record in records:
        place = (record.topic, record.partition, record.offset)
        rows[place] = {**expected["bronze"][place], "headers": headers(record)}
        if record.topic != ACTIVITIES or not may_hold_secret(record.value):
            rows[place]["raw"] = record.value
    return rows


def _parse_headers(rows: dict[tuple[Any, ...], dict[str, Any]]) -> None:
    for row in rows.values():
        row["headers"] = json.loads(row["headers"]) if row["headers"] is not None else {}


def _in_lake(tables: Tables) -> Tables:
    """What of the warehouse the lake holds too."""
    return {
        table: _without_columns(rows)
        for table, rows in tables.items()
        if not table.startswith("metadata.") or table == "metadata.data_quality_checks"
    }


def _without_columns(rows: Rows) -> Rows:
    if not any(column in row for row in islice(rows.values(), 1) for column in _NOT_IN_LAKE):
        return rows
    return {key: {name: row[name] for name in row if name not in _NOT_IN_LAKE} for key, row in rows.items()}


__all__ = ["PipelineKit", "glob_rows", "own_checks", "report_differences"]
