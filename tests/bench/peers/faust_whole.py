"""Stock Faust: every event, every fix once and the windows to PostgreSQL by asyncpg, the events to Parquet.

Event by event, a transaction each, with its windows in a table; or, with ``take``, a thousand events at a time, with
the windows added up in PostgreSQL. It ends after so many events, at once, with the last file closed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import faust
import pyarrow as pa
import pyarrow.parquet as pq
from faust_windows import create_app, end, run
from task import AHEAD, WINDOW, Task, Watch

TAKEN = 1_000
FILE_ROWS = 10_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVENT = ("partition", "offset", "append_time", "raw", "lion_id", "name", "lat", "lng", "event_time", "source")
INSERT_EVENT = f"""
INSERT INTO peers.events ({", ".join(f'"{column}"' for column in EVENT)})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
INSERT_FIX = """
INSERT INTO peers.positions VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING
"""
SET_WINDOW = """
INSERT INTO peers.windows VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (lion_id, window_start) DO UPDATE SET
    fixes = excluded.fixes, sum_lat = excluded.sum_lat, sum_lng = excluded.sum_lng, last_time = excluded.last_time,
    last_lat = excluded.last_lat, last_lng = excluded.last_lng
"""
ADD_WINDOW = """
INSERT INTO peers.windows AS w VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (lion_id, window_start) DO UPDATE SET
    fixes = w.fixes + excluded.fixes, sum_lat = w.sum_lat + excluded.sum_lat, sum_lng = w.sum_lng + excluded.sum_lng,
    last_time = greatest(w.last_time, excluded.last_time),
    last_lat = CASE WHEN excluded.last_time >= w.last_time THEN excluded.last_lat ELSE w.last_lat END,
    last_lng = CASE WHEN excluded.last_time >= w.last_time THEN excluded.last_lng ELSE w.last_lng END
"""


class Fix(faust.Record, serializer="json"):
    """A position event."""

    lion_id: str
    timestamp: str
    position: dict
    name: str | None = None
    source: str | None = None
    confidence: float | None = None
    accuracy: float | None = None
    altitude: float | None = None
    dop: float | None = None
    temperature: float | None = None
    visible: bool | None = None
    event_id: str | None = None


class Files:
    """Parquet files of so many events, written in a thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder, self._rows, self._files = folder, list[tuple[Any, ...]](), 0

    async def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._rows += rows
        if len(self._rows) >= FILE_ROWS:
            await self.flush()

    async def flush(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            self._files += 1
            await asyncio.to_thread(self._write, rows, self._folder / f"{self._files}.parquet")

    def _write(self, rows: Sequence[tuple[Any, ...]], file: Path) -> None:
        table = pa.table(dict(zip(EVENT, (list(column) for column in zip(*rows, strict=True)), strict=True)))
        pq.write_table(table, file, compression="zstd")


def rows_of(event: faust.EventT) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Rows of ``peers.events`` and ``peers.positions``."""
    fix, message = event.value, event.message
    at, lat, lng = datetime.fromisoformat(fix.timestamp), fix.position["lat"], fix.position["lng"]
    appended = EPOCH + timedelta(seconds=message.timestamp)
    return (
        (
            message.partition, message.offset, appended, message.value, fix.lion_id, fix.name, lat, lng, at, fix.source,
        ),
        (
            fix.lion_id, at, lat, lng, fix.name, fix.source, fix.confidence, fix.accuracy, fix.altitude, fix.dop,
            fix.temperature, fix.visible, fix.event_id,
        ),
    )  # fmt: skip


def with_fix(window: Sequence[Any] | None, at: datetime, lat: float, lng: float) -> list[Any]:
    """A window's count, sums and last fix, with another fix; its time is a text, as a table's value has to be."""
    fixes, sum_lat, sum_lng, *last = window or (0, 0.0, 0.0, "", 0.0, 0.0)
    if at.isoformat() >= last[0]:
        last = [at.isoformat(), lat, lng]
    return [fixes + 1, sum_lat + lat, sum_lng + lng, *last]


def window_row(lion_id: str, start: datetime, window: Sequence[Any]) -> tuple[Any, ...]:
    """A row of ``peers.windows``."""
    return (lion_id, start, *window[:3], datetime.fromisoformat(window[3]), *window[4:])


def start_of(at: datetime) -> datetime:
    """Of the window that a fix is in."""
    return EPOCH + (at - EPOCH) // WINDOW * WINDOW


def main() -> None:
    task, watch = Task.of_environment(), Watch()
    app = create_app(task)
    topic = app.topic(task.topic, value_type=Fix, internal=False)
    table: Any = app.Table("windows", default=list, partitions=task.partitions)
    windows = table.tumbling(WINDOW).relative_to_field(Fix.timestamp)
    files, latest = Files(Path(task.folder) / "lake"), datetime.now(UTC) + AHEAD

    def connect() -> Any:
        place = dict(task.postgres)
        return asyncpg.create_pool(database=place.pop("dbname"), min_size=1, max_size=2, **place)

    async def one_by_one(stream: faust.Stream[Fix]) -> None:
        seen, pool = 0, await connect()
        async for event in stream.events():
            watch.event()
            row, fix = rows_of(event)
            lion_id, at, lat, lng = fix[:4]
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute(INSERT_EVENT, *row)
                await connection.execute(INSERT_FIX, *fix)
                if at <= latest:
                    window = with_fix(windows[lion_id].value(), at, lat, lng)
                    windows[lion_id] = window
                    await connection.execute(SET_WINDOW, *window_row(lion_id, start_of(at), window))
            await files.add([row])
            seen += 1
            if seen == task.events:
                await files.flush()
                end(seen, watch.seconds, "asyncpg", "pyarrow")

    async def taken(stream: faust.Stream[Fix]) -> None:
        seen, pool = 0, await connect()
        async for events in stream.take_events(TAKEN, within=1):
            watch.event()
            rows, fixes = zip(*(rows_of(event) for event in events), strict=True)
            found: dict[tuple[str, datetime], Any] = defaultdict(lambda: None)
            for lion_id, at, lat, lng, *_ in fixes:
                if at <= latest:
                    place = (lion_id, start_of(at))
                    found[place] = with_fix(found[place], at, lat, lng)
            async with pool.acquire() as connection, connection.transaction():
                await connection.copy_records_to_table("events", schema_name="peers", columns=EVENT, records=rows)
                await connection.executemany(INSERT_FIX, fixes)
                await connection.executemany(ADD_WINDOW, [window_row(*place, each) for place, each in found.items()])
            await files.add(rows)
            seen += len(events)
            if seen >= task.events:
                await files.flush()
                end(seen, watch.seconds, "asyncpg", "pyarrow")

    app.agent(topic)(taken if task.take else one_by_one)
    run(app)


if __name__ == "__main__":
    main()
