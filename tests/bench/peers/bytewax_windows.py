"""Bytewax: each lion's 5-minute windows by event time, in memory, to the topic's end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
import msgspec
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow, Stream
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.run import cli_main
from task import AHEAD, WINDOW, Task, Watch, tell

PACKAGES = ("bytewax", "confluent-kafka", "msgspec")
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
watch = Watch()


class Point(msgspec.Struct):
    lat: float
    lng: float


class Fix(msgspec.Struct):
    """What is needed of a position event."""

    lion_id: str
    position: Point
    timestamp: datetime


class Window(msgspec.Struct):
    """Fixes of a lion within 5 minutes: their number, sums for means, the last one."""

    fixes: int = 0
    sum_lat: float = 0.0
    sum_lng: float = 0.0
    last: Any = None

    def with_fix(self, fix: Any) -> Window:
        self.fixes += 1
        self.sum_lat += fix.position.lat
        self.sum_lng += fix.position.lng
        if self.last is None or fix.timestamp >= self.last.timestamp:
            self.last = fix
        return self

    def merged(self, other: Window) -> Window:
        later = max(self, other, key=lambda window: window.last.timestamp)
        return Window(self.fixes + other.fixes, self.sum_lat + other.sum_lat, self.sum_lng + other.sum_lng, later.last)


def source(flow: Dataflow, task: Task, batch_size: int = 1_000) -> Stream[KafkaSourceMessage]:
    """The topic up to its end; the batch is Bytewax's default."""
    return op.input("kafka", flow, KafkaSource([task.brokers], [task.topic], tail=False, batch_size=batch_size))


def windows_of(fixes: Stream[Any], task: Task) -> win.WindowOut[Any, Window]:
    """Closed windows by lion, each with its number since the year 2000."""
    latest = datetime.now(UTC) + AHEAD
    sound = op.filter("sound", fixes, lambda fix: fix.timestamp <= latest)
    clock = win.EventClock(lambda fix: fix.timestamp, wait_for_system_duration=task.lateness)
    windower = win.TumblingWindower(length=WINDOW, align_to=EPOCH)
    keyed = op.key_on("lion", sound, lambda fix: fix.lion_id)
    return win.fold_window("windows", keyed, clock, windower, Window, Window.with_fix, Window.merged, ordered=False)


class Counted(StatelessSinkPartition[Any], DynamicSink[Any]):
    """A sink that counts what comes, and the fixes in windows."""

    items = fixes = 0

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Counted:
        return self

    def write_batch(self, items: list[Any]) -> None:
        self.items += len(items)
        self.fixes += sum(item.fixes for _, (_, item) in items if isinstance(item, Window))


def main() -> None:
    task, found, late = Task.of_environment(), Counted(), Counted()
    decode = msgspec.json.Decoder(Fix).decode
    events = 0

    def decoded(messages: list[KafkaSourceMessage]) -> list[Fix]:
        nonlocal events
        watch.event()
        events += len(messages)
        return [decode(message.value) for message in messages]

    flow = Dataflow("windows")
    fixes = op.flat_map_batch("decode", source(flow, task), decoded)
    windows = windows_of(fixes, task)
    op.output("count", windows.down, found)
    op.output("count-late", windows.late, late)
    cli_main(flow)
    tell(events, watch.seconds, *PACKAGES, windows=found.items, fixes=found.fixes, late=late.items)


if __name__ == "__main__":
    main()
