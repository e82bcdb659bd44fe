"""Quix Streams: every event, every fix once and the windows to PostgreSQL, the events to Parquet, by its own sinks."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import orjson
from quix_windows import PACKAGES, Run
from quixstreams import message_context
from quixstreams.sinks.community.file.formats import ParquetFormat
from quixstreams.sinks.community.file.local import LocalFileSink
from quixstreams.sinks.community.postgresql import PostgreSQLSink
from task import Task, tell

EVENT = ("partition", "offset", "append_time", "raw", "lion_id", "name", "lat", "lng", "event_time", "source")
FIX = (
    "lion_id", "event_time", "lat", "lng", "name", "source", "confidence", "accuracy", "altitude", "dop", "temperature",
    "visible", "event_id",
)  # fmt: skip


def row(raw: bytes, key: Any, append_ms: int, headers: Any) -> dict[str, Any]:
    """An event with what Kafka says of it."""
    place, event = message_context(), orjson.loads(raw)
    return {
        **event,
        **event["position"],
        "partition": place.partition,
        "offset": place.offset,
        "append_time": datetime.fromtimestamp(append_ms / 1000, UTC),
        "raw": raw,
        "event_time": datetime.fromisoformat(event["timestamp"]),
    }


def row_of_window(window: dict[str, Any], key: bytes, timestamp_ms: int, headers: Any) -> dict[str, Any]:
    """A row of ``peers.windows``."""
    found = window["value"]
    return {
        **found,
        "lion_id": key.decode(),
        "window_start": datetime.fromtimestamp(window["start"] / 1000, UTC),
        "last_time": datetime.fromisoformat(found["last_time"]),
    }


def main() -> None:
    task = Task.of_environment()
    run = Run(task, value_deserializer="bytes", timestamp_extractor=None)

    def table(name: str, **options: Any) -> PostgreSQLSink:
        options |= {"schema_name": "peers", "schema_auto_update": False, "include_metadata": False}
        return PostgreSQLSink(table_name=name, **options, **task.postgres)

    rows = run.application.dataframe(run.topic).apply(row, metadata=True)
    rows = rows.set_timestamp(lambda event, *_: int(event["event_time"].timestamp() * 1000))
    events = rows.apply(lambda event: {column: event[column] for column in EVENT})
    events.sink(table("events"))
    os.chdir(task.folder)  # a path of the sink may hold no hyphen
    events.sink(LocalFileSink(directory="lake", format=ParquetFormat(compression="zstd")))
    fixes = rows.apply(lambda event: {column: event.get(column) for column in FIX})
    fixes.sink(table("positions", on_conflict_do_nothing=True))
    run.windows_of(rows).apply(row_of_window, metadata=True).sink(table("windows"))
    run.application.run()
    tell(run.events, run.watch.seconds, *PACKAGES, "psycopg2-binary", "pyarrow", late=run.late)


if __name__ == "__main__":
    main()
