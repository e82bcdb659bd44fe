"""A replay of changed rules differs in what the oracle says; killed, it goes on; bounded, it compares what is left."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from liontrack_stream import generation
from liontrack_stream.contract.topics import POSITIONS, WEIGHTS
from liontrack_stream.lake.exporter import LakeExporter
from liontrack_stream.lake.verify import verify
from liontrack_stream.replay import run as running
from liontrack_stream.replay.bounds import Bounds
from liontrack_stream.replay.diff import Diff
from liontrack_stream.replay.run import Order, Outcome, replay
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.generations import catalog_connection, listed
from tests.replay.conftest import TIGHT
from tests.support.oracle import Tables, compute
from tests.support.oracle.compare import compare_tables
from tests.support.pipeline_kit import PipelineKit

LOAD = ["simulate", "--lions", "12", "--days", "20", "--users", "6", "--seed", "5", "--bad-fraction", "0.03"]
SMALL = {"BATCH_MAX_RECORDS": "60"}


def run(settings: Settings, order: Order | None = None, said: list[str] | None = None) -> Outcome:
    """A replay in this process."""

    def report(part: str, message: str) -> None:
        if said is not None:
            said.append(f"{part}: {message}")

    return asyncio.run(replay(settings, order or Order(Bounds()), report))


def lines(diff: Diff) -> list[str]:
    """What a diff names, in words."""
    return [str(one) for one in diff.tables if one.differs] + [str(lion) for lion in diff.lions]


def rows_of(pipeline: PipelineKit, number: int) -> Tables:
    """The tables of a generation, as the oracle knows them."""
    from tests.replay.test_generations import InGeneration
    from tests.support.oracle.compare import warehouse_rows

    async def read() -> Tables:
        async with catalog_connection(pipeline.settings) as connection:
            with generation.using(number):
                return await warehouse_rows(InGeneration(connection))

    return asyncio.run(read())


def test_a_changed_rule_changes_what_the_oracle_says(pipeline: PipelineKit, request: pytest.FixtureRequest) -> None:
    pipeline.command(*LOAD)
    pipeline.catch_up()
    records = pipeline.consumed()
    before = compute(records)
    request.getfixturevalue("tight_oracle")
    after = compute(records)
    outcome = run(pipeline.settings.model_copy(update={"speed_limits_kmh": TIGHT}))
    changed_as_the_oracle_says(pipeline, before, after, outcome)


def changed_as_the_oracle_says(pipeline: PipelineKit, before: Tables, after: Tables, outcome: Outcome) -> None:
    """The generation holds the oracle's rows of the other rules, and its diff names each row that they change."""
    assert compare_tables(after, rows_of(pipeline, outcome.number)) == []
    counts = {one.table: (one.added, one.removed, one.changed) for one in outcome.diff.tables}
    for table, (added, removed, changed) in counts.items():
        if table in before:
            assert (added, removed, changed) == _between(before[table], after[table]), table
    assert counts["silver.positions"][2] > 0
    assert counts["gold.lions_metrics"] != (0, 0, 0)
    assert {table for table, count in counts.items() if any(count)} <= {
        "silver.positions", "silver.lions", "gold.lion_windows", "gold.lions_metrics"
    }  # fmt: skip
    fixes = {lion.lion_id: (lion.fixes_before, lion.fixes_after) for lion in outcome.diff.lions}
    assert fixes == {
        lion: (_fixes(before, lion), _fixes(after, lion)) for (lion,) in before["silver.lions"] if lion in fixes
    }
    assert {lion for (lion,) in before["silver.lions"] if _fixes(before, lion) != _fixes(after, lion)} <= fixes.keys()
    assert outcome.rule_version not in outcome.live_rules


def _between(before: dict[Any, Any], after: dict[Any, Any]) -> tuple[int, int, int]:
    both = before.keys() & after.keys()
    return len(after.keys() - before), len(before.keys() - after), sum(before[key] != after[key] for key in both)


def _fixes(tables: Tables, lion: str) -> int:
    return sum(row["flags"] == 0 for (of, _), row in tables["silver.positions"].items() if of == lion)


async def _listed(settings: Settings) -> list[Any]:
    async with catalog_connection(settings) as connection:
        return await listed(connection)


def test_bounds_and_commands(mixed: PipelineKit) -> None:
    mixed.catch_up()
    lion = mixed.fetch("SELECT lion_id FROM silver.lions ORDER BY fixes DESC LIMIT 1")[0][0]
    of_lion = json.loads(mixed.command("replay", "--lion", lion, "--dry-run", "--json").stdout)
    assert not of_lion["differs"], of_lion
    assert {table["table"] for table in of_lion["tables"]} == {
        "bronze.lions_raw", "bronze.weights_raw", "silver.lions", "silver.positions", "silver.weight_history",
        "gold.lion_windows", "gold.lions_metrics",
    }  # fmt: skip
    assert 0 < of_lion["stored"] < of_lion["records"]
    of_topics = run(mixed.settings, Order(Bounds(topics=(POSITIONS, WEIGHTS)), dry_run=False))
    assert lines(of_topics.diff) == []
    compared = {table.table for table in of_topics.diff.tables}
    assert "gold.lions_metrics" in compared
    assert "gold.users_activity" not in compared
    appended = mixed.fetch("SELECT max(append_time) AS until FROM bronze.lions_raw")[0]["until"]
    until = appended + timedelta(seconds=1)
    of_time = run(mixed.settings, Order(Bounds(since=datetime(2020, 1, 1, tzinfo=UTC), until=until), dry_run=True))
    assert lines(of_time.diff) == []
    assert "silver.lions" not in {table.table for table in of_time.diff.tables}

    states = {one.number: one.state for one in asyncio.run(_listed(mixed.settings))}
    assert states == {0: "live", of_topics.number: "building", of_time.number: "building"}  # never to become live
    again = json.loads(mixed.command("generations", "diff", str(of_topics.number), "--json").stdout)
    assert {table["table"] for table in again["tables"]} == compared


def test_the_lake_is_completed_while_it_compares(mixed: PipelineKit, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed.catch_up()
    close, compare = LakeExporter.close, running.compare
    told: list[str] = []

    async def closing(self: LakeExporter, timeout_s: float = 60.0) -> int:
        told.append("lake")
        return await close(self, timeout_s)

    async def comparing(*arguments: Any) -> Diff:
        await asyncio.sleep(0.1)
        told.append("compared")
        if told.count("compared") == 1:
            raise OSError("PostgreSQL is away")
        return await compare(*arguments)

    monkeypatch.setattr(LakeExporter, "close", closing)
    monkeypatch.setattr(running, "compare", comparing)
    with pytest.raises(OSError, match="away"):
        run(mixed.settings)
    again = run(mixed.settings)
    assert told == ["lake", "compared", "lake", "compared"]
    assert again.resumed
    assert lines(again.diff) == []
    assert mixed.fetch(f"SELECT FROM metadata{generation.suffix(again.number)}.lake_dirty") == []
    with generation.using(again.number):
        assert asyncio.run(verify(mixed.settings.in_generation(again.number))) == []
