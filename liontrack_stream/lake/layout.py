"""Where files lie under the lake's root.

::

    bronze/<topic>/date=2026-01-31/p0003-00000000000000123456.parquet   immutable, named by its first offset
    silver/<table>/day=2026-01-31/part-0.parquet                        rewritten whole
    silver/lions/part-0.parquet                                         a dimension: one file
    gold/<table>/day=2026-01-31/part-0.parquet
    .tmp/<host>-<pid>-<n>.tmp                                           being written; no reader's glob sees it

The partition columns are called ``date`` and ``day`` everywhere because no file has a column of that name: engines
that read ``key=value`` folders get one more column, engines that don't lose nothing (the real one is in the file).
"""

from __future__ import annotations

from datetime import date

UNDATED = date(1, 1, 1)
"""The manifest's day of a dimension table, which has no day."""

TEMP_FOLDER = ".tmp"


def bronze_folder(topic: str) -> str:
    return f"bronze/{topic}"


def bronze_path(topic: str, partition: int, first_offset: int, day: date) -> str:
    return f"{bronze_folder(topic)}/date={day.isoformat()}/p{partition:04d}-{first_offset:020d}.parquet"


def bronze_partition(path: str) -> int | None:
    """The Kafka partition that a bronze file's name tells, None for a foreign file."""
    name = path.rsplit("/", 1)[-1]
    digits = name[1:].split("-", 1)[0]
    return int(digits) if name.startswith("p") and digits.isdigit() else None


def day_path(layer: str, table: str, day: date) -> str:
    if day == UNDATED:
        return f"{layer}/{table}/part-0.parquet"
    return f"{layer}/{table}/day={day.isoformat()}/part-0.parquet"
