"""Which record of an identity counts, and which ones repeat it (contract §1, last bullets).

Order of records: (append time, partition, offset); the lowest of an identity wins, whatever order a worker met
them in. Every other record of the identity is a *repeat*: a duplicate when its content equals the winner's, else a
conflict. Content is what the decoded event says beyond its identity; JSON layout and timestamp form do not matter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1)
DAY_US = 86_400_000_000
WINDOW_US = 300_000_000
HOUR_US = 3_600_000_000


def moment(time_us: int | None) -> datetime | None:
    """Microseconds since the epoch as an aware UTC time."""
    return None if time_us is None else EPOCH + timedelta(microseconds=time_us)


def day_number(time_us: int) -> int:
    """The UTC day as days since the epoch."""
    return time_us // DAY_US


def as_date(day: int) -> date:
    return EPOCH_DAY + timedelta(days=day)


def window_start(time_us: int) -> int:
    """The start, in µs, of the 5-minute window that holds the time."""
    return time_us // WINDOW_US * WINDOW_US


@dataclass(frozen=True, slots=True)
class Stored:
    """A decoded record and where it came from."""

    event: Any
    topic: str
    partition: int
    offset: int
    append_ms: int

    @property
    def order(self) -> tuple[int, int, int]:
        return (self.append_ms, self.partition, self.offset)

    @property
    def place(self) -> tuple[str, int, int]:
        return (self.topic, self.partition, self.offset)

    def provenance(self) -> dict[str, Any]:
        """The columns every silver row carries about the record that won."""
        return {"partition": self.partition, "offset": self.offset, "append_time": moment(self.append_ms * 1000)}


def content(event: Any) -> str:
    """Everything the event says, as one canonical text: equal texts, equal content."""
    return json.dumps(msgspec.to_builtins(event), sort_keys=True, ensure_ascii=True)


def settle(
    records: Iterable[Stored], identity: Callable[[Any], tuple[Hashable, ...]]
) -> tuple[dict[tuple[Hashable, ...], Stored], list[dict[str, Any]]]:
    """Winners by identity, and one row per repeat: its place, identity text, and whether it conflicts."""
    groups: dict[tuple[Hashable, ...], list[Stored]] = {}
    for record in records:
        groups.setdefault(identity(record.event), []).append(record)
    winners: dict[tuple[Hashable, ...], Stored] = {}
    repeats: list[dict[str, Any]] = []
    for key, group in groups.items():
        group.sort(key=lambda record: record.order)
        winner = winners[key] = group[0]
        for loser in group[1:]:
            repeats.append(
                {
                    "topic": loser.topic,
                    "partition": loser.partition,
                    "offset": loser.offset,
                    "identity": "|".join(str(part) for part in key),
                    "append_time": moment(loser.append_ms * 1000),
                    "conflict": content(loser.event) != content(winner.event),
                }
            )
    return winners, repeats
