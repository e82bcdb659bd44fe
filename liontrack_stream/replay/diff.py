"""The diff of a generation and the live one, from one snapshot, and as the catalog keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from liontrack_stream import generation
from liontrack_stream.kafka.ports import Partition
from liontrack_stream.replay.bounds import Bounds
from liontrack_stream.warehouse.queries import live_query

# When a batch came, and how it was cut; rules are told of the whole, by their numbers.
CLOCKS = (
    "dw_insert_date", "dw_update_date", "ingestion_timestamp", "dead_lettered_at", "revision", "rule_version"
)  # fmt: skip
METADATA = ("data_quality_checks", "dead_letters", "deletions", "repeats")
"""Tables of metadata that follow from the records alone."""


@dataclass(frozen=True, slots=True)
class TableDiff:
    """Rows that the generation adds to the live one's, lacks, and has with other values."""

    table: str
    rows_live: int
    added: int
    removed: int
    changed: int

    @property
    def differs(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True, slots=True)
class LionDiff:
    """A lion whose figures differ; None where a side does not have them."""

    lion_id: str
    fixes_before: int | None
    fixes_after: int | None
    km_before: float | None
    km_after: float | None
    health_before: float | None
    health_after: float | None


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs at one moment: both have consumed exactly the records below ``offsets``."""

    offsets: Mapping[Partition, int]
    tables: Sequence[TableDiff]
    lions: Sequence[LionDiff]

    @property
    def differs(self) -> bool:
        return any(table.differs for table in self.tables) or bool(self.lions)


async def compare(
    connection: asyncpg.Connection, number: int, bounds: Bounds, offsets: Mapping[Partition, int]
) -> Diff:
    """Compare all tables, in the connection's transaction, which has to be one snapshot."""
    tables = []
    for row in await connection.fetch(live_query("generations/tables"), CLOCKS, METADATA):
        if bounds.compares(row["table_name"], {*row["key"], *row["columns"]}):
            counts = await connection.fetchrow(_statement(row, number), *bounds.parameters)
            tables.append(TableDiff(row["table_name"], *counts))
    lions = []
    if bounds.compares("gold.lions_metrics", ("lion_id",)):
        sql = live_query("generations/compare_lions").format(of=generation.suffix(number))
        lions = [LionDiff(*row) for row in await connection.fetch(sql, bounds.lion_id)]
    return Diff(offsets, tables, lions)


def _statement(table: Mapping[str, Any], number: int) -> str:
    """The names in it are the schema's own, quoted by PostgreSQL."""
    name, key, columns = table["table_name"], table["key"], table["columns"]
    optional = {
        column: column if column in {*key, *columns} else "NULL" for column in ("lion_id", "topic", "append_time")
    }
    return live_query("generations/compare_table").format(
        live=name,
        other=generation.renamed(name, None, number),
        same_key=" AND ".join(f"l.{column} = g.{column}" for column in key),
        live_columns=", ".join(f"l.{column}" for column in columns),
        other_columns=", ".join(f"g.{column}" for column in columns),
        **optional,
    )


async def keep(connection: asyncpg.Connection, number: int, diff: Diff, may_become_live: bool) -> None:
    """Put a diff into the catalog, in place of the one before."""
    offsets = [[topic, partition, offset] for (topic, partition), offset in sorted(diff.offsets.items())]
    async with connection.transaction():
        await connection.execute(live_query("generations/forget_diff"), number)
        columns = _columns(diff.tables, TableDiff)
        await connection.execute(live_query("generations/put_diff"), number, *columns)
        await connection.execute(live_query("generations/put_lions"), number, *_columns(diff.lions, LionDiff))
        await connection.execute(live_query("generations/compared"), number, json.dumps(offsets), may_become_live)


def _columns(rows: Sequence[Any], kind: type[Any]) -> list[list[Any]]:
    return [[getattr(row, name) for row in rows] for name in kind.__slots__]


async def kept(connection: asyncpg.Connection, number: int) -> Diff | None:
    """A generation's diff as the catalog has it; None where none was made."""
    moment = await connection.fetchval(live_query("generations/moment"), number)
    if moment is None:
        return None
    tables = [TableDiff(*row) for row in await connection.fetch(live_query("generations/diff"), number)]
    lions = [LionDiff(*row) for row in await connection.fetch(live_query("generations/lions"), number)]
    return Diff({(topic, partition): offset for topic, partition, offset in json.loads(moment)}, tables, lions)
