"""Which tables the lake holds: their keys, days and order. Columns are those of ``sql/lake/<layer>_<table>.sql``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from liontrack_stream.contract import topics

TIMESTAMP = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class BronzeTable:
    """A topic's bronze table and the types of its columns in a file."""

    topic: str
    relation: str
    schema: pa.Schema

    @property
    def query_name(self) -> str:
        return f"lake/bronze_{self.relation}"


def _bronze(topic: topics.TopicSpec, relation: str, **typed: pa.DataType) -> BronzeTable:
    common = {
        "topic": pa.string(), "partition": pa.int32(), "offset": pa.int64(), "append_time": TIMESTAMP,
        "key": pa.binary(), "headers": pa.string(), "raw": pa.binary(), "source_system": pa.string(),
        "partition_date": pa.date32(), "metadata": pa.string(), "ingestion_timestamp": TIMESTAMP,
    }  # fmt: skip
    return BronzeTable(topic.name, relation, pa.schema(list({**typed, **common}.items())))


_TEXT, _DOUBLE = pa.string(), pa.float64()

BRONZE: dict[str, BronzeTable] = {
    table.topic: table
    for table in (
        _bronze(
            topics.POSITIONS, "lions_raw",
            lion_id=_TEXT, name=_TEXT, position_lat=_DOUBLE, position_lng=_DOUBLE, last_update=TIMESTAMP,
        ),
        _bronze(
            topics.WEIGHTS, "weights_raw",
            weight_id=_TEXT, lion_id=_TEXT, weight=_DOUBLE, unit=_TEXT, measured_at=TIMESTAMP,
        ),
        _bronze(
            topics.ACTIVITIES, "users_raw",
            user_id=_TEXT, username=_TEXT, email=_TEXT, activity_type=_TEXT, event_time=TIMESTAMP,
        ),
        _bronze(
            topics.CHALLENGES, "challenges_raw",
            challenge_id=_TEXT, user_id=_TEXT, title=_TEXT, status=_TEXT, updated_at=TIMESTAMP,
        ),
        _bronze(
            topics.QUALITY, "quality_raw",
            table_name=_TEXT, check_name=_TEXT, check_timestamp=TIMESTAMP, quality_percentage=_DOUBLE,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Derived:
    """A file made of another table's rows, so that they are read once: those where ``zero`` is 0, columns renamed."""

    layer: str
    name: str
    zero: str
    columns: tuple[tuple[str, str], ...]  # (column of the source, column in the file)

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns of the source that `rows` takes."""
        return tuple(dict.fromkeys((self.zero, *(old for old, _ in self.columns))))

    def rows(self, source: pa.Table) -> pa.Table:
        kept = source.filter(pc.equal(source[self.zero], 0))
        return kept.select([old for old, _ in self.columns]).rename_columns([new for _, new in self.columns])


@dataclass(frozen=True, slots=True)
class LakeTable:
    """A table of silver or gold. ``day_column`` None is a dimension: one file, day ``layout.UNDATED``."""

    layer: Literal["silver", "gold"]
    name: str
    order: tuple[str, ...]
    day_column: str | None = None
    day_is_date: bool = False
    derived: tuple[Derived, ...] = ()

    @property
    def query_name(self) -> str:
        return f"lake/{self.layer}_{self.name}"

    @property
    def outputs(self) -> tuple[tuple[str, str], ...]:
        """(layer, table) of every file that one read of this table fills."""
        return ((self.layer, self.name), *((d.layer, d.name) for d in self.derived))

    def days_condition(self, days: list[date]) -> str:
        """SQL that holds for the rows of these UTC days; neighbouring days become one range."""
        return " OR ".join(self._range(first, last) for first, last in _ranges(days))

    def day_in_order(self, day: date) -> str:
        """SQL that holds for the rows of a day and sorts them."""
        return f"{self.days_condition([day])} ORDER BY {', '.join(self.order)}"

    def _range(self, first: date, last: date) -> str:
        column = self.day_column
        if self.day_is_date:
            return f"{column} BETWEEN '{first.isoformat()}' AND '{last.isoformat()}'"
        end = "infinity" if last == date.max else f"{(last + timedelta(days=1)).isoformat()} 00:00+00"
        return f"({column} >= '{first.isoformat()} 00:00+00' AND {column} < '{end}')"


def _ranges(days: list[date]) -> list[tuple[date, date]]:
    ranges: list[tuple[date, date]] = []
    for day in sorted(days):
        if ranges and (day - ranges[-1][1]).days == 1:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


_HISTORY = Derived(
    "gold", "lions_positions_history", "flags",
    (("lion_id", "lion_id"), ("event_time", "position_date"), ("lat", "lat"), ("lng", "lng"), ("accuracy", "accuracy")),
)  # fmt: skip

TABLES: tuple[LakeTable, ...] = (
    LakeTable("silver", "positions", ("lion_id", "event_time"), "event_time", derived=(_HISTORY,)),
    LakeTable("silver", "weight_history", ("lion_id", "measured_at", "weight_id"), "measured_at"),
    LakeTable("silver", "user_activities", ("user_id", "event_time", "activity_type", "event_id"), "event_time"),
    LakeTable("silver", "challenge_events", ("challenge_id", "updated_at", "status"), "updated_at"),
    LakeTable("silver", "quality_checks", ("table_name", "check_timestamp", "check_name"), "check_timestamp"),
    LakeTable("silver", "lions", ("lion_id",)),
    LakeTable("silver", "users", ("user_id",)),
    LakeTable("silver", "challenges", ("challenge_id",)),
    LakeTable("gold", "lions_metrics", ("lion_id",), "metric_date", day_is_date=True),
    LakeTable("gold", "lion_windows", ("lion_id", "window_start"), "window_start"),
    LakeTable("gold", "users_activity", ("user_id",), "activity_date", day_is_date=True),
    LakeTable("gold", "user_windows", ("user_id", "window_start"), "window_start"),
    LakeTable("gold", "quality_daily", ("table_name",), "check_date", day_is_date=True),
)

BY_OUTPUT: dict[tuple[str, str], LakeTable] = {output: table for table in TABLES for output in table.outputs}
"""The table to read for a mark in ``metadata.lake_dirty``."""
