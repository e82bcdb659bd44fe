"""Fills warehouse tables by SQL as the sink would, dirty marks and offsets included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

from liontrack_stream.lake import BronzeRows
from liontrack_stream.lake.catalog import BRONZE

POSITIONS = "lions.position.events"
_MARK = """
INSERT INTO metadata.lake_dirty (layer, table_name, day) SELECT $1, $2, unnest($3::date[])
ON CONFLICT (layer, table_name, day) DO UPDATE SET version = nextval('metadata.lake_versions'), dirty_at = now()
"""


async def mark(connection: asyncpg.Connection, layer: str, table: str, days: list[date]) -> None:
    await connection.execute(_MARK, layer, table, days)


async def add_positions(connection: asyncpg.Connection, first: date, days: int, lions: int = 2, flags: int = 0) -> None:
    """Hourly fixes of some lions, replacing what is there, with their windows and day metrics."""
    marked = [first + timedelta(days=n) for n in range(days)]
    async with connection.transaction():
        await connection.execute(
            """
            INSERT INTO silver.positions (lion_id, event_time, lat, lng, flags, name, metadata, partition, "offset",
                                          append_time, content_hash)
            SELECT 'lion-' || l, t, -24 + l / 10.0, 20 + extract(hour FROM t) / 100, $4, 'Léa ' || l,
                   '{"a": [1, null]}', l, extract(epoch FROM t)::bigint, t, 0
            FROM generate_series(1, $3::int) l,
                 generate_series($1::timestamptz, $1::timestamptz + ($2::int || ' days')::interval - interval '1 h',
                                 interval '1 h') t
            ON CONFLICT (lion_id, event_time) DO UPDATE SET flags = excluded.flags
            """,
            datetime.combine(first, datetime.min.time(), UTC), days, lions, flags,
        )  # fmt: skip
        await connection.execute(
            """
            INSERT INTO gold.lion_windows
            SELECT lion_id, event_time, 1, 1, 1, lat, lng, event_time, lat, lng, event_time, lat, lng,
                   lat, lat, lng, lng
            FROM silver.positions WHERE flags = 0 ON CONFLICT DO NOTHING
            """
        )
        await connection.execute(
            """
            INSERT INTO gold.lions_metrics (lion_id, metric_date, weight_trend, tracking_frequency, status)
            SELECT lion_id, (event_time AT TIME ZONE 'UTC')::date, 'unknown', count(*), 'good'
            FROM silver.positions GROUP BY 1, 2 ON CONFLICT DO NOTHING
            """
        )
        for layer, table in (("silver", "positions"), ("gold", "lion_windows"), ("gold", "lions_metrics")):
            await mark(connection, layer, table, marked)


async def add_the_rest(connection: asyncpg.Connection) -> None:
    """A row or two in every other table of silver and gold."""
    t, day = datetime(2025, 3, 1, 23, 59, 59, 999999, UTC), date(2025, 3, 1)
    undated = date(1, 1, 1)
    statements: list[tuple[str, str, date, str]] = [
        ("silver", "weight_history", day,
         "INSERT INTO silver.weight_history (weight_id, lion_id, weight, measured_at, original_weight, original_unit,"
         " topic, partition, \"offset\", append_time, content_hash)"
         " VALUES ('w1', 'lion-1', 180.5, $1, 180500, 'g', 't', 0, 0, $1, 0)"),
        ("silver", "user_activities", day,
         "INSERT INTO silver.user_activities (user_id, activity_type, event_time, roles, topic, partition, \"offset\","
         " append_time, content_hash) VALUES ('u1', 'login', $1, '{admin,ranger}', 't', 0, 0, $1, 0)"),
        ("silver", "challenge_events", day,
         "INSERT INTO silver.challenge_events (challenge_id, updated_at, status, user_id, topic, partition, \"offset\","
         " append_time, content_hash) VALUES ('c1', $1, 'completed', 'u1', 't', 0, 0, $1, 0)"),
        ("silver", "quality_checks", day,
         "INSERT INTO metadata.data_quality_checks"
         " VALUES ('lions', 'nulls', $1, 10, 9, 1, 90, '{}', 't', 0, 0, $1, 0)"),
        ("silver", "lions", undated, "INSERT INTO silver.lions (lion_id, updated_at) VALUES ('lion-1', $1)"),
        ("silver", "users", undated,
         "INSERT INTO silver.users (user_id, username, roles, updated_at) VALUES ('u1', 'Zoë', '{admin}', $1)"),
        ("silver", "challenges", undated,
         "INSERT INTO silver.challenges VALUES ('c1', 'u1', NULL, NULL, 'completed', $1, $1)"),
        ("gold", "users_activity", day,
         "INSERT INTO gold.users_activity (user_id, activity_date, challenges_completed, challenges_in_progress,"
         " challenges_total, activity_events, weight_entries, engagement_score)"
         " VALUES ('u1', ($1::timestamptz AT TIME ZONE 'UTC')::date, 1, 0, 1, 0, 2, 26)"),
        ("gold", "user_windows", day,
         "INSERT INTO gold.user_windows VALUES ('u1', $1::timestamptz - interval '299.999999 s', 1, '{\"login\": 1}')"),
        ("gold", "quality_daily", day,
         "INSERT INTO gold.quality_daily VALUES ('lions', ($1::timestamptz AT TIME ZONE 'UTC')::date, 1, 90, 90, $1)"),
    ]  # fmt: skip
    for layer, table, when, statement in statements:
        await connection.execute(statement, t)
        await mark(connection, layer, table, [when])


def bronze_rows(topic: str, partition: int, first: int, count: int, append: datetime) -> list[dict[str, Any]]:
    """Records a second apart; every seventh was rejected (typed columns null)."""
    rows = []
    for n in range(count):
        at = append + timedelta(seconds=n)
        row: dict[str, Any] = {
            "topic": topic, "partition": partition, "offset": first + n, "append_time": at, "key": b"k%d" % (n % 3),
            "headers": "[]", "raw": b"\xff\x00 raw %d" % n, "source_system": "kafka", "partition_date": at.date(),
            "metadata": None, "ingestion_timestamp": append,
        }  # fmt: skip
        for field in BRONZE[topic].schema:
            if field.name not in row:
                sample = {"string": f"{field.name}-{n}", "double": n / 3}.get(str(field.type), at)
                row[field.name] = None if n % 7 == 3 else sample
        rows.append(row)
    return rows


async def add_bronze(
    connection: asyncpg.Connection, topic: str, partition: int, first: int, count: int, append: datetime
) -> BronzeRows:
    """Commit a batch as the sink does; what the sink would offer to the lake."""
    rows = bronze_rows(topic, partition, first, count, append)
    columns = [field.name for field in BRONZE[topic].schema]
    relation = BRONZE[topic].relation
    async with connection.transaction():
        for day in sorted({row["partition_date"] for row in rows}):
            await connection.execute("SELECT metadata.ensure_bronze_day($1, $2)", relation, day)
        await connection.copy_records_to_table(
            relation, schema_name="bronze", columns=columns, records=[[row[c] for c in columns] for row in rows]
        )
        await connection.execute(
            "INSERT INTO metadata.consumed_offsets (topic, partition, next_offset) VALUES ($1, $2, $3)"
            " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset",
            topic, partition, first + count,
        )  # fmt: skip
    return BronzeRows(topic, partition, first, first + count, {c: [row[c] for row in rows] for c in columns})
