"""Where a stream is: which records, and which event times, a viewer has been told of. No I/O.

A cursor is a set of fixes, so what lies between two cursors never depends on who looked when::

    event time ▲
         until │━━━━━━━━━━━┓╌╌╌╌╌╌╌╌╌┐    a delayed viewer: fixes up to `until` of records before `offsets`
               │   told    ┃ fresh   ╎    exact viewers: all of them
               └───────────┸─────────┴──► offset
                       begin        end

The id of an event says between which two cursors it lies, and at which place: a client that got half of a step and
comes back, here or at another worker, gets the other half.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from liontrack_stream.contract.topics import ACTIVITIES, CHALLENGES, POSITIONS, WEIGHTS

TOPICS = (POSITIONS.name, WEIGHTS.name, ACTIVITIES.name, CHALLENGES.name)  # those that revise, positions first
AGE_STEP_S = 5  # `until` moves so far at a time
_PLACES_MAX = 1_024
_NUMBER = r"(\d{1,18})"
_ENTRY = re.compile(rf"([0-{len(TOPICS) - 1}])\.(\d{{1,6}})[:+]{_NUMBER}", re.ASCII)
_ID = re.compile(
    rf"([\d.:,]*@\d{{1,11}})(?:>([\d.+,]*@\d{{1,11}})~([0-2])\.(\d{{1,6}})\.(\d{{1,6}})\.{_NUMBER})?", re.ASCII
)

Place = tuple[int, int]  # index in TOPICS, partition
Key = tuple[int, int, int, int]  # kind of event, topic, partition, number: the order of events within a step


@dataclass(frozen=True, slots=True)
class Cursor:
    """Records before ``offsets`` (a place that lacks one: none); for delayed viewers event times up to ``until``."""

    offsets: Mapping[Place, int]
    until: datetime

    def at(self, place: Place) -> int:
        """The first offset that is not told of yet."""
        return self.offsets.get(place, 0)

    def covers(self, other: Cursor) -> bool:
        """Whether all that the other knows of is known here."""
        return self.until >= other.until and all(self.at(place) >= offset for place, offset in other.offsets.items())

    def records_since(self, other: Cursor) -> int:
        """How many offsets lie between."""
        return sum(offset - other.at(place) for place, offset in self.offsets.items())

    def moved(self, begin: Cursor) -> list[tuple[Place, int, int]]:
        """Ranges of offsets, ``(place, first, next)``, between ``begin`` and here."""
        return [
            (place, begin.at(place), next_offset)
            for place, next_offset in sorted(self.offsets.items())
            if next_offset > begin.at(place)
        ]

    @property
    def text(self) -> str:
        """The id of a client that has all up to here."""
        entries = (f"{topic}.{partition}:{offset}" for (topic, partition), offset in sorted(self.offsets.items()))
        return f"{','.join(entries)}@{int(self.until.timestamp())}"


@dataclass(frozen=True, slots=True)
class Resume:
    """What a client's last id says: it has all up to ``cursor``, and of the step to ``end`` what is not ``after``."""

    cursor: Cursor
    end: Cursor | None = None
    after: Key | None = None


def id_prefix(begin: Cursor, end: Cursor) -> str:
    """What the ids of a step's events begin with; their key follows, as `key_text` writes it."""
    moved = (f"{topic}.{partition}+{next_ - first}" for (topic, partition), first, next_ in end.moved(begin))
    return f"{begin.text}>{','.join(moved)}@{int(end.until.timestamp())}~"


def key_text(key: Key) -> str:
    """A key, as ids end with it."""
    return "{}.{}.{}.{}".format(*key)


def read_id(text: str) -> Resume | None:
    """The meaning of an id; None where it is not one of ours."""
    found = _ID.fullmatch(text)
    if found is None:
        return None
    try:
        begin = _cursor(found[1], {})
        if begin is None or found[2] is None:
            return None if begin is None else Resume(begin)
        end = _cursor(found[2], begin.offsets)
    except (OverflowError, OSError, ValueError):
        return None
    key = (int(found[3]), int(found[4]), int(found[5]), int(found[6]))
    if end is None or end.until < begin.until:
        return None  # a step never goes back: a forged one would show fixes that are not of age
    return Resume(begin, end, key)


def _cursor(text: str, begin: Mapping[Place, int]) -> Cursor | None:
    entries, _, until_s = text.partition("@")
    parts = [_ENTRY.fullmatch(entry) for entry in entries.split(",")] if entries else []
    if len(parts) > _PLACES_MAX:
        return None
    offsets = dict(begin)
    for part in parts:
        if part is None:
            return None
        place = int(part[1]), int(part[2])
        offsets[place] = begin.get(place, 0) + int(part[3])
    return Cursor(offsets, datetime.fromtimestamp(int(until_s), UTC))


def aged_until(now: datetime, delay_h: float) -> datetime:
    """The event time up to which delayed viewers see; it moves in steps, so that all who ask at once share one."""
    until_s = (now - timedelta(hours=delay_h)).timestamp()
    return datetime.fromtimestamp(until_s // AGE_STEP_S * AGE_STEP_S, UTC)
