"""Quix Streams: each lion's 5-minute windows by event time, in RocksDB with a changelog topic, to the topic's end."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quixstreams import Application
from quixstreams.dataframe import StreamingDataFrame
from task import AHEAD, WINDOW, Task, Watch, tell

PACKAGES = ("quixstreams", "confluent-kafka", "rocksdict")


class Run:
    """An application that ends after the task's events: seconds from the first one to the last commit."""

    def __init__(self, task: Task, **topic: Any) -> None:
        self.task, self.watch, self.events, self.late = task, Watch(), 0, 0
        self.application = Application(
            broker_address=task.brokers,
            consumer_group=f"quix-{Path(task.folder).name}",
            auto_offset_reset="earliest",
            state_dir=Path(task.folder) / "state",
            on_message_processed=self._count,
            loglevel="WARNING",
        )
        self.topic = self.application.topic(task.topic, **topic)

    def _count(self, topic: str, partition: int, offset: int) -> None:
        self.watch.event()
        self.events += 1
        if self.events == self.task.events:
            self.application.stop()

    def windows_of(self, fixes: StreamingDataFrame) -> StreamingDataFrame:
        """Closed windows of the message key's lion."""
        latest_ms = (datetime.now(UTC) + AHEAD).timestamp() * 1000
        sound = fixes.filter(lambda value, key, timestamp_ms, headers: timestamp_ms <= latest_ms, metadata=True)
        windows = sound.tumbling_window(WINDOW, grace_ms=self.task.lateness, on_late=self._count_late)
        return windows.reduce(reducer=with_fix, initializer=first_fix).final()

    def _count_late(self, *_: Any) -> bool:
        self.late += 1
        return False


def event_time_ms(value: Any, headers: Any, timestamp_ms: float, timestamp_type: Any) -> int:
    """When a fix was taken."""
    return int(datetime.fromisoformat(value["timestamp"]).timestamp() * 1000)


def first_fix(fix: dict[str, Any]) -> dict[str, Any]:
    """A window of one fix: their number, sums for means, the last one."""
    lat, lng, time = fix["position"]["lat"], fix["position"]["lng"], fix["timestamp"]
    return {"fixes": 1, "sum_lat": lat, "sum_lng": lng, "last_time": time, "last_lat": lat, "last_lng": lng}


def with_fix(window: dict[str, Any], fix: dict[str, Any]) -> dict[str, Any]:
    """The window with another fix."""
    lat, lng, time = fix["position"]["lat"], fix["position"]["lng"], fix["timestamp"]
    window["fixes"] += 1
    window["sum_lat"] += lat
    window["sum_lng"] += lng
    if time >= window["last_time"]:
        window["last_time"], window["last_lat"], window["last_lng"] = time, lat, lng
    return window


def main() -> None:
    task = Task.of_environment()
    run, windows, fixes = Run(task, value_deserializer="json", timestamp_extractor=event_time_ms), 0, 0

    def count(window: dict[str, Any]) -> None:
        nonlocal windows, fixes
        windows += 1
        fixes += window["value"]["fixes"]

    run.windows_of(run.application.dataframe(run.topic)).update(count)
    run.application.run()
    tell(run.events, run.watch.seconds, *PACKAGES, windows=windows, fixes=fixes, late=run.late)


if __name__ == "__main__":
    main()
