"""The stock contender: a Faust agent as its documentation has it, counting each lion's fixes per 5 minutes.

One event at a time, a `faust.Record` without coercion (the cheapest), a tumbling window by event time in a RocksDB
table with its changelog, and no setting changed that makes it slower. It keeps a count where our worker keeps bronze,
silver, windows, lion-days and Parquet. Run as ``python -m tests.bench.stock_faust EVENTS worker``; it prints one line
of JSON, from the first event to the last one of the sample, and ends at once: stopping is not measured.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta
from typing import Any

import faust

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.settings import Settings, load_settings


class Fix(faust.Record, serializer="json"):
    """What the window needs of a position event; unknown fields are ignored."""

    lion_id: str
    timestamp: str
    position: dict


def create_app(settings: Settings, events: int, name: str, datadir: str) -> faust.App:
    """An app of its own consumer group that ends after ``events``."""
    app = faust.App(
        name,
        broker=f"kafka://{settings.kafka_brokers}",
        store="rocksdb://",
        datadir=datadir,
        topic_partitions=settings.topic_partitions,
        web_enabled=False,
        autodiscover=False,
    )
    topic = app.topic(settings.topic(POSITIONS.name), value_type=Fix, internal=False)
    counts: Any = app.Table("fixes_per_window", default=int, partitions=settings.topic_partitions)
    windows = counts.tumbling(timedelta(minutes=5)).relative_to_field(Fix.timestamp)
    seen, first_at = 0, 0.0

    @app.agent(topic)
    async def count(fixes: faust.Stream[Fix]) -> None:
        nonlocal seen, first_at
        async for fix in fixes:
            windows[fix.lion_id] += 1
            seen += 1
            if seen == 1:
                first_at = time.perf_counter()
            elif seen == events:
                line = json.dumps({"events": seen, "seconds": time.perf_counter() - first_at})
                print(line, file=sys.__stdout__, flush=True)  # Faust turns sys.stdout into its log
                os._exit(0)

    return app


if __name__ == "__main__":
    sample, name, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    sys.argv = ["stock", "worker", "-l", "warn"]
    create_app(load_settings(), sample, name, folder).main()
