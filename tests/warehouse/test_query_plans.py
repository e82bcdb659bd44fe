"""Every query of the API, and every statement that touches tables with dated partitions: by index, in few partitions.

A statement that visits a table's every partition costs more with each, and locks that many. New files in
``sql/views``, and others that name such a table, have to be entered here.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from liontrack_stream.core.geo import DAY_US
from liontrack_stream.lake.catalog import TABLES
from liontrack_stream.settings import Settings
from liontrack_stream.views.database import Database
from liontrack_stream.warehouse import export_tables
from liontrack_stream.warehouse.export_rows import Question, statement
from liontrack_stream.warehouse.pool import create_sink_pool
from liontrack_stream.warehouse.queries import SQL_ROOT, query
from tests.support.query_plans import DAYS, FIRST_DAY, LIONS, SILENCE, SILENT, fill, touched_by
from tests.support.stack import copied_database

DAY_ONE = datetime.fromisoformat(FIRST_DAY).replace(tzinfo=UTC)
NOW = DAY_ONE + timedelta(days=DAYS)
PAST = DAY_ONE + timedelta(days=DAYS // 2, hours=3)
ALL_LIFE = DAYS + 2  # of one lion that is deleted: it cannot be less
LION_IDS = [f"lion-{n:02d}" for n in range(1, LIONS + 1)]
USER_IDS = [f"user-{n:02d}" for n in range(1, 11)]
_STEP = ([0, 1, 2, 3], [45_000] * 4, [45_100] * 4)
VIEWS: dict[str, tuple[tuple[Any, ...], int]] = {  # arguments; how many partitions of a table may be touched
    "dashboard": ((NOW,), 0),
    "data_quality": ((NOW,), 0),
    "health_report": ((PAST,), 0),
    "leaderboard_lions": ((PAST, 10), 0),
    "leaderboard_users": ((PAST, 10), 0),
    "lion": (("lion-07", PAST, PAST), 2),
    "lions": ((PAST, NOW, None, 1001), 4),  # the day asked for and two before it, and that of a silent lion's last fix
    "metrics": ((), 0),
    "ping": ((), 0),
    "pipeline_dead_letters": ((PAST,), 0),
    "pipeline_lake": ((), 0),
    "pipeline_partitions": ((), 0),
    "pipeline_runs": ((), 0),
    "position_history": (("lion-07", PAST - timedelta(hours=24), PAST, 10_001), 2),
    # A step of the stream: what 4 partitions brought on one day; and on which day a partition is that nobody read yet.
    "stream_aged": ((PAST, PAST + timedelta(hours=1), [0, 1, 2, 3], [10**6] * 4, 2_000), 1),
    "stream_append_day": (([0, 1], [45_000, 45_000]), ALL_LIFE),
    "stream_days": ((*_STEP, NOW.date() - timedelta(days=1)), 1),
    "stream_fixes": ((*_STEP, NOW.date() - timedelta(days=1), PAST, PAST + timedelta(hours=1), 2_000), 1),
    "stream_offsets": ((["lions.position.events"],), 0),
    "stream_revisions": ((["lions.position.events"] * 4, *_STEP, 2_001), 0),
    "system_health": ((PAST,), 0),
    "track": (("lion-07", PAST - timedelta(hours=24), PAST, 10_001), 2),
    "trend_engagement": ((PAST,), 0),
    "trend_weight": ((PAST,), 0),
    "user_activity_summary": (("user-07", PAST), 0),
    "user_challenges": (("user-07", PAST, None, None, 1001), 0),
    "user_engagement": (("user-07", PAST), 0),
    "user_known": (("user-07",), 0),
    "weight_trend": (("lion-07", NOW, 30), 0),
}


def us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


MIDDLE_US = us(PAST)
FIRST_US, END_US = us(DAY_ONE), us(NOW)
_TIMES = [MIDDLE_US // DAY_US * DAY_US + n * 1_800_000_000 for n in range(LIONS)]
_SPAN = (_TIMES[0], _TIMES[-1])
_IDENTITIES = (LION_IDS, _TIMES)
_USER_WINDOWS = (USER_IDS, [MIDDLE_US // 3_600_000_000 * 3_600_000_000] * 10, *_SPAN)
_GONE = (["lion-07"], [None], [END_US], [0], [10**9])


def _around(floor: int, low: int, high: int, ceiling: int) -> tuple[Any, ...]:
    lists = [[time_us] * LIONS for time_us in (floor, low, high, ceiling)]
    return (LION_IDS, *lists, low, high, floor, low, high, ceiling)


STATEMENTS: dict[str, tuple[tuple[Any, ...], int]] = {
    "gold/lion_windows_delete": ((*_IDENTITIES, *_SPAN), 1),
    "gold/lion_windows_stored": ((*_IDENTITIES, *_SPAN), 1),
    "gold/lion_windows_take": ((*_IDENTITIES, *_SPAN), 1),
    "gold/user_windows_delete": (_USER_WINDOWS, 1),
    "gold/user_windows_stored": (_USER_WINDOWS, 1),
    "gold/user_windows_upsert": (_USER_WINDOWS[:2], 1),
    "silver/lion_last_known": ((LION_IDS, [_SPAN[0]] * LIONS, [_SPAN[1]] * LIONS, *_SPAN), 1),
    "silver/lions_deleted": ((["lion-07"],), ALL_LIFE),
    "silver/positions_context": (_around(_SPAN[0] - DAY_US, *_SPAN, _SPAN[1] + DAY_US), 4),
    "silver/positions_delete": ((*_IDENTITIES, *_SPAN), 1),
    "silver/positions_deleted": (_GONE, ALL_LIFE),
    "silver/positions_resettle": ((*_IDENTITIES, [0] * LIONS, [None] * LIONS, *_SPAN), 1),
    "state/positions": ((1,), 1),
    # The sink's statements on large tables without partitions.
    "gold/lion_days": ((LION_IDS[:9], [20_110] * 9, [20_140] * 9), 0),
    "gold/user_day_facts": ((USER_IDS[:1], [MIDDLE_US // DAY_US], ["weight_logged"]), 0),
    "gold/user_days": ((USER_IDS[:1], [END_US // DAY_US - 3]), 0),
    "silver/challenge_first_events": ((["c-user-01-1"],), 0),
    "silver/challenge_histories": ((USER_IDS[:1],), 0),
    "silver/challenges_upsert": ((["c-user-01-1"],), 0),
    "silver/users_upsert": ((USER_IDS[:1],), 0),
    "silver/weights_of_days": ((LION_IDS[:1], [MIDDLE_US // DAY_US]), 0),
}
EXPLAIN: dict[str, tuple[tuple[Any, ...], int]] = {  # of `liontrack explain` and its route
    "fix_neighbours": (("lion-07", PAST, 10), ALL_LIFE),
    "fixes": (("lion-07", PAST - timedelta(hours=24), PAST, 100), 2),
    "fixes_newest": (("lion-07", 100), ALL_LIFE),
    "row_gold_lion_windows": (("lion-07", PAST), 1),
    "row_gold_lions_positions_history": (("lion-07", PAST), 1),
    "row_gold_user_windows": (("user-07", PAST), 1),
    "row_silver_positions": (("lion-07", PAST), 1),
}
EXPORT = {
    "silver.lions": 3,
    "analytics.lions_current_status": 3,
}  # by gold.last_fix: two days of a lion's, and the default
MISPLACED = "deployments/misplaced"
_PARTITIONED = re.compile(r"\b(silver\.positions|gold\.(lion_windows|user_windows|lions_positions_history|last_\w+))\b")


@pytest.fixture(scope="module")
def large(stack_settings: Settings, template_database: str) -> Iterator[Settings]:
    """Settings of a database with 90 days of rows, for all tests of this module."""
    with copied_database(stack_settings, template_database) as name:
        yield stack_settings.model_copy(update={"pg_database": name})


@pytest_asyncio.fixture
async def connection(large: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection as its owner to the filled database."""
    opened = await asyncpg.connect(
        **large.pg_dsn, server_settings={"plan_cache_mode": "force_custom_plan", "jit": "off"}
    )
    if not await opened.fetchval("SELECT EXISTS (SELECT FROM silver.lions)"):
        await fill(opened)
    yield opened
    await opened.close()


async def assert_small(connection: asyncpg.Connection, name: str, arguments: tuple[Any, ...], partitions: int) -> None:
    touched = await touched_by(connection, query(name), *arguments)
    assert touched.scanned_whole == set(), name
    assert {table: count for table, count in touched.partitions.items() if count > partitions} == {}, name


@pytest.mark.parametrize("name", sorted(VIEWS))
async def test_queries_of_the_api(connection: asyncpg.Connection, name: str) -> None:
    arguments, partitions = VIEWS[name]
    await assert_small(connection, f"views/{name}", arguments, partitions)


@pytest.mark.parametrize("name", sorted(EXPLAIN))
async def test_queries_of_explain(connection: asyncpg.Connection, name: str) -> None:
    arguments, partitions = EXPLAIN[name]
    await assert_small(connection, f"explain/{name}", arguments, partitions)


@pytest.mark.parametrize("name", sorted(EXPORT))
async def test_queries_of_exports(connection: asyncpg.Connection, name: str) -> None:
    table = export_tables.TABLES[name]
    assert table.others is not None
    question = Question(table, table.others, seen_until=PAST, grid_deg=0.1)
    sql, arguments = statement(question, "columns", name)
    touched = await touched_by(connection, sql, *arguments)
    assert all(count <= EXPORT[name] for count in touched.partitions.values()), touched.partitions


async def test_an_export_names_the_partitions_of_its_period(connection: asyncpg.Connection) -> None:
    days = [PAST, PAST + timedelta(days=2)]  # Saturday and Monday
    found = [row["relation"] for row in await connection.fetch(query("export/partitions"), "silver.positions", *days)]
    assert found == [f"silver.positions_{part}" for part in ("before_2000", "w20250210", "w20250217", "default")]
    every = await connection.fetch(query("export/partitions"), "silver.positions", None, None)
    assert len(every) == await connection.fetchval(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'silver.positions'::regclass"
    )


async def test_a_lions_position_after_a_silence_is_found_in_few_partitions(connection: asyncpg.Connection) -> None:
    """
    ::

        last fix        weeks without        asked for            and newer fixes weeks later
        ───●─────────────────────────────────────┼──────────────────────●──●──●──
    """
    last_fix = DAY_ONE + timedelta(days=SILENCE[0], minutes=-30)
    [row] = await connection.fetch(query("views/lions"), PAST, PAST, "lion-38", 1)
    assert (row["lion_id"], row["updated_at"], row["position_lat"]) == (SILENT, last_fix, -24 + 39 / 100)
    [row, *_] = await connection.fetch(query("views/lion"), SILENT, PAST, PAST)
    assert (row["position_lat"], row["tracking_frequency"]) == (-24 + 39 / 100, 48)
    await assert_small(connection, "views/lion", (SILENT, PAST, PAST), 2)


@pytest.mark.parametrize("name", sorted(STATEMENTS))
async def test_statements_of_the_sink(large: Settings, connection: asyncpg.Connection, name: str) -> None:
    arguments, partitions = STATEMENTS[name]
    pool = await create_sink_pool(large, size=1)
    try:
        async with pool.acquire() as sink:
            await assert_small(sink, name, arguments, partitions)
    finally:
        await pool.close()


async def test_fixes_of_other_lions_are_looked_for_in_the_weeks_of_a_step(large: Settings) -> None:
    """No index is by collar: `liontrack import reference` reads the weeks of a step whole, and no other."""
    pool = await create_sink_pool(large, size=1)
    try:
        async with pool.acquire() as sink:
            arguments = (["tag-7"], MIDDLE_US // DAY_US * DAY_US, (MIDDLE_US // DAY_US + 2) * DAY_US)
            touched = await touched_by(sink, query(MISPLACED), *arguments)
            assert touched.partitions == {"silver.positions": 1}
            view = "SELECT * FROM silver.deployed_positions WHERE lion_id = $1 AND event_time >= $2 AND event_time < $3"
            touched = await touched_by(sink, view, "lion-07", *arguments[1:])
            assert (touched.scanned_whole, touched.partitions) == (set(), {"silver.positions": 1})
    finally:
        await pool.close()


async def test_the_lake_reads_the_partitions_of_the_days_it_writes(connection: asyncpg.Connection) -> None:
    days = [date(2025, 2, 1), date(2025, 2, 2)]
    for table in TABLES:
        sql = query(table.query_name).format(days=table.days_condition(days) if table.day_column else "true")
        touched = await touched_by(connection, sql)
        assert all(count <= len(days) for count in touched.partitions.values()), table.name


async def test_bronze_is_read_by_its_key(connection: asyncpg.Connection) -> None:
    for name in ("lake/bronze_lions_raw", "lake/awaits_export", "retain/rows_of_files"):
        ranges = {"partition": 1, "first_offset": 40_000, "next_offset": 40_100, "limit": 100, "table": "lions_raw"}
        arguments: dict[str, tuple[Any, ...]] = {
            "lake/awaits_export": ("lions.position.events", date(2025, 2, 10)),
            "retain/rows_of_files": (date(2025, 2, 10), [1], [40_000], [40_100]),
        }
        touched = await touched_by(connection, query(name).format(**ranges), *arguments.get(name, ()))
        assert touched.scanned_whole == set(), name


async def test_connections_plan_for_the_values_at_hand(large: Settings) -> None:
    """A plan for any values would touch every partition, and is what PostgreSQL takes from the sixth time on."""
    views, sink = Database(large), await create_sink_pool(large, size=1)
    await views.open()
    try:
        assert views._pool is not None
        for pool in (views._pool, sink):
            assert await pool.fetchval("SHOW plan_cache_mode") == "force_custom_plan"
    finally:
        await views.close()
        await sink.close()


def test_every_query_is_entered() -> None:
    assert {path.stem for path in (SQL_ROOT / "views").glob("*.sql")} == set(VIEWS)
    known = {MISPLACED, *STATEMENTS, *(f"views/{name}" for name in VIEWS), *(f"explain/{name}" for name in EXPLAIN)}
    known |= {f"export/{table.others}" for name, table in export_tables.TABLES.items() if name in EXPORT}
    named = {
        path.relative_to(SQL_ROOT).with_suffix("").as_posix()
        for path in SQL_ROOT.rglob("*.sql")
        if path.parent.name not in {"lake", "migrations"} and path.name != "schema.sql"
        if _PARTITIONED.search(_code(path.read_text()))
    }
    assert named <= known


def _code(sql: str) -> str:
    return re.sub(r"--.*", "", sql)
