"""Bytewax: every event, every fix once and the windows to PostgreSQL, the events to Parquet.

It brings no sinks for these: they are custom ones, a transaction and a row group for each batch of the source.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bytewax.operators as op
import msgspec
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from bytewax.connectors.kafka import KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.run import cli_main
from bytewax_windows import EPOCH, PACKAGES, Point, Window, source, watch, windows_of
from task import WINDOW, Task, tell

FIX = (
    "lion_id", "timestamp", "name", "source", "confidence", "accuracy", "altitude", "dop", "temperature", "visible",
    "event_id",
)  # fmt: skip
SCHEMA = pa.schema(
    {
        "partition": pa.int32(), "offset": pa.int64(), "append_time": pa.timestamp("ms", "UTC"), "raw": pa.binary(),
        "lion_id": pa.string(), "name": pa.string(), "lat": pa.float64(), "lng": pa.float64(),
        "event_time": pa.timestamp("us", "UTC"), "source": pa.string(),
    }
)  # fmt: skip


class Fix(msgspec.Struct):
    """A position event, and its row of ``peers.events``."""

    lion_id: str
    position: Point
    timestamp: datetime
    name: str | None = None
    source: str | None = None
    confidence: float | None = None
    accuracy: float | None = None
    altitude: float | None = None
    dop: float | None = None
    temperature: float | None = None
    visible: bool | None = None
    event_id: str | None = None
    event: tuple[Any, ...] = ()


class Sink(StatelessSinkPartition[Any], DynamicSink[Any]):
    """One partition, in the only worker."""

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Sink:
        return self

    @abstractmethod
    def write_batch(self, items: list[Any]) -> None: ...


class Rows(Sink):
    """Events and fixes into their tables."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        connection.execute("CREATE TEMPORARY TABLE fresh (LIKE peers.positions) ON COMMIT DELETE ROWS")
        connection.commit()

    def write_batch(self, items: list[Fix]) -> None:
        fixes = [(fix.position.lat, fix.position.lng, *(getattr(fix, column) for column in FIX)) for fix in items]
        with self._connection.transaction():
            copy(self._connection, "peers.events", SCHEMA.names, [fix.event for fix in items])
            copy(self._connection, "fresh", ("lat", "lng", "lion_id", "event_time", *FIX[2:]), fixes)
            self._connection.execute("INSERT INTO peers.positions SELECT * FROM fresh ON CONFLICT DO NOTHING")


class Windows(Sink):
    """Closed windows into theirs; each closes once."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def write_batch(self, items: list[tuple[str, tuple[int, Window]]]) -> None:
        rows = (
            (
                lion_id, EPOCH + number * WINDOW, window.fixes, window.sum_lat, window.sum_lng, window.last.timestamp,
                window.last.position.lat, window.last.position.lng,
            )
            for lion_id, (number, window) in items
        )  # fmt: skip
        columns = ("lion_id", "window_start", "fixes", "sum_lat", "sum_lng", "last_time", "last_lat", "last_lng")
        with self._connection.transaction():
            copy(self._connection, "peers.windows", columns, rows)


class Files(Sink):
    """Events into a Parquet file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._file = pq.ParquetWriter(folder / "events.parquet", SCHEMA, compression="zstd")

    def write_batch(self, items: list[Fix]) -> None:
        columns = zip(*(fix.event for fix in items), strict=True)
        self._file.write_table(pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], SCHEMA))

    def close(self) -> None:
        self._file.close()


def copy(connection: psycopg.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Append rows."""
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as into:
        for row in rows:
            into.write_row(row)


def main() -> None:
    task = Task.of_environment()
    decode = msgspec.json.Decoder(Fix).decode
    events = 0

    def decoded(messages: list[KafkaSourceMessage]) -> list[Fix]:
        nonlocal events
        watch.event()
        events += len(messages)
        fixes = [decode(message.value) for message in messages]
        for fix, message in zip(fixes, messages, strict=True):
            fix.event = (
                message.partition, message.offset, datetime.fromtimestamp(message.timestamp[1] / 1000, UTC),
                message.value, fix.lion_id, fix.name, fix.position.lat, fix.position.lng, fix.timestamp, fix.source,
            )  # fmt: skip
        return fixes

    flow = Dataflow("whole")
    fixes = op.flat_map_batch("decode", source(flow, task, batch_size=10_000), decoded)
    with psycopg.connect(**task.postgres) as rows, psycopg.connect(**task.postgres) as windows:
        op.output("store-rows", fixes, Rows(rows))
        op.output("write-files", fixes, Files(Path(task.folder) / "lake"))
        op.output("store-windows", windows_of(fixes, task).down, Windows(windows))
        cli_main(flow)
    tell(events, watch.seconds, *PACKAGES, "psycopg", "pyarrow")


if __name__ == "__main__":
    main()
