"""Revisions: what gold had told before a batch and tells differently after it, and which records made it so.

A row is noted when its window or day does not lie beyond the newest event known of its lion, user or challenge before
the batch (*told*), and a late record or a deletion changed it::

    days        ──[ 7 ]──[ 8 ]──[ 9 ]──[ 10 ]──      told: an event of day 10
    a fix of 8            ●───────────────►          late: rows 8, 9 and 10 are noted where they changed
    a fix of 10                          ●►          in order: row 10 is still being told, nothing is noted

What a stamp in the future says is not told: see ``core/fixes.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from liontrack_stream.core.geo import DAY_US
from liontrack_stream.core.windows import WINDOW_US
from liontrack_stream.warehouse.copying import Rows, copy_rows

if TYPE_CHECKING:
    from liontrack_stream.warehouse.batch_connection import BatchConnection

LATE, SETTLED, DELETION = "late", "settled", "deletion"
_RANK = (SETTLED, LATE, DELETION)  # of several causes the last one names the revision
OFFSETS_MAX = 100
Row = Mapping[str, Any]
Cell = tuple[str, str, int]  # table, entity, start of the window or day in µs


@dataclass(frozen=True, slots=True)
class Cause:
    """Why rows changed: ``kind`` is LATE, SETTLED or DELETION; offsets within the partition of the entity's records."""

    kind: str
    offsets: frozenset[int]

    def __or__(self, other: Cause) -> Cause:
        return Cause(max(self.kind, other.kind, key=_RANK.index), self.offsets | other.offsets)


@dataclass(slots=True)
class Causes:
    """The late records and deletions of a batch, by the lion or user whose rows they change."""

    _late: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))  # time_us, offset
    _moved: dict[str, list[tuple[range, set[int]]]] = field(default_factory=lambda: defaultdict(list))
    _deletions: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _told_us: dict[str, int] = field(default_factory=dict)

    def event(self, entity: str, time_us: int, offset: int, told_us: int | None) -> None:
        """Note an event that was stored, where it is late by what was told before the batch."""
        if is_late(time_us, told_us):
            assert told_us is not None
            self._late[entity].append((time_us, offset))
            self._told_us[entity] = max(told_us, self._told_us.get(entity, 0))

    def moved(self, entity: str, days: range, offsets: Iterable[int]) -> None:
        """Note records that, late or not, took these told days of something to or from an entity."""
        self._moved[entity].append((days, set(offsets)))

    def deletion(self, entity: str, offsets: Iterable[int]) -> None:
        """Note deletions that took back rows of an entity."""
        self._deletions[entity].update(offsets)

    def of_day(self, entity: str, day: int, lookback_days: int = 0) -> Cause | None:
        """Why a day's row changed; None where nobody had been told of it, or it is only being told on."""
        late = [o for us, o in self._late.get(entity, ()) if us // DAY_US <= day <= us // DAY_US + lookback_days]
        if day > self._told_us.get(entity, -1) // DAY_US:
            late = []
        return self._cause(
            entity, late, [o for days, moved in self._moved.get(entity, ()) if day in days for o in moved]
        )

    def of_window(self, entity: str, start_us: int) -> Cause | None:
        """Why a 5-minute window changed."""
        return self._cause(
            entity, [o for us, o in self._late.get(entity, ()) if us // WINDOW_US * WINDOW_US == start_us]
        )

    def _cause(self, entity: str, late: list[int], moved: Iterable[int] = ()) -> Cause | None:
        gone = self._deletions.get(entity, ())
        kind = DELETION if gone else LATE if late else SETTLED
        offsets = frozenset((*gone, *late, *moved))
        return Cause(kind, offsets) if offsets else None


def is_late(time_us: int, told_us: int | None) -> bool:
    """Whether an event belongs to an earlier window than the newest one told."""
    return told_us is not None and time_us // WINDOW_US < told_us // WINDOW_US


@dataclass(slots=True)
class _Change:
    before: Row | None
    after: Row | None
    cause: Cause


class Revisions:
    """One batch's revisions; a row that is written several times in the batch is one revision."""

    def __init__(self) -> None:
        self._changes: dict[Cell, _Change] = {}

    def __bool__(self) -> bool:
        return bool(self._changes)

    def has(self, table: str, entity: str, start_us: int) -> bool:
        """Whether the batch has noted a row."""
        return (table, entity, start_us) in self._changes

    def note(
        self, table: str, entity: str, start_us: int, before: Row | None, after: Row | None, cause: Cause | None
    ) -> None:
        """A row of a gold table was ``before`` and is ``after``; None where it does not exist.

        Without a cause only where the batch has noted the row already: it goes on changing.
        """
        cell = (table, entity, start_us)
        earlier = self._changes.get(cell)
        if earlier is not None:
            before, cause = earlier.before, earlier.cause | cause if cause else earlier.cause
        if before != after and cause is not None:
            self._changes[cell] = _Change(before, after, cause)
        elif earlier is not None:
            del self._changes[cell]

    async def store(self, connection: BatchConnection, topic: str, partition_of: Callable[[str], int]) -> None:
        """Write them; ``partition_of`` tells where the records of an entity are."""
        changes = list(self._changes.items())
        if not changes:
            return
        rows = Rows(len(changes)).constant("topic", topic)
        rows.int4("partition", [partition_of(entity) for (_, entity, _), _ in changes])
        rows.timestamp("period_start", [start_us for (_, _, start_us), _ in changes])
        rows.int4("record_count", [len(change.cause.offsets) for _, change in changes])
        rows.text("table_name", [table for (table, _, _), _ in changes])
        rows.text("kind", [_kind(change) for _, change in changes])
        rows.text("cause", [change.cause.kind for _, change in changes])
        rows.text("entity_id", [entity for (_, entity, _), _ in changes])
        rows.int8s("offsets", [sorted(change.cause.offsets)[:OFFSETS_MAX] for _, change in changes])
        rows.json("changes", [_differences(change.before or {}, change.after or {}) for _, change in changes])
        await copy_rows(connection, "metadata", "revisions", rows)


def _kind(change: _Change) -> str:
    if change.before is None:
        return "created"
    return "removed" if change.after is None else "changed"


def _differences(before: Row, after: Row) -> bytes:
    """``{"column": [from, to]}`` of the columns that differ."""
    columns = dict.fromkeys((*before, *after))
    values = {column: [before.get(column), after.get(column)] for column in columns}
    return msgspec.json.encode({column: pair for column, pair in values.items() if pair[0] != pair[1]})
