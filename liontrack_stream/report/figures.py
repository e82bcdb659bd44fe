"""A report's figures: read from one snapshot of the warehouse, by the API's role."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import asyncpg

from liontrack_stream.lake.catalog import BRONZE
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.generations import Generation, listed
from liontrack_stream.warehouse.pool import acting_as
from liontrack_stream.warehouse.queries import query

_TIMEOUT_S = 10.0
_STATEMENT_TIMEOUT_S = 300.0
_VALUE = re.compile(r"""(?<![±\w])-?\d[\d.]*(?:[eE][-+]?\d+)?|'[^']*'|"[^"]*\"""")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figures:
    """The UTC days from ``first_day`` to ``last_day``, both included. Percentages 0–100.

    ``records``: of every topic, a count per day of appending. ``health`` and ``engagement`` are the API's; the former
    is of ``last_day`` alone. ``lake`` and ``generations`` are of ``made_at``.
    """

    first_day: date
    last_day: date
    made_at: datetime
    records: Mapping[str, Sequence[int]]
    dead_letters: Sequence[Row]
    quality: Sequence[Row]
    health: Row
    engagement: Sequence[Row]
    runs: Sequence[Row]
    lake: Row
    generations: Sequence[Generation]

    @property
    def days(self) -> list[date]:
        """Every day of the report."""
        return [self.first_day + timedelta(n) for n in range((self.last_day - self.first_day).days + 1)]

    @property
    def records_total(self) -> int:
        return sum(map(sum, self.records.values()))

    @property
    def dead_letters_total(self) -> int:
        return sum(row["records"] for row in self.dead_letters)


async def read_figures(settings: Settings, last_day: date, days: int, made_at: datetime) -> Figures:
    """Read everything from one snapshot.

    Raises
    ------
    OSError, TimeoutError, asyncpg.PostgresError
        When PostgreSQL is away, refuses, or has no warehouse.
    """
    first_day = last_day - timedelta(days - 1)
    end = datetime.combine(last_day, time.max, UTC)
    connection = await asyncpg.connect(
        **settings.pg_dsn, timeout=_TIMEOUT_S, command_timeout=_STATEMENT_TIMEOUT_S, server_settings=_session(settings)
    )
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            period = (first_day, last_day)
            (health,) = await connection.fetch(query("views/health_report"), end)
            (files,) = await connection.fetch(query("views/pipeline_lake"))
            (waiting,) = await connection.fetch(query("doctor/lake"))
            engagement = await connection.fetch(query("views/trend_engagement"), end)
            return Figures(
                first_day=first_day,
                last_day=last_day,
                made_at=made_at,
                records=_by_topic(await connection.fetch(query("report/records"), *period), first_day, days),
                dead_letters=[
                    {**row, "last_reason": without_values(row["last_reason"])}
                    for row in _rows(await connection.fetch(query("report/dead_letters"), *period))
                ],
                quality=_rows(await connection.fetch(query("report/quality"), *period)),
                health=dict(health),
                engagement=[row for row in _rows(engagement) if row["activity_date"] >= first_day],
                runs=_rows(await connection.fetch(query("report/runs"), *period)),
                lake={
                    **dict(files),
                    "records_waiting": waiting["records"],
                    "days_waiting": waiting["days"],
                },
                generations=await listed(connection),
            )
    finally:
        await connection.close()


def without_values(reason: str) -> str:
    """A dead letter's reason without what the record held: half of a coordinate is a position, too."""
    return _VALUE.sub("…", reason)


def _session(settings: Settings) -> dict[str, str]:
    return {
        "application_name": "liontrack report",
        "timezone": "UTC",
        "jit": "off",
        "max_parallel_workers_per_gather": "0",  # leave the cores to ingestion
        **acting_as(settings.pg_api_role),
    }


def _rows(records: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    return [dict(record) for record in records]


def _by_topic(rows: Sequence[asyncpg.Record], first_day: date, days: int) -> dict[str, list[int]]:
    """Counts of each topic, of a day without a record too."""
    topics = {table.relation: topic for topic, table in BRONZE.items()}
    counts = {topic: [0] * days for topic in BRONZE}
    for row in rows:
        counts[topics[row["table_name"]]][(row["day"] - first_day).days] += row["records"]
    return counts
