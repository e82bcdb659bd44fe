"""Beside a worker that stores a replay differs in nothing, becomes live under readers, and gives back all since."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from liontrack_stream import generation
from liontrack_stream.generation_watch import GenerationWatch
from liontrack_stream.kafka.exits import StartError, SwappedError
from liontrack_stream.replay import swap as swapping
from liontrack_stream.replay.bounds import Bounds
from liontrack_stream.replay.run import Order
from liontrack_stream.replay.swap import swap
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.export_rows import Question, open_export
from liontrack_stream.warehouse.export_tables import TABLES
from liontrack_stream.warehouse.generations import GenerationError
from liontrack_stream.warehouse.rules import register_rules
from tests.replay.test_replay import SMALL, lines, run
from tests.support.oracle import POSITIONS, compute
from tests.support.oracle.compare import compare_tables, lake_rows
from tests.support.pipeline_kit import PipelineKit
from tests.support.quality_counts import bronze_counts, published_counts
from tests.support.schema_snapshot import dump
from tests.support.worker_process import wait_until

# More than a test lasts, on whatever machine.
LOAD = ["simulate", "--lions", "12", "--days", "270", "--users", "6", "--seed", "5", "--bad-fraction", "0.03"]
_LOCKED = """
SELECT FROM pg_locks WHERE relation = %s::text::regclass AND mode = 'AccessExclusiveLock' AND granted
"""
_ONE_STATEMENT = """
SELECT (SELECT count(*) FROM bronze.lions_raw),
       (SELECT sum(next_offset) FROM metadata.consumed_offsets WHERE topic = 'lions.position.events'),
       (SELECT count(*) FROM analytics.lions_current_status) >= 0
"""


@contextmanager
def readers(pipeline: PipelineKit) -> Iterator[list[object]]:
    """Ask all the while, by one statement; yields what was wrong with an answer."""
    wrong: list[object] = []
    done = threading.Event()

    def read() -> None:
        with pipeline.connect() as connection:
            while not done.wait(0.02):
                try:
                    row = connection.execute(_ONE_STATEMENT).fetchone()
                    if row is None or row[0] != row[1]:
                        wrong.append(row)
                except Exception as error:
                    wrong.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    yield wrong
    done.set()
    for thread in threads:
        thread.join()


def _swap(settings: Settings, number: int) -> int:
    return asyncio.run(swap(settings, number, lambda part, message: None))


def _nothing_differs(pipeline: PipelineKit, backlog: int) -> int:
    """Replay twice, in other batches than the worker's, and compare; the generation's number."""
    settings = pipeline.settings.model_copy(update={"batch_max_records": 130})
    outcome = run(settings, Order(Bounds(), records_per_s=1500.0))
    assert lines(outcome.diff) == []
    assert {table.table for table in outcome.diff.tables} >= {"bronze.lions_raw", "gold.lions_metrics", "silver.users"}
    assert all(table.rows_live for table in outcome.diff.tables), outcome.diff.tables
    assert backlog < sum(outcome.diff.offsets.values()) < pipeline.stored()
    again = run(settings)
    assert (again.number, again.resumed, lines(again.diff)) == (outcome.number, True, [])
    assert sum(again.diff.offsets.values()) > sum(outcome.diff.offsets.values())
    return again.number


@pytest.mark.timeout(600)  # a worker, a replay and readers share two cores
def test_unchanged_rules_change_nothing_and_become_live(mixed: PipelineKit, monkeypatch: pytest.MonkeyPatch) -> None:
    backlog = len(mixed.consumed())
    with mixed.load(LOAD, 50):
        worker = mixed.worker(**SMALL)
        wait_until(lambda: mixed.stored() > backlog, 40.0, "the worker has caught up")
        number = _nothing_differs(mixed, backlog)
        schema = dump(mixed.settings.pg_dsn)
        with readers(mixed) as wrong:
            said = mixed.command("generations", "swap", str(number)).stdout
        assert wrong == []
        assert said.startswith(f"Generation {number} is live. Generation 0 is kept")
        at_swap = mixed.stored()
        wait_until(lambda: mixed.stored() > at_swap + 100, 40.0, "the worker stores on")
        assert worker.running
        assert f"Generation {number} is live now: starting again." in worker.log_text()
        worker.stop()
        ends = mixed.fetch("SELECT DISTINCT status FROM metadata.pipeline_logs WHERE status <> 'running'")
        assert [row["status"] for row in ends] == ["success"]  # to begin anew is no failure, which would be alerted on
    assert dump(mixed.settings.pg_dsn) == schema
    former = dump(mixed.settings.pg_dsn, schemas=[f"{name}_g0" for name in generation.SCHEMAS])
    assert generation.renamed(former, 0, None) == dump(mixed.settings.pg_dsn, schemas=generation.SCHEMAS)
    mixed.catch_up()
    records = mixed.consumed()
    expected = compute(records)
    assert compare_tables(expected, mixed.warehouse()) == []
    lake = lake_rows(Path(mixed.settings.lake_root, "generations", str(number)))
    for table in ("bronze", "silver.positions", "gold.lions_metrics", "gold.users_activity"):
        assert lake[table].keys() == expected[table].keys(), table
    assert mixed.command("lake", "verify").stdout == "All well.\n"
    counted = mixed.command("query", "SELECT count(*) AS n FROM bronze.lions_raw", "--format", "json").stdout
    assert json.loads(counted) == [{"n": sum(record.topic == POSITIONS for record in records)}]

    with monkeypatch.context() as broken:  # a swap that fails at its very end has changed nothing
        broken.setattr(swapping, "OPERATION", (*swapping.OPERATION, "missing"))
        with pytest.raises(GenerationError, match="missing"):
            _swap(mixed.settings, 0)
    assert dump(mixed.settings.pg_dsn) == schema
    assert mixed.fetch("SELECT generation FROM catalog.generations WHERE state = 'live'")[0]["generation"] == number
    assert mixed.command("generations", "rollback").stdout.startswith("Generation 0 is live.")
    mixed.command("generations", "drop", str(number))
    mixed.catch_up()
    assert published_counts(mixed) == bronze_counts(mixed.consumed()), "each record was counted in one check"
    mixed.assert_right()


def test_what_cannot_become_live(pipeline: PipelineKit, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.command("simulate", "--lions", "2", "--days", "2", "--users", "1")
    pipeline.catch_up()
    bounded, whole = run(pipeline.settings, Order(Bounds(lion_id="x"))).number, run(pipeline.settings).number
    other = pipeline.settings.model_copy(update={"speed_limits_kmh": (9.0, 8.0, 7.0, 6.0)})
    for settings, number, why in (
        (pipeline.settings, bounded, "holds only what it was bounded to"),
        (pipeline.settings, 0, "is live already"),
        (pipeline.settings, 99, "There is no generation 99"),
        (other, whole, "set SPEED_LIMITS_KMH as it was"),
    ):
        with pytest.raises(GenerationError, match=why):
            _swap(settings, number)
    monkeypatch.setattr(swapping, "_ATTEMPTS", 1)
    monkeypatch.setattr(swapping, "_LOCK_WITHIN_S", 0.1)
    with pytest.raises(GenerationError, match="in use all the while, by exports perhaps"):
        asyncio.run(_swap_under_an_export(pipeline.settings, whole))
    for change, name in (
        (f"ALTER TABLE silver_g{whole}.lions ADD COLUMN later int", "silver.lions.later"),
        (f"CREATE INDEX later ON gold_g{whole}.lions_metrics (rule_version)", "gold.lions_metrics"),
        (f"ALTER TABLE bronze_g{whole}.lions_raw ALTER COLUMN topic SET DEFAULT 'x'", "bronze.lions_raw.topic"),
        (f"CREATE FUNCTION analytics_g{whole}.later() RETURNS int LANGUAGE sql RETURN 1", "analytics.later"),
    ):
        pipeline.fetch(change)
        with pytest.raises(GenerationError, match=f"{name} differs"):
            _swap(pipeline.settings, whole)
    said: list[str] = []
    outcome = run(pipeline.settings, said=said)
    assert (outcome.number > whole, outcome.resumed, lines(outcome.diff)) == (True, False, [])
    assert [one for one in said if one.startswith(f"generation {whole}: is of another version of the schema (")]
    with pytest.raises(AssertionError, match="No generation was live before"):
        pipeline.command("generations", "rollback")


def test_a_swap_outwaits_batches_that_each_take_longer_than_its_first_wait(
    pipeline: PipelineKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a slow machine, where it once came through by chance, or not at all."""
    number = run(pipeline.settings).number
    done = threading.Event()

    def store() -> None:
        with pipeline.connect() as connection:
            while not done.is_set():
                with connection.transaction():
                    connection.execute("LOCK TABLE metadata.consumed_offsets IN ROW EXCLUSIVE MODE")
                    done.wait(1.2)

    threads = [threading.Thread(target=store) for _ in range(6)]
    for thread in threads:
        thread.start()
        time.sleep(0.2)
    try:
        monkeypatch.setattr(swapping, "_ATTEMPTS", 7)
        assert _swap(pipeline.settings, number) == 0
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_a_swap_gives_way_before_a_reader_of_two_tables_is_ended(
    pipeline: PipelineKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader holds the last table that a swap locks, and waits for one that it has, before it gets that far."""
    number = run(pipeline.settings).number
    monkeypatch.setattr(swapping, "_LOCK_WITHIN_S", swapping._LOCK_WITHIN_MAX_S)  # as after some attempts
    with pipeline.connect() as reader, pipeline.connect() as between, ThreadPoolExecutor(1) as pool:
        between.execute("BEGIN")
        between.execute("SELECT count(*) FROM silver.lions")
        with reader.transaction():
            reader.execute("SELECT count(*) FROM silver.weight_history")
            swapped = pool.submit(_swap, pipeline.settings, number)
            with pipeline.connect() as looker:
                wait_until(
                    lambda: looker.execute(_LOCKED, ("silver.challenges",)).fetchone() is not None, 20.0, "a lock"
                )
            threading.Timer(0.6, between.execute, ("ROLLBACK",)).start()
            reader.execute("SELECT count(*) FROM silver.challenges")
        assert swapped.result() == 0


async def _swap_under_an_export(settings: Settings, number: int) -> None:
    async with open_export(settings, Question(TABLES["silver.users"], "whole"), "csv"):
        await asyncio.to_thread(_swap, settings, number)


async def test_a_worker_of_other_rules_says_what_it_needs(settings: Settings) -> None:
    other = await register_rules(settings.model_copy(update={"speed_limits_kmh": (50, 20, 10, 5.5)}))
    own = await register_rules(settings)
    async with asyncpg.create_pool(**settings.pg_dsn, min_size=1) as pool:
        failed: list[Exception] = []
        app: Any = SimpleNamespace(pool=pool, warehouse=SimpleNamespace(rule_version=own), fail=failed.append)
        watch = GenerationWatch(app, 0)
        assert await watch._what_changed() is None
        await pool.execute("UPDATE catalog.generations SET state = 'retired'")
        for rules in (own, other):
            await pool.execute("DELETE FROM catalog.generations WHERE generation = 1")
            await pool.execute("INSERT INTO catalog.generations VALUES (1, 'live', '{}', $1)", rules)
            failed.append(await watch._what_changed())
    assert isinstance(failed[0], SwappedError)
    assert isinstance(failed[1], StartError)
    assert str(failed[1]).endswith("start it with SPEED_LIMITS_KMH=50,20,10,5.5.")
