"""Partitions of days and weeks: made once, by whoever comes first, while others write; the default gives up its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg
import numpy as np
import pytest

from liontrack_stream.core.geo import DAY_US
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.day_partitions import DayPartitions, periods
from liontrack_stream.warehouse.queries import query
from tests.support.oracle import POSITIONS, WEIGHTS, compute
from tests.support.records import APPENDED_MS, fix
from tests.support.replaying import Replay
from tests.support.strategies import Step

_ENSURE = "SELECT metadata.ensure_days($1, $2::date[])"
_WHERE = "SELECT tableoid::regclass::text AS name, event_time FROM silver.positions ORDER BY event_time"
_WAITS = "SELECT true FROM pg_locks WHERE NOT granted AND pid = $1"
_COPY_TO_A_DAY = """
INSERT INTO silver.positions SELECT (jsonb_populate_record(s, '{"event_time": "2025-06-22T10:00:00Z"}')).*
FROM silver.positions s
"""
_A_DAY = """
CREATE TABLE silver.positions_20250304 PARTITION OF silver.positions FOR VALUES FROM ('2025-03-04Z') TO ('2025-03-05Z')
"""
DAY = date(2025, 3, 1)


async def connect(settings: Settings) -> asyncpg.Connection:
    return await asyncpg.connect(**settings.pg_dsn)


def batch(*records: Any) -> Step:
    return Step(POSITIONS, 0, records)


def at_offset(offset: int, append_ms: int = APPENDED_MS) -> dict[str, int]:
    return {"offset": offset, "timestamp": append_ms + offset}


async def partitions(connection: asyncpg.Connection, table: str = "silver.positions") -> list[str]:
    rows = await connection.fetch(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::text::regclass", table
    )
    return sorted(row[0] for row in rows)


@pytest.mark.parametrize("table", ["bronze.lions_raw", "silver.positions", "gold.lion_windows", "gold.user_windows"])
async def test_many_callers_at_once(settings: Settings, table: str) -> None:
    connections = [await connect(settings) for _ in range(8)]
    try:
        for round_ in range(6):
            days = [DAY + timedelta(days=4 * round_ + n) for n in range(4)]
            made = await asyncio.gather(*(each.fetchval(_ENSURE, table, days) for each in connections))
            assert made == [True] * 8
        dated = [name for name in await partitions(connections[0], table) if name[-8:].isdigit()]
        assert len(dated) == (24 if table.startswith("bronze") else 5)
    finally:
        for each in connections:
            await each.close()


async def test_unknown_tables_are_refused(settings: Settings) -> None:
    connection = await connect(settings)
    with pytest.raises(asyncpg.RaiseError, match="has no day partitions"):
        await connection.fetchval(_ENSURE, "silver.lions", [DAY])
    await connection.close()


async def test_a_writer_of_another_day_is_not_waited_for(settings: Settings, replay: Replay) -> None:
    await replay.deliver([batch(fix("a", "2025-03-01T00:00:00", where=at_offset(0)))])
    writer, maker = await connect(settings), await connect(settings)
    async with writer.transaction():
        await writer.execute("UPDATE silver.positions SET name = 'Léa' WHERE event_time = '2025-03-01Z'")
        assert await maker.fetchval(_ENSURE, "silver.positions", [date(2025, 3, 9)])
    async with writer.transaction():
        await writer.execute("LOCK TABLE silver.positions_default IN ACCESS SHARE MODE")  # e.g. a long query
        assert not await maker.fetchval(_ENSURE, "silver.positions", [date(2025, 3, 10)])
    assert await maker.fetchval(_ENSURE, "silver.positions", [date(2025, 3, 10)])
    await writer.close()
    await maker.close()


async def test_rows_never_move_under_who_uses_the_table(settings: Settings, replay: Replay) -> None:
    """Its transaction may not see the partition that they move to. What needs no row to move, waits for nobody."""
    times = "2025-03-01T00:00:00", "2025-06-22T10:00:00"
    await replay.deliver([batch(*(fix("a", time, where=at_offset(n)) for n, time in enumerate(times)))])
    reader, maker = await connect(settings), await connect(settings)
    of_a_day = "SELECT count(*) FROM silver.positions WHERE event_time BETWEEN $1 AND $2"
    with_its_row, without = date(2025, 6, 22), date(2025, 6, 13)

    async def count(day: date) -> int:
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return int(await reader.fetchval(of_a_day, start, start + timedelta(hours=23)))

    async with reader.transaction():
        assert await count(DAY) == 1  # the default partition is neither read nor locked by this
        assert await maker.fetchval(_ENSURE, "silver.positions", [without])
        assert not await maker.fetchval(_ENSURE, "silver.positions", [with_its_row])
        assert await count(with_its_row) == 1
    assert await maker.fetchval(_ENSURE, "silver.positions", [with_its_row])
    assert await count(with_its_row) == 1
    assert "silver.positions_w20250616" in await partitions(reader)
    await reader.close()
    await maker.close()


async def test_rows_that_appear_while_a_maker_waits_are_moved_later(settings: Settings, replay: Replay) -> None:
    """It has looked, and found none to move, before the writer committed its own."""
    await replay.deliver([batch(fix("a", "2025-03-01T00:00:00", where=at_offset(0)))])
    writer, maker, watch = await connect(settings), await connect(settings), await connect(settings)
    day = date(2025, 6, 22)
    async with writer.transaction():
        await writer.execute(_COPY_TO_A_DAY)
        making = asyncio.create_task(maker.fetchval(_ENSURE, "silver.positions", [day]))
        while not await watch.fetchval(_WAITS, maker.get_server_pid()):
            assert not making.done()
    assert not await making
    assert await maker.fetchval(_ENSURE, "silver.positions", [day])
    held = Counter(row["name"] for row in await watch.fetch(_WHERE))
    assert held == {"silver.positions_w20250224": 1, "silver.positions_w20250616": 1}
    for each in (writer, maker, watch):
        await each.close()


async def test_stamps_that_no_honest_fix_has_make_no_partition(settings: Settings, replay: Replay) -> None:
    """One of 1985, one of 2190 and one of next week; when that week has come, its partition takes the row in."""
    week_later = APPENDED_MS + 7 * 86_400_000
    records = [
        fix("a", "1985-03-01T00:00:00", where=at_offset(0)),
        fix("a", "2190-03-01T00:00:00", where=at_offset(1)),
        fix("a", "2025-06-22T10:00:00", where=at_offset(2)),
        fix("a", "2025-06-15T10:00:00", where=at_offset(3)),
    ]
    await replay.deliver([batch(*records)])
    connection = await connect(settings)
    held = Counter(row["name"] for row in await connection.fetch(_WHERE))
    assert held == {"silver.positions_before_2000": 1, "silver.positions_w20250609": 1, "silver.positions_default": 2}
    assert await partitions(connection) == sorted(held)

    later = fix("a", "2025-06-22T11:00:00", where=at_offset(4, week_later))
    await replay.deliver([batch(later)])
    held = Counter(row["name"] for row in await connection.fetch(_WHERE))
    assert (held["silver.positions_w20250616"], held["silver.positions_default"]) == (2, 1)
    assert await replay.differences([*records, later]) == []
    await connection.close()


async def test_a_stream_that_moves_on_has_its_weeks_made_ahead(settings: Settings, replay: Replay) -> None:
    """Up to the append day's only; a late fix makes no more than its own."""
    first = [fix("a", f"2025-06-0{day}T10:00:00", where=at_offset(day - 1)) for day in (1, 2)]
    late = fix("a", "2024-01-07T10:00:00", where=at_offset(2))
    last = [fix("a", f"2025-06-{day}T10:00:00", where=at_offset(day)) for day in (14, 15)]
    await replay.deliver([batch(*first), batch(late)])
    connection = await connect(settings)

    async def weeks() -> list[str]:
        return [name[-9:] for name in await partitions(connection) if name[-8:].isdigit()]

    made = ["w20240101", "w20250526", "w20250602", "w20250609"]
    assert await weeks() == made
    await replay.deliver([batch(*last)])
    assert await weeks() == made
    await connection.close()


async def test_a_week_that_has_days_goes_on_by_day(settings: Settings) -> None:
    """They are from before there were weeks, and a week's partition cannot overlap them."""
    connection = await connect(settings)
    await connection.execute(_A_DAY)
    assert await connection.fetchval(_ENSURE, "silver.positions", [date(2025, 3, n) for n in (3, 4, 5, 12)])
    dated = [name for name in await partitions(connection) if name[-8:].isdigit()]
    assert [name.removeprefix("silver.positions_") for name in dated] == [
        *("20250303", "20250304", "20250305"),
        "w20250310",
    ]
    await connection.close()


async def test_the_first_week_begins_where_one_partition_for_all_ends(settings: Settings) -> None:
    connection = await connect(settings)
    assert await connection.fetchval(
        _ENSURE, "silver.positions", [date(1999, 12, 31), date(2000, 1, 2), date(2000, 1, 3)]
    )
    dated = [name for name in await partitions(connection) if name[-8:].isdigit()]
    assert dated == ["silver.positions_w20000101", "silver.positions_w20000103"]
    await connection.close()


async def test_a_dropped_day_comes_back_when_a_record_of_it_does(settings: Settings, replay: Replay) -> None:
    """The worker's process remembers which partitions it made; retention drops one behind its back."""
    records = [fix("a", f"2025-06-15T1{n}:00:00", where=at_offset(n)) for n in range(2)]
    connection = await connect(settings)

    async def drop(step: Step) -> None:
        if step.records[0] is records[0]:
            for expected, dropped in ((7, False), (1, True)):
                arguments = "lions_raw", date(2025, 6, 15), expected
                assert await connection.fetchval(query("retain/drop_day"), *arguments) is dropped

    await replay.deliver([batch(record) for record in records], drop)
    assert await connection.fetchval("SELECT count(*) FROM bronze.lions_raw") == 1
    assert await connection.fetchval("SELECT row_count FROM metadata.dropped_partitions") == 1
    assert len((await replay.rows())["silver.positions"]) == len(compute(records)["silver.positions"]) == 2
    await connection.close()


def test_periods_are_cut_where_a_week_lies_between() -> None:
    days = [100, 3, 101, 1, 9, 120]
    assert [[days[n] for n in places] for places in periods(np.array(days) * DAY_US)] == [[1, 3, 9], [100, 101], [120]]
    assert periods([]) == []


async def test_a_batch_waits_for_the_days_that_another_one_makes() -> None:
    """Else it gives up after a second, as PostgreSQL tells it to, and its rows go where they have to be moved from."""

    class Pool:
        made: set[int] = set()
        busy = False

        async def fetchval(self, sql: str, table: str, days: list[int]) -> bool:
            if self.busy:
                return False
            self.busy = True
            await asyncio.sleep(0.01)
            self.busy = False
            self.made.update(days)
            return True

    pool: Any = Pool()
    partitions = DayPartitions()
    works: list[Any] = [
        SimpleNamespace(append_us=np.array([day * DAY_US]), topic=SimpleNamespace(name=WEIGHTS)) for day in (1, 2, 3)
    ]
    await asyncio.gather(*(partitions.ensure(pool, "bronze.weights_raw", work) for work in works))
    assert pool.made == {1, 2, 3}
