"""Simulated events of 50 days, with what is rare made by hand, as records of Kafka."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.sources.simulator.plan import Plan
from liontrack_stream.sources.simulator.stream import simulate
from tests.support import records as by_hand
from tests.support.oracle import Consumed
from tests.support.strategies import Step

PARTITIONS, BATCH = 2, 700
PLAN = Plan(lions=4, days=50, seed=7, start=date(2026, 1, 20), users=5, bad_fraction=0.02)  # up to 2026-03-10


def made_by_hand() -> list[Consumed]:
    """Deleted members, a challenge that changes hands, equal times, lions at the antimeridian and seldom seen."""
    made = [
        by_hand.fix("gone", "2026-03-01T12:00:00", name="Gone"),
        by_hand.weight("gone-1", "gone", "2026-03-01", 170.0),
        by_hand.weight("unseen-1", "unseen", "2026-03-01", 150.0),
        by_hand.weight("unseen-2", "unseen", "2026-02-09", 140.0),  # the first of the 30 days up to March 10
        by_hand.weight("unseen-3", "unseen", "2026-02-08", 130.0),
        by_hand.activity("user-gone", "2026-03-01T10:00:00", "weight_entry", username="Gone"),
        by_hand.activity("user-a", "2026-03-04T10:00:00", "weight_entry", username="Amina"),
        by_hand.activity("user-quiet", "2026-01-21T10:00:00", "login"),
        by_hand.challenge("moved", "user-a", "2026-02-01T10:00:00", "in_progress", title="Move"),
        by_hand.challenge("moved", "user-b", "2026-02-20T10:30:00", "completed", title="Moved"),
        by_hand.challenge("twice", "user-a", "2026-02-10T00:00:00", "pending", created_at="2026-02-09T23:59:59Z"),
        by_hand.challenge("twice", "user-a", "2026-02-10T00:00:00", "in_progress"),
        by_hand.challenge("back", "user-a", "2026-02-11T00:00:00", "completed"),
        by_hand.challenge("back", "user-a", "2026-03-05T00:00:00", "abandoned"),
        by_hand.challenge("dropped", "user-a", "2026-02-12T10:00:00", "completed"),
        *(by_hand.challenge(f"many-{n}", "user-many", "2026-02-13T10:00:00", "pending") for n in range(5)),
        *(by_hand.challenge(f"more-{n}", "user-many", f"2026-02-14T10:0{n}:00", "completed") for n in range(4)),
        by_hand.check("silver.lions", "2026-03-10T11:30:00", 92.5),
        by_hand.check("silver.lions", "2026-03-10T11:00:00", 10.0),  # an hour before: outside
        by_hand.check("silver.users", "2026-03-10T11:59:59", 60.0, "range"),
        by_hand.check("silver.users", "2026-03-05T23:30:00", 99.0, "range"),
    ]
    deleted = {by_hand.POSITIONS: "gone", by_hand.ACTIVITIES: "user-gone", by_hand.CHALLENGES: "dropped"}
    for hour in range(0, 9):
        lng = 179.96 + hour / 100
        made.append(by_hand.fix("omega", f"2026-03-08T0{hour}:00:00", -17.0, lng if lng <= 180 else lng - 360))
    for hour in range(0, 24, 6):
        made.append(by_hand.fix("seldom", f"2026-03-08T{hour:02}:00:00"))
    return [*made, *(Consumed(topic, 0, 0, 0, key.encode(), None) for topic, key in deleted.items())]


def records() -> list[Consumed]:
    """All of it, in Kafka: appended after the last event's day, a millisecond apart."""
    offsets: dict[tuple[str, int], int] = defaultdict(int)
    appended_ms = PLAN.end_ms + int(timedelta(days=1).total_seconds() * 1000)
    found = []
    for n, record in enumerate(_outgoing()):
        partition = zlib.crc32(record.key or b"") % PARTITIONS
        place = (record.topic, partition)
        found.append(Consumed(*place, offsets[place], appended_ms + n, record.key, record.value, tuple(record.headers)))
        offsets[place] += 1
    return found


def _outgoing() -> Iterator[Outgoing]:
    for day in simulate(PLAN):
        yield from day
    for record in made_by_hand():
        yield Outgoing(record.topic, record.key, record.value)


def steps(consumed: Iterable[Consumed]) -> list[Step]:
    """Batches of these records, partition by partition."""
    lanes: dict[tuple[str, int], list[Consumed]] = defaultdict(list)
    for record in consumed:
        lanes[record.topic, record.partition].append(record)
    return [
        Step(*place, tuple(lane[begin : begin + BATCH]))
        for place, lane in lanes.items()
        for begin in range(0, len(lane), BATCH)
    ]
