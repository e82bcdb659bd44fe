"""Long random streams from a seed: quicker to draw than hypothesis', for volume and for concurrent delivery.

A lion's fixes follow a walk in time (dense nights, gaps of days), arrive in order, late by hours, or late by weeks, and
some twice or changed.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from .oracle import ACTIVITIES, CHALLENGES, POSITIONS, TOPICS, WEIGHTS, Consumed
from .records import record
from .strategies import (
    CHALLENGE_IDS,
    DAY,
    GAPS_US,
    HOUR,
    LATE_MS,
    LIONS,
    MINUTE,
    PARTITIONS,
    PLACES,
    START_US,
    STATUSES,
    USERS,
    WEIGHTS_KG,
    Case,
    Step,
    Stream,
    written_time,
)

_DENSE_US = (5 * MINUTE, 10 * MINUTE, 30 * MINUTE, 30 * MINUTE, HOUR, 4 * HOUR)
_KINDS = ("login", "weight_logged", "weight_entry", "view")


def _times(random: Random, count: int) -> list[int]:
    times = [START_US]
    while len(times) < count:
        rare = random.random() < random.choice((0.02, 0.1, 0.5))
        times.append(times[-1] + random.choice(GAPS_US if rare else _DENSE_US))
    return times


def _document(random: Random, topic: str, time_us: int, lions: tuple[str, ...]) -> dict[str, Any]:
    time = written_time(time_us, random.randrange(7))
    if topic == POSITIONS:
        still = random.random() < 0.5
        lat, lng = random.choice(PLACES[:4] if still else PLACES)
        fix = {"lion_id": random.choice(lions), "position": {"lat": lat, "lng": lng}, "timestamp": time, "name": "Nala"}
        return {**fix, "visible": False} if random.random() < 0.05 else fix
    if topic == WEIGHTS:
        document = {"weight_id": f"w-{random.randrange(400)}", "lion_id": random.choice(lions), "measured_at": time}
        document["weight"] = random.choice(WEIGHTS_KG[:-1])
        return {**document, "user_id": random.choice(USERS)} if random.random() < 0.5 else document
    if topic == ACTIVITIES:
        document = {"user_id": random.choice(USERS), "activity_type": random.choice(_KINDS), "timestamp": time}
        return {**document, "username": f"name-{random.randrange(3)}"} if random.random() < 0.2 else document
    if topic == CHALLENGES:
        document = {"challenge_id": random.choice(CHALLENGE_IDS), "user_id": random.choice(USERS), "updated_at": time}
        return {**document, "title": "Track", "status": random.choice(STATUSES)}
    counts = {"total_records": 10, "valid_records": 9, "invalid_records": 1}
    document = {"table_name": random.choice("ab"), "check_name": "not_null", "check_timestamp": time, **counts}
    return {**document, "quality_percentage": random.choice((50, 66.6, 100))}


def _deletion(random: Random, topic: str, lions: tuple[str, ...]) -> str:
    """Whom a tombstone names."""
    weighing = f"w-{random.randrange(400)}"
    names = {POSITIONS: lions, WEIGHTS: (*lions, weighing, weighing), ACTIVITIES: USERS, CHALLENGES: CHALLENGE_IDS}
    return random.choice(names.get(topic, ("a", "b")))


def _lateness(random: Random) -> int:
    """How much later than its event time a record arrives, in µs."""
    return random.choice((0, 0, 0, 0, 0, 2 * HOUR, 3 * DAY, random.randrange(40 * DAY)))


def random_stream(
    seed: int, topics: tuple[str, ...] = TOPICS, count: int = 300, partitions_per_topic: int = PARTITIONS
) -> Stream:
    """``count`` records in arrival order over the partitions of their topics."""
    random = Random(seed)
    lions = LIONS[: random.choice((1, 2, 4))]
    events: list[tuple[int, str, dict[str, Any]]] = []
    for time_us in _times(random, count):
        if events and random.random() < 0.15:
            _, topic, document = random.choice(events)
            document = {**document, "note": random.randrange(2)} if random.random() < 0.5 else document
        else:
            topic = random.choice(topics)
            document = _document(random, topic, time_us, lions)
        events.append((time_us + _lateness(random), topic, document))
    events.sort(key=lambda event: event[0])
    partitions: dict[tuple[str, int], list[Consumed]] = {}
    appended_live = random.random() < 0.3  # append times near event times: some fixes lie in the future
    deleting = random.choice((0.0, 0.0, 0.01, 0.04))
    for place, (arrival_us, topic, document) in enumerate(events):
        partition = (
            random.randrange(partitions_per_topic) if random.random() < 0.1 else place // 7 % partitions_per_topic
        )
        run = partitions.setdefault((topic, partition), [])
        where = {
            "partition": partition,
            "offset": run[-1].offset + 1 if run else 0,
            "timestamp": arrival_us // 1000 if appended_live and place < 60 else LATE_MS + place // 3,
        }
        if random.random() < deleting:
            tombstone = Consumed(topic, partition, where["offset"], where["timestamp"], b"", None)
            run.append(replace(tombstone, key=_deletion(random, topic, lions).encode()))
        else:
            run.append(record(topic, "key", document, **where))
    return Stream(partitions)


def random_case(
    seed: int, topics: tuple[str, ...] = TOPICS, count: int = 300, partitions_per_topic: int = PARTITIONS
) -> Case:
    """A stream and a delivery: mostly in arrival order, cut anywhere, with restarts."""
    random = Random(-seed - 1)
    stream = random_stream(seed, topics, count, partitions_per_topic)
    left = {place: list(records) for place, records in stream.partitions.items()}
    longest = random.choice((2, 10, 60))
    steps: list[Step] = []
    while left:
        place = random.choice(sorted(left))
        size = random.randint(1, longest)
        steps.append(Step(*place, tuple(left[place][:size])))
        left[place] = left[place][size:]
        if not left[place]:
            del left[place]
        if random.random() < 0.02:
            steps.append(Step())
    return Case(stream, steps)
