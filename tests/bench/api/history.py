"""A warehouse with a past: fixes that PostgreSQL makes where they belong, instead of a stream that brings them.

Ten million fixes through Kafka take a quarter of an hour. These are rows of the same shape, in the same day
partitions, which the worker makes by the same function; days and lions are those that the stream's fixes follow.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg

from liontrack_stream.settings import Settings
from tests.bench.running import ContenderFailed

FIXES_PER_DAY = 48  # as the simulator's lions
_DAYS_AT_ONCE = 10

_POSITIONS = """
INSERT INTO silver.positions (lion_id, event_time, lat, lng, flags, step_mm, name, source, accuracy, visible, partition,
                              "offset", append_time, content_hash)
SELECT lion_id, t, -24 + sin(n + extract(epoch FROM t) / 4e5) / 2, 21 + cos(n + extract(epoch FROM t) / 4e5) / 2, 0,
       250000, 'Sim Lion ' || n, 'history', 5, true, n %% 4, 0, t,
       hashtextextended(lion_id, extract(epoch FROM t)::bigint)
FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS lions (lion_id, n),
     generate_series(%(first)s::timestamptz, %(end)s::timestamptz - interval '1 second',
                     interval '1 day' / %(per_day)s) AS t
"""
_METRICS = """
INSERT INTO gold.lions_metrics (lion_id, metric_date, weight_trend, health_score, tracking_frequency, distance_m,
                                max_speed_kmh, last_fix_time, stationary, status)
SELECT lion_id, (min(event_time) AT TIME ZONE 'UTC')::date, 'stable', 90, count(*), sum(step_mm) / 1e3, 0.5,
       max(event_time), false, 'active'
FROM silver.positions WHERE event_time >= %(first)s AND event_time < %(end)s
GROUP BY lion_id, (event_time AT TIME ZONE 'UTC')::date
"""
_LIONS = """
INSERT INTO silver.lions (lion_id, name, name_time, status, position_lat, position_lng, last_update, data_quality_score,
                          fixes, accepted_fixes, first_fix_time, last_fix_time, updated_at)
SELECT p.lion_id, p.name, p.event_time, 'active', p.lat, p.lng, p.event_time, 100, %(fixes)s, %(fixes)s,
       %(start)s, p.event_time, p.event_time
FROM silver.positions p WHERE p.event_time = %(last)s
"""
_COUNTS = """
SELECT (SELECT count(*) FROM silver.positions), (SELECT coalesce(sum(tracking_frequency), 0) FROM gold.lions_metrics),
       (SELECT count(*) FROM silver.lions)
"""


def fill(settings: Settings, lions: list[str], fixes: int, end: date, say: Callable[[str], None]) -> int:
    """Make fixes of these lions, up to the day before ``end``; how many there are, which is ``fixes`` or a little more.

    Raises
    ------
    ContenderFailed
        When the warehouse then holds anything else.
    """
    days = -(-fixes // (FIXES_PER_DAY * len(lions)))
    start = end - timedelta(days=days)
    dsn = dict(settings.pg_dsn)
    with psycopg.connect(dbname=dsn.pop("database"), autocommit=True, **dsn) as connection:
        connection.execute("SET timezone = 'UTC'")
        for offset in range(0, days, _DAYS_AT_ONCE):
            some = [start + timedelta(days=day) for day in range(offset, min(offset + _DAYS_AT_ONCE, days))]
            _fill_days(connection, lions, some)
            if offset % (5 * _DAYS_AT_ONCE) == 0:
                say(f"{len(lions) * FIXES_PER_DAY * (offset + len(some)):,} fixes made")
        last = f"{end - timedelta(days=1)} 23:30:00+00"
        values: dict[str, Any] = {"fixes": days * FIXES_PER_DAY, "start": start, "last": last}
        connection.execute(_LIONS, values)
        connection.execute("VACUUM (ANALYZE) silver.positions, gold.lions_metrics, silver.lions")
        found = connection.execute(_COUNTS).fetchone()
    made = days * FIXES_PER_DAY * len(lions)
    if found != (made, made, len(lions)):
        raise ContenderFailed(f"The warehouse holds {found} instead of {made:,} fixes, twice, of {len(lions):,} lions.")
    return made


def _fill_days(connection: psycopg.Connection[Any], lions: list[str], days: list[date]) -> None:
    connection.execute("SELECT metadata.ensure_days('silver.positions', %s)", (days,))
    values = {"ids": lions, "first": days[0], "end": days[-1] + timedelta(days=1), "per_day": FIXES_PER_DAY}
    connection.execute(_POSITIONS, values)
    connection.execute(_METRICS, values)
