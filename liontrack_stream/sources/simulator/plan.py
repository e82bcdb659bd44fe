"""What to simulate, and the random numbers for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import IntEnum

import numpy as np

from liontrack_stream.contract.topics import TOPICS

SOURCE = "simulator"
DEFAULT_START = date(2025, 1, 1)
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Plan:
    """One simulation. Equal plans give equal bytes, whatever the clock says.

    ``bad_fraction`` is the share of records that break the contract, on top of the valid ones.
    ``positions_max`` ends the simulation after that many position events.
    """

    lions: int = 50
    days: int = 30
    seed: int = 1
    start: date = DEFAULT_START
    users: int = 20
    bad_fraction: float = 0.0
    positions_max: int | None = None
    topics: frozenset[str] = field(default_factory=lambda: frozenset(topic.name for topic in TOPICS))

    @property
    def start_ms(self) -> int:
        """Midnight UTC of the first day, milliseconds since the epoch."""
        first = datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)
        return int(first.timestamp()) * 1000

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.days * DAY_MS


class Stream(IntEnum):
    """Independent streams of random numbers: a draw more in one moves no other."""

    HOMES = 1
    WALK = 2
    COLLARS = 3
    UPLINK = 4
    DEFECTS = 5
    WEIGHTS = 6
    USERS = 7
    CHALLENGES = 8
    QUALITY = 9
    BAD = 10


def rng_for(plan: Plan, stream: Stream, day: int = 0) -> np.random.Generator:
    """The random numbers of one stream and day: a longer run begins with the same days."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([plan.seed, int(stream), day])))


def object_id(plan: Plan, kind: str, number: int) -> str:
    """An id in MongoDB's form (24 hex digits), the same for the same seed, kind and number."""
    return hashlib.blake2b(f"{plan.seed}:{kind}:{number}".encode(), digest_size=12).hexdigest()


def lion_ids(plan: Plan) -> list[str]:
    return [object_id(plan, "lion", number) for number in range(plan.lions)]


def lion_names(plan: Plan) -> list[str]:
    """``Sim Lion 01`` and on, as wide as the last number."""
    width = max(2, len(str(plan.lions)))
    return [f"Sim Lion {number + 1:0{width}d}" for number in range(plan.lions)]


def user_ids(plan: Plan) -> list[str]:
    return [object_id(plan, "user", number) for number in range(plan.users)]


def iso_ms(times_ms: np.ndarray) -> list[str]:
    """ISO-8601 with milliseconds and Z, for an array of milliseconds since the epoch."""
    return [text + "Z" for text in np.datetime_as_string(times_ms.astype("datetime64[ms]"), unit="ms").tolist()]


def iso(time_ms: int) -> str:
    """The same for one time."""
    return iso_ms(np.array([time_ms], dtype=np.int64))[0]
