"""A warehouse of some size, and what a statement touches of it: the nodes of its plan, the partitions that it locks."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg

DAYS, LIONS, USERS = 90, 40, 40
FIRST_DAY = "2025-01-01"
SILENT, SILENCE = "lion-39", (20, 70)
_FILL = f"""
SELECT metadata.ensure_days(t, ARRAY(SELECT '{FIRST_DAY}'::date + n FROM generate_series(0, {DAYS - 1}) n))
FROM unnest(ARRAY['silver.positions', 'gold.lion_windows', 'gold.user_windows', 'bronze.lions_raw']) t;

INSERT INTO silver.positions (lion_id, event_time, lat, lng, flags, name, partition, "offset", append_time,
                              content_hash)
SELECT 'lion-' || lpad(l::text, 2, '0'), t, -24 + l / 100.0, 20 + l / 100.0, 0, 'Lion ' || l, l % 4, 0, t, 0
FROM generate_series(1, {LIONS}) l,
     generate_series('{FIRST_DAY}Z'::timestamptz,
                     '{FIRST_DAY}Z'::timestamptz + interval '{DAYS} days' - interval '30 min', interval '30 min') t;

-- One lion is silent for 50 days.
DELETE FROM silver.positions WHERE lion_id = '{SILENT}'
   AND event_time >= '{FIRST_DAY}Z'::timestamptz + interval '{SILENCE[0]} days'
   AND event_time < '{FIRST_DAY}Z'::timestamptz + interval '{SILENCE[1]} days';

INSERT INTO gold.lion_windows
SELECT lion_id, event_time, 1, 1, 1, lat, lng, event_time, lat, lng, event_time, lat, lng, lat, lat, lng, lng
FROM silver.positions;

INSERT INTO silver.lions (lion_id, name, status, fixes, accepted_fixes, position_lat, position_lng, last_update,
                          updated_at, first_fix_time, last_fix_time)
SELECT lion_id, min(name), 'active', count(*), count(*), max(lat), max(lng), max(event_time), max(event_time),
       min(event_time), max(event_time)
FROM silver.positions GROUP BY lion_id;

INSERT INTO gold.lions_metrics (lion_id, metric_date, weight_trend, tracking_frequency, last_fix_time, status)
SELECT lion_id, (event_time AT TIME ZONE 'UTC')::date, 'stable', count(*), max(event_time), 'good'
FROM silver.positions GROUP BY 1, 2;

INSERT INTO silver.weight_history (weight_id, lion_id, user_id, weight, measured_at, original_weight, original_unit,
                                   topic, partition, "offset", append_time, content_hash)
SELECT 'w-' || lion_id || '-' || metric_date, lion_id, 'user-' || right(lion_id, 2), 180, metric_date + time '12:00',
       180, 'kg', 't', 0, 0, metric_date + time '13:00', 0
FROM gold.lions_metrics;

INSERT INTO silver.users (user_id, username)
SELECT 'user-' || lpad(u::text, 2, '0'), 'u' FROM generate_series(1, {USERS}) u;

INSERT INTO silver.user_activities (user_id, activity_type, event_time, topic, partition, "offset", append_time,
                                    content_hash)
SELECT user_id, 'login', t, 't', 0, 0, t, 0
FROM silver.users, generate_series('{FIRST_DAY}Z'::timestamptz, '{FIRST_DAY}Z'::timestamptz + interval '{DAYS} days'
                                   - interval '1 h', interval '1 h') t;

INSERT INTO gold.user_windows SELECT user_id, event_time, 1, '{{"login": 1}}' FROM silver.user_activities;

INSERT INTO gold.users_activity (user_id, activity_date, challenges_completed, challenges_in_progress, challenges_total,
                                 activity_events, weight_entries, engagement_score)
SELECT user_id, '{FIRST_DAY}'::date + n, 0, 1, 1, 24, 1, 0 FROM silver.users, generate_series(0, {DAYS - 1}) n;

INSERT INTO silver.challenge_events (challenge_id, updated_at, status, user_id, topic, partition, "offset", append_time,
                                     content_hash)
SELECT 'c-' || user_id || '-' || n / 30, '{FIRST_DAY}'::date + n, 'pending', user_id, 't', 0, 0,
       '{FIRST_DAY}'::date + n, 0
FROM silver.users, generate_series(0, {DAYS - 1}) n;

INSERT INTO silver.challenges (challenge_id, user_id, status, created_at, updated_at)
SELECT challenge_id, user_id, 'pending', min(updated_at), max(updated_at) FROM silver.challenge_events GROUP BY 1, 2;

INSERT INTO metadata.revisions (table_name, entity_id, period_start, kind, changes, cause, topic, partition, offsets,
    record_count)
SELECT 'gold.lion_windows', 'lion-' || n % 40, '{FIRST_DAY}', 'changed', '{{}}', 'late', 'lions.position.events',
       n % 4, ARRAY[n * 2], 1
FROM generate_series(1, 40000) n;
INSERT INTO bronze.lions_raw (topic, partition, "offset", append_time, source_system, partition_date)
SELECT 't', p, d * 1000 + n, '{FIRST_DAY}'::date + d, 'kafka', '{FIRST_DAY}'::date + d
FROM generate_series(0, 3) p, generate_series(0, {DAYS - 1}) d, generate_series(0, 499) n;

ANALYZE;
"""
_LOCKED = """
SELECT p.oid::regclass::text FROM pg_locks l
JOIN pg_inherits i ON i.inhrelid = l.relation
JOIN pg_class p ON p.oid = i.inhparent AND p.relkind = 'p'
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'
"""
LARGE = (
    "positions", "lion_windows", "user_windows", "lions_raw", "weight_history", "user_activities", "lions_metrics",
    "users_activity", "challenge_events", "challenges", "revisions",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Touched:
    """What one statement does: large tables that it reads from end to end, and how many partitions it locks of each."""

    scanned_whole: set[str]
    partitions: Counter[str]


async def fill(connection: asyncpg.Connection) -> None:
    """Rows for 90 days; takes some seconds."""
    await connection.execute(_FILL)


async def touched_by(connection: asyncpg.Connection, sql: str, *arguments: Any) -> Touched:
    """Plan a statement with its arguments, then run it in a transaction that is taken back."""
    [[plan]] = await connection.fetch(f"EXPLAIN (FORMAT JSON) {sql}", *arguments)
    nodes = list(_nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))
    whole = {
        table
        for node in nodes
        if node["Node Type"] == "Seq Scan" and not node.get("One-Time Filter")
        for table in LARGE
        if re.fullmatch(rf"{table}(_w?20\d+)?", node["Relation Name"])
    }
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.fetch(sql, *arguments)
        locked = Counter(name for (name,) in await connection.fetch(_LOCKED))
    finally:
        await transaction.rollback()
    return Touched(whole, locked)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)
