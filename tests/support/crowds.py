"""A stream made to collide: few users, lions and days, written from all partitions of all topics at the same moment.

::

    challenges   key challenge_id    a user's dozen challenges lie in all partitions, and change hands now and then
    weights      key weight_id       weighings of a lion by a user, in all partitions
    positions    key collar          each lion wears two collars, so that two partitions hold its fixes
    activities   key user_id
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count, islice
from random import Random
from typing import Any

from liontrack_stream.kafka.producer import Outgoing

from .oracle import ACTIVITIES, CHALLENGES, POSITIONS, QUALITY, WEIGHTS
from .strategies import DAY, MINUTE, SECOND, START_US, STATUSES, written_time

USERS = ("u-1", "u-2", "u-3")
LIONS = ("l-1", "l-2", "l-3")
DAYS = 3
_KINDS = ("login", "weight_logged", "view")


def crowd(seed: int) -> Iterator[Outgoing]:
    """Records without end; a twentieth of them says again, or otherwise, what one before said."""
    random = Random(seed)
    recent: list[Outgoing] = []
    for number in count():
        if recent and random.random() < 0.05:
            yield _again(random, recent.pop(random.randrange(len(recent))))  # each identity twice at most
            continue
        record = _event(random, number)
        recent = [*recent[-200:], record]
        yield record
        if random.random() < 0.01:
            yield Outgoing(record.topic, record.key, b'{"broken": ')


def bursts(seed: int, how_many: int, size: int) -> list[list[Outgoing]]:
    """The crowd's records in bursts of one size."""
    records = crowd(seed)
    return [list(islice(records, size)) for _ in range(how_many)]


def _event(random: Random, number: int) -> Outgoing:
    user, lion = random.choice(USERS), random.choice(LIONS)
    time = written_time(
        START_US + random.randrange(DAYS) * DAY + random.randrange(1440) * MINUTE + number % 60 * SECOND, 0
    )
    topic = random.choices((POSITIONS, WEIGHTS, ACTIVITIES, CHALLENGES, QUALITY), (8, 4, 4, 8, 1))[0]
    if topic == POSITIONS:
        place = {"lat": -21.5 + random.randrange(20) / 1000, "lng": 23.5 + random.choice((0, 0, 0, 0, 0.4))}
        fix = {"lion_id": lion, "name": f"{lion} {number % 3}", "position": place, "timestamp": time}
        return _outgoing(topic, f"collar {lion} {random.randrange(2)}", fix)
    if topic == WEIGHTS:
        kilograms = 180 + random.randrange(100) / 10
        weighing = {"weight_id": f"w-{number}", "lion_id": lion, "weight": kilograms, "measured_at": time}
        return _outgoing(topic, f"w-{number}", {**weighing, "user_id": user})
    if topic == ACTIVITIES:
        activity = {"user_id": user, "activity_type": random.choice(_KINDS), "timestamp": time}
        profile = {"metadata": {"username": f"{user} {number % 5}"}} if random.random() < 0.2 else {}
        return _outgoing(topic, user, {**activity, **profile})
    if topic == CHALLENGES:
        place = random.randrange(36)
        owner = user if random.random() < 0.05 else USERS[place % 3]
        challenge = {
            "challenge_id": f"c-{place}",
            "user_id": owner,
            "title": "Track",
            "status": random.choice(STATUSES),
        }
        return _outgoing(topic, f"c-{place}", {**challenge, "updated_at": time})
    check = {"table_name": "silver.lions", "check_name": "not_null", "check_timestamp": time, "quality_percentage": 90}
    counts = {"total_records": 10, "valid_records": 9, "invalid_records": 1}
    return _outgoing(topic, f"check {number}", {**check, **counts})


def _again(random: Random, record: Outgoing) -> Outgoing:
    """The same identity from another partition, perhaps with something else to say."""
    document = json.loads(record.value or b"{}")
    more = {"note": "again"} if random.random() < 0.5 else {}
    return _outgoing(record.topic, f"again {random.randrange(8)}", {**document, **more})


def _outgoing(topic: str, key: str, document: dict[str, Any]) -> Outgoing:
    return Outgoing(topic, key.encode(), json.dumps(document).encode())
