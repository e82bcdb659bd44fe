"""Stock Faust: an agent as its documentation has it, counting each lion's fixes per 5 minutes.

One event at a time, a ``faust.Record`` without coercion (the cheapest), a tumbling window by event time in a RocksDB
table with its changelog, and no setting changed that makes it slower. It ends after so many events, at once: stopping
is not measured.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import faust
from task import WINDOW, Task, Watch, tell

LENGTH_S = WINDOW.total_seconds()
PACKAGES = ("faust-streaming", "aiokafka", "rocksdict")


class Fix(faust.Record, serializer="json"):
    """What the window needs of a position event; unknown fields are ignored."""

    lion_id: str
    timestamp: str
    position: dict


def create_app(task: Task) -> faust.App:
    """An app of its own consumer group."""
    return faust.App(
        f"faust-{Path(task.folder).name}",
        broker=f"kafka://{task.brokers}",
        store="rocksdb://",
        datadir=f"{task.folder}/faust",
        topic_partitions=task.partitions,
        web_enabled=False,
        autodiscover=False,
    )


def run(app: faust.App) -> None:
    """As ``faust -A … worker -l warn``."""
    sys.argv = ["stock", "worker", "-l", "warn"]
    app.main()


def end(events: int, seconds: float, *packages: str, **found: Any) -> None:
    """Tell, and be gone."""
    sys.stdout = sys.__stdout__  # Faust turned it into its log
    tell(events, seconds, *PACKAGES, *packages, **found)
    os._exit(0)


def main() -> None:
    task, watch = Task.of_environment(), Watch()
    app = create_app(task)
    topic = app.topic(task.topic, value_type=Fix, internal=False)
    counts: Any = app.Table("fixes_per_window", default=int, partitions=task.partitions)
    windows = counts.tumbling(WINDOW).relative_to_field(Fix.timestamp)
    seen: list[tuple[str, str]] = []

    @app.agent(topic)
    async def count(fixes: faust.Stream[Fix]) -> None:
        async for fix in fixes:
            watch.event()
            windows[fix.lion_id] += 1
            seen.append((fix.lion_id, fix.timestamp))
            if len(seen) == task.events:
                seconds, rows = watch.seconds, [fixes for _, fixes in counts.data.items()]
                wanted = {(lion_id, datetime.fromisoformat(at).timestamp() // LENGTH_S) for lion_id, at in seen}
                end(len(seen), seconds, windows=len(rows), fixes=sum(rows), windows_wanted=len(wanted))

    run(app)


if __name__ == "__main__":
    main()
