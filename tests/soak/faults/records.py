"""What producers may send: poison, large values, a hot key, late and future events; and a worker whose clock jumps."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from liontrack_stream.kafka.producer import Outgoing
from tests.support.bad_records import BAD
from tests.support.oracle import POSITIONS
from tests.support.random_cases import random_stream

from ..fault import fault
from ..scene import Scene

_MEGABYTE = 1_000_000


@fault("poison in a burst", "input")
def poison(scene: Scene, random: Random) -> None:
    cases = [Outgoing(topic, b"bad-%d" % random.randrange(4), value) for topic, value, _ in BAD.values()]
    random.shuffle(cases)
    scene.kit.send(cases)


@fault("values of 1 MB", "input")
def large(scene: Scene, random: Random) -> None:
    scene.kit.send(
        Outgoing(POSITIONS, b"large-%d" % number, b'{"note":"' + b"x" * _MEGABYTE + b'"}') for number in range(8)
    )


@fault("a hot key with 90 % of the load", "input")
def hot_key(scene: Scene, random: Random) -> None:
    scene.kit.send(_fixes(random, 3000, lambda: "hot" if random.random() < 0.9 else f"cold-{random.randrange(20)}"))


@fault("records hours late, from the future, repeated, deleted", "input")
def late(scene: Scene, random: Random) -> None:
    """Times of 2025 between those of the simulated lions, weeks apart; and some days ahead of their append time."""
    runs = random_stream(random.randrange(10**6)).partitions.values()
    records = sorted((record for run in runs for record in run), key=lambda record: record.offset)
    scene.kit.send(
        Outgoing(record.topic, record.key if record.value is None else b"key-%d" % (place % 5), record.value)
        for place, record in enumerate(records)
    )
    ahead = datetime.now(UTC) + timedelta(days=2)
    scene.kit.send(_fixes(random, 50, lambda: f"future-{random.randrange(3)}", ahead))


def _fixes(random: Random, count: int, lion: Any, begin: datetime | None = None) -> Iterator[Outgoing]:
    at = begin or datetime(2025, 6, 1, tzinfo=UTC) + timedelta(minutes=random.randrange(10**5))
    lat, lng = -21.5, 23.5
    for _ in range(count):
        at += timedelta(seconds=random.choice((1, 30, 300, 1800)))
        lat, lng = lat + random.uniform(-1e-3, 1e-3), lng + random.uniform(-1e-3, 1e-3)
        name = lion()
        fix = {"lion_id": name, "position": {"lat": lat, "lng": lng}, "timestamp": at.isoformat()}
        yield Outgoing(POSITIONS, name.encode(), json.dumps(fix).encode())


@fault("idle, then a burst", "input")
def idle(scene: Scene, random: Random) -> None:
    scene.load.end()
    time.sleep(random.uniform(3.0, 8.0))
    scene.load.start()
    hot_key(scene, random)
