"""What `metadata.revisions` must hold of one batch, from the oracle's tables before and after it.

A revision is *right* when its row differs between the two as it says. A difference *must be noted* when its day or
window was closed: the lion, user or challenge had a newer event of the topic before the batch (not counting stamps of
the future), or when nothing but deletions can have made it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Deletion

from .oracle import ACTIVITIES, CHALLENGES, POSITIONS, WEIGHTS, Consumed, Tables
from .oracle.compare import TOLERANCES, Tolerance, same

TABLES = ("gold.lions_metrics", "gold.lion_windows", "gold.users_activity", "gold.user_windows")
_SUMS = {"sum_lat_e9", "sum_lng_e9", "total_weight_entries"}  # said again by other columns
_FUTURE = timedelta(minutes=10)
_WINDOW = timedelta(minutes=5)
Cell = tuple[str, str, datetime]


@dataclass(frozen=True, slots=True)
class Difference:
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def kind(self) -> str:
        return "created" if self.before is None else "removed" if self.after is None else "changed"

    def columns(self) -> dict[str, tuple[Any, Any]]:
        before, after = self.before or {}, self.after or {}
        return {
            name: (before.get(name), after.get(name))
            for name in {*before, *after} - _SUMS
            if not same(before.get(name), after.get(name), TOLERANCES.get(name, Tolerance()))
        }


def differences(before: Tables, after: Tables) -> dict[Cell, Difference]:
    """Every gold row that two states of the oracle disagree on."""
    found = {}
    for table in TABLES:
        for key in before[table].keys() | after[table].keys():
            difference = Difference(before[table].get(key), after[table].get(key))
            if difference.columns():
                found[(table, key[0], _start(key[1]))] = difference
    return found


def _start(period: Any) -> datetime:
    if isinstance(period, datetime):
        return period
    return datetime(period.year, period.month, period.day, tzinfo=UTC)


def problems(
    batch: Iterable[Consumed], before: Tables, after: Tables, rows: Iterable[Any], lookback_days: int = 30
) -> list[str]:
    """What the revisions of a batch get wrong; ``rows`` are those of ``metadata.revisions``."""
    batch = list(batch)
    differing = differences(before, after)
    noted = {(row["table_name"], row["entity_id"], row["period_start"]): row for row in rows}
    places = {(record.partition, record.offset) for record in batch}
    found = []
    for cell, row in noted.items():
        if cell not in differing:
            if row["changes"] != {"activity_events": row["changes"].get("activity_events")}:
                found.append(f"{cell} is noted and did not change: {row['changes']}")
            continue
        found += [f"{cell}: {text}" for text in _wrong(row, differing[cell])]
        if not {(row["partition"], offset) for offset in row["offsets"]} <= places or not row["offsets"]:
            found.append(f"{cell} names {row['partition']}: {row['offsets']}, the batch has {sorted(places)}")
    told = Told(batch[0].topic, before)
    only_deletions = all(isinstance(decode(r.topic, r.key, r.value), Deletion) for r in batch)
    for cell in differing.keys() - noted.keys():
        if only_deletions or told.closed(cell, batch, before, after):
            found.append(f"{cell} changed and is not noted: {differing[cell].columns()}")
    return found


def _wrong(row: Any, difference: Difference) -> list[str]:
    columns = difference.columns()
    changes = {name: pair for name, pair in row["changes"].items() if name != "activity_events"}
    texts = [] if row["kind"] == difference.kind else [f"is {row['kind']}, should be {difference.kind}"]
    for name in columns.keys() | changes.keys():
        expected, actual = columns.get(name, (None, None)), changes.get(name, [None, None])
        tolerance = TOLERANCES.get(name, Tolerance())
        if not all(same(_plain(e), a, tolerance) for e, a in zip(expected, actual, strict=True)) and not (
            name not in columns and same(actual[0], actual[1], tolerance)
        ):
            texts.append(f"{name} {actual}, should be {expected}")
    return texts


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    return value.isoformat() if isinstance(value, date) else value


class Told:
    """The newest events known before a batch, of the batch's topic."""

    def __init__(self, topic: str, before: Tables) -> None:
        self._topic = topic
        self.newest: dict[str, datetime] = {}
        table, column = {
            POSITIONS: ("silver.positions", None),
            WEIGHTS: ("silver.weight_history", "measured_at"),
            ACTIVITIES: ("silver.user_activities", None),
            CHALLENGES: ("silver.challenge_events", None),
        }.get(topic, ("", None))
        for key, row in before.get(table, {}).items():
            time = row[column] if column else key[1]
            entity = row["lion_id"] if topic == WEIGHTS else key[0]
            if row["flags"] == 0 and time <= row["append_time"] + _FUTURE:
                self.newest[entity] = max(time, self.newest.get(entity, time))

    def closed(self, cell: Cell, batch: list[Consumed], before: Tables, after: Tables) -> bool:
        """Whether a row that changed lies before the newest event of what changed it."""
        table, entity, start = cell
        if self._topic in (POSITIONS, ACTIVITIES) or table == "gold.lions_metrics":
            return self._before(start, self.newest.get(entity), table.endswith("windows"))
        if self._topic == WEIGHTS:
            lions = {
                e.lion_id for e in _events(batch) if e.user_id == entity and _moment(e.time_us).date() == start.date()
            }
            return bool(lions) and all(self._before(start, self.newest.get(lion), False) for lion in lions)
        if self._topic == CHALLENGES:
            owned = {
                key[0]
                for tables in (before, after)
                for key, row in tables["silver.challenges"].items()
                if row["user_id"] == entity
            }
            mine = [e for e in _events(batch) if e.challenge_id in owned and _moment(e.time_us) < start + timedelta(1)]
            told = {e.challenge_id: self.newest.get(e.challenge_id) for e in mine}
            return bool(mine) and all(self._before(start, when, False) for when in told.values())
        return False

    @staticmethod
    def _before(start: datetime, newest: datetime | None, window: bool) -> bool:
        return newest is not None and start + (_WINDOW if window else timedelta(days=1)) <= newest


def _events(batch: list[Consumed]) -> list[Any]:
    decoded = [decode(r.topic, r.key, r.value) for r in batch]
    return [event for event in decoded if hasattr(event, "time_us")]


def _moment(time_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)


async def read_revisions(connection: Any, after_id: int) -> list[dict[str, Any]]:
    """The revisions since an id, changes decoded."""
    rows = await connection.fetch(
        "SELECT * FROM metadata.revisions WHERE revision_id > $1 ORDER BY revision_id", after_id
    )
    return [{**dict(row), "changes": json.loads(row["changes"])} for row in rows]
