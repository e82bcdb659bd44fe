"""What a row of a file tells, into the event of the lion that wore the collar. Pure.

::

    row ──reader of its format──► Told(individual, tag, time, event) ──FixMaker──► Fix(lion, time, record)
                                                                        ▲
                                                              deployments: tag × time → animal
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Position, Rejected
from liontrack_stream.contract.times import exact_iso, to_microseconds
from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.kafka.producer import Outgoing, headers_for
from liontrack_stream.sources.cells import BadRow
from liontrack_stream.sources.deployments import Deployments

INDIVIDUAL, TAG = "individual-local-identifier", "tag-local-identifier"
"""Fields of an event: the individual that the source named, where the deployment says another one; and the collar."""

# Names that mean something else in an event: its own fields, and what an envelope is known by.
TAKEN = frozenset(Position.__struct_fields__) | {
    *("position", INDIVIDUAL, TAG, "_id", "__v"),
    *("op", "before", "after", "payload", "schema", "operationType", "documentKey", "fullDocument"),
}
_MERGE_AT_LEAST = 4096
_encode = msgspec.json.Encoder().encode


class Told(NamedTuple):
    """What one row says: the individual and the collar that it names, the time (UTC), the event's further fields."""

    individual: str | None
    tag: str | None
    time: datetime
    event: dict[str, Any]


class Fix(NamedTuple):
    """One row as a record to send, with its identity beside it."""

    lion: str
    time_us: int
    visible: bool
    record: Outgoing
    by_deployment: bool = False  # not by the individual that the row names


class FixMaker:
    """Makes events of what rows tell. ``lion`` and ``tag`` are those of a file that names none."""

    def __init__(
        self, source: str, deployments: Deployments | None = None, lion: str | None = None, tag: str | None = None
    ) -> None:
        self.source = source
        self.deployments = deployments or Deployments()
        self._lion, self._tag = lion, tag

    @property
    def names_all(self) -> bool:
        """Whether rows need to name nobody."""
        return bool(self._lion or self._tag)

    def make(self, told: Told) -> Fix:
        """The event of the lion by deployment, else of the individual that the row names.

        Raises
        ------
        BadRow
            When neither says whose the fix is, or the contract refuses the event.
        """
        tag, individual = self._tag or told.tag, self._lion or told.individual
        time_us = to_microseconds(told.time)
        time_text = exact_iso(time_us)
        animal = self.deployments.animal(tag, time_us) if tag else None
        lion = animal or individual
        if lion is None:
            if tag:
                raise BadRow("no deployment", f"no deployment of tag {tag[:100]} covers {time_text}")
            raise BadRow("missing individual", f"{INDIVIDUAL} is missing, and no tag says whose the fix is")
        more = told.event
        name = more.pop("name", None)
        event = {
            "lion_id": lion,
            "name": name if name and lion == told.individual else lion,
            "position": more.pop("position"),
            "timestamp": time_text,
            "source": self.source,
            **more,
        }
        if tag:
            event[TAG] = tag
            event.setdefault("event_id", f"{tag}@{time_text}")
        if individual is not None and individual != lion:
            event[INDIVIDUAL] = individual
        record = position_record(event, self.source)
        return Fix(lion, time_us, event.get("visible", True), record, lion != individual)


def position_record(event: dict[str, Any], source: str) -> Outgoing:
    """A position event as a record, held against the contract: else it would end as a dead letter, far from its file.

    Raises
    ------
    BadRow
        When the contract refuses it.
    """
    try:
        key, value = str(event["lion_id"]).encode(), _encode(event)
    except (UnicodeEncodeError, OverflowError):
        raise BadRow("not UTF-8", "is not UTF-8") from None
    decoded = decode(POSITIONS.name, key, value)
    if isinstance(decoded, Rejected):
        raise BadRow(decoded.rule.replace("_", " "), decoded.reason)
    return Outgoing(
        POSITIONS.name, key, value, headers_for(POSITIONS.name, event["timestamp"].encode(), source.encode())
    )


class SeenFixes:
    """Which lion has a row at which time already: 8 bytes a row, in whatever order they come."""

    def __init__(self) -> None:
        self._sorted: dict[str, array[int]] = {}
        self._late: dict[str, set[int]] = {}

    def add(self, lion: str, time_us: int) -> bool:
        """Remember a row; False when it was there before."""
        times = self._sorted.setdefault(lion, array("q"))
        if not times or time_us > times[-1]:
            times.append(time_us)
            return True
        late = self._late.setdefault(lion, set())
        if time_us in late or times[bisect_left(times, time_us)] == time_us:
            return False
        late.add(time_us)
        if len(late) >= max(_MERGE_AT_LEAST, len(times) // 8):
            self._sorted[lion] = _merged(times, late)
            late.clear()
        return True


def _merged(times: array[int], late: set[int]) -> array[int]:
    """Two sorted lists of times as one, without a Python object for each."""
    both = np.concatenate([np.frombuffer(times, np.int64), np.fromiter(late, np.int64, len(late))])
    both.sort()
    return array("q", both.tobytes())
