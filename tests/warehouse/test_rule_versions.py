"""Gold rows carry the version of the rules that wrote them; the speed limits are part of it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import asyncpg
import pytest

from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.ports import Committed
from liontrack_stream.settings import Settings, SettingsError, load_settings
from liontrack_stream.warehouse.worker import open_worker_warehouse
from tests.support.oracle import Consumed
from tests.support.records import activity, check, fix, weight

DAY_1 = [fix("lion", f"2025-03-01 12:{minute:02d}", -21.5 + minute / 1000) for minute in range(0, 50, 10)]
DAY_2 = [fix("lion", f"2025-03-02 12:{minute:02d}", -21.5 + minute / 1000) for minute in range(0, 50, 10)]
OTHERS = [
    weight("w", "lion", "2025-03-01", 180),
    activity("user", "2025-03-01 12:00"),
    check("t", "2025-03-01 12:00", 90),
]
GOLD = ("lions_metrics", "lion_windows", "users_activity", "user_windows", "quality_daily")


async def test_rows_carry_the_version_that_wrote_them(settings: Settings) -> None:
    assert await _store(settings, [*DAY_1, *OTHERS]) == 1
    assert await _store(settings, []) == 1, "the same rules are the same version"
    assert await _versions(settings) == {table: {1} for table in GOLD}
    slow = settings.model_copy(update={"speed_limits_kmh": (60.0, 20.0, 10.0, 4.0)})
    assert await _store(slow, [weight("w2", "lion", "2025-03-01", 182)]) == 2
    found = await _versions(settings)
    assert found["lions_metrics"] == {2}, "a row that is written again has the newer version"
    assert found["lion_windows"] == {1}, "one that is not keeps its own"
    rows = await _fetch(settings, "SELECT rule_version, parameters FROM metadata.rule_versions ORDER BY 1")
    limits = [json.loads(row["parameters"])["fixes"]["speed_limits_kmh"] for row in rows]
    assert limits == [[60, 20, 10, 5], [60, 20, 10, 4]]


async def test_the_limits_judge(settings: Settings) -> None:
    walk = [
        fix("lion", f"2025-03-02 0{hour}:00", lat) for hour, lat in ((1, -21.5), (2, -21.545), (3, -21.5))
    ]  # 5 km/h
    await _store(settings, walk)
    strict = settings.model_copy(update={"speed_limits_kmh": (60.0, 20.0, 4.0, 4.0)})
    await _store(strict, [fix("strict", record["t"], record["lat"]) for record in _told(walk)])
    flags = await _fetch(settings, "SELECT lion_id, flags FROM silver.positions ORDER BY 1, event_time")
    assert [tuple(row) for row in flags] == [
        *(("lion", flag) for flag in (0, 0, 0)),
        *(("strict", f) for f in (0, 8, 0)),
    ]


@pytest.mark.parametrize("text", ["60,20,10", "60,20,10,0", "60,20,10,-5", "60,20,10,nan", "fast,20,10,5", ""])
def test_limits_that_make_no_sense_are_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    for name in ("KAFKA_BROKERS", "PG_HOST", "PG_USER", "PG_PASSWORD"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SPEED_LIMITS_KMH", text)
    with pytest.raises(SettingsError, match="Correct these settings: SPEED_LIMITS_KMH"):
        load_settings()
    monkeypatch.setenv("SPEED_LIMITS_KMH", "50, 20, 10, 5.5")
    assert load_settings().speed_limits_kmh == (50, 20, 10, 5.5)


async def _store(settings: Settings, records: Sequence[Consumed]) -> int | None:
    """Store records with a worker's warehouse of these settings; its rule version."""
    warehouse = await open_worker_warehouse(settings, "test")
    try:
        topics = {record.topic: [r for r in records if r.topic == record.topic] for record in records}
        await warehouse.offsets.claim((topic, 0) for topic in topics)
        for topic, mine in topics.items():
            outcome = await warehouse.sink.process(RecordBatch(topic, 0, tuple(mine)), gap_proven=True)
            assert isinstance(outcome, Committed), outcome
        return warehouse.rule_version
    finally:
        await warehouse.close()


def _told(records: Sequence[Consumed]) -> list[dict[str, object]]:
    documents = [json.loads(record.value or b"") for record in records]
    return [
        {"t": document["timestamp"].removesuffix("Z"), "lat": document["position"]["lat"]} for document in documents
    ]


async def _versions(settings: Settings) -> dict[str, set[int]]:
    return {
        table: {row[0] for row in await _fetch(settings, f"SELECT rule_version FROM gold.{table}")} for table in GOLD
    }


async def _fetch(settings: Settings, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(**settings.pg_dsn)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()
