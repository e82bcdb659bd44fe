"""Where files lie under the lake's root.

::

    bronze/<topic>/date=2026-01-31/p0003-00000000000000123456.parquet   immutable, named by its first offset
    bronze/<topic>/date=2026-01-30/p0003-0…123456-0…234567.parquet      several of a closed day, compacted
    silver/<table>/day=2026-01-31/part-0.parquet                        rewritten whole
    silver/<table>/day=2026-01-30/part-1-5f1c…e0.parquet                one of several, of a day too large for one file
    silver/lions/part-0.parquet                                         a dimension: one file
    gold/<table>/day=2026-01-31/part-0.parquet
    <layer>/<table>/_delta_log/…                                        with LAKE_DELTA: Delta Lake's log
    .tmp/<host>-<pid>-<n>.tmp                                           being written; no reader's glob sees it
    .compact/<layer>/<table>/d…=2026-01-30/                             a day's new folder before its exchange

The partition columns are called ``date`` and ``day`` everywhere because no file has a column of that name: engines
that read ``key=value`` folders get one more column, engines that don't lose nothing (the real one is in the file).
"""

from __future__ import annotations

from datetime import date

UNDATED = date(1, 1, 1)
"""The manifest's day of a dimension table, which has no day."""

TEMP_FOLDER = ".tmp"
LAYERS = ("bronze", "silver", "gold")
COMPACT_FOLDER = ".compact"
LOG_FOLDER = "_delta_log"
PART = "part-0.parquet"


def bronze_folder(topic: str) -> str:
    return f"bronze/{topic}"


def bronze_day_folder(topic: str, day: date) -> str:
    return f"{bronze_folder(topic)}/date={day.isoformat()}"


def bronze_path(topic: str, partition: int, first_offset: int, day: date) -> str:
    return f"{bronze_day_folder(topic, day)}/p{partition:04d}-{first_offset:020d}.parquet"


def compacted_path(topic: str, partition: int, first_offset: int, next_offset: int, day: date) -> str:
    """Never the name of a file that it replaces: an old listing and a new file must not meet."""
    return f"{bronze_day_folder(topic, day)}/p{partition:04d}-{first_offset:020d}-{next_offset:020d}.parquet"


def bronze_partition(path: str) -> int | None:
    """The Kafka partition that a bronze file's name tells, None for a foreign file."""
    name = path.rsplit("/", 1)[-1]
    digits = name[1:].split("-", 1)[0]
    return int(digits) if name.startswith("p") and digits.isdigit() else None


def day_folder(layer: str, table: str, day: date) -> str:
    return f"{layer}/{table}" if day == UNDATED else f"{layer}/{table}/day={day.isoformat()}"


def day_path(layer: str, table: str, day: date) -> str:
    return f"{day_folder(layer, table, day)}/{PART}"


def cut_part(number: int, sha256: str) -> str:
    """The name of one of a day's several files. Other bytes have another: an old listing must not meet a new file."""
    return f"part-{number}-{sha256[:32]}.parquet"
