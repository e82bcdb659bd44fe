"""Expected rows against those of the warehouse or the lake: what differs, in words."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import Rows, Tables

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a number may be from the expected one: the larger of the two."""

    relative: float = 1e-9
    absolute: float = 0.0


_DEFAULT = Tolerance()
# Two implementations of the geodesic agree to nanometres, so a millimetre may round the other way.
TOLERANCES: dict[str, Tolerance] = {
    "step_mm": Tolerance(0.0, 1),
    "distance_m": Tolerance(1e-9, 0.01),
    "max_speed_kmh": Tolerance(1e-6, 1e-6),
    "health_score": Tolerance(0.0, 1.5e-6),
    "engagement_score": Tolerance(0.0, 1.5e-6),
}

PRIMARY_KEYS: dict[str, tuple[str, ...]] = {
    "metadata.dead_letters": ("topic", "partition", "offset"),
    "metadata.deletions": ("topic", "partition", "offset"),
    "metadata.repeats": ("topic", "partition", "offset"),
    "metadata.data_quality_checks": ("table_name", "check_name", "check_timestamp"),
    "silver.positions": ("lion_id", "event_time"),
    "silver.lions": ("lion_id",),
    "silver.weight_history": ("weight_id",),
    "silver.users": ("user_id",),
    "silver.user_activities": ("user_id", "event_time", "activity_type", "event_id"),
    "silver.challenge_events": ("challenge_id", "updated_at", "status"),
    "silver.challenges": ("challenge_id",),
    "gold.lions_metrics": ("lion_id", "metric_date"),
    "gold.lion_windows": ("lion_id", "window_start"),
    "gold.lions_positions_history": ("lion_id", "position_date"),
    "gold.users_activity": ("user_id", "activity_date"),
    "gold.user_windows": ("user_id", "window_start"),
    "gold.quality_daily": ("table_name", "check_date"),
}
BRONZE_TABLES = ("lions_raw", "weights_raw", "users_raw", "challenges_raw", "quality_raw")
_JSON_COLUMNS = {"metadata", "details", "activities", "headers"}


def same(expected: Any, actual: Any, tolerance: Tolerance) -> bool:
    """Equal: numbers within the tolerance where either is a float, everything else exactly."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    numbers = isinstance(expected, int | float) and isinstance(actual, int | float)
    if numbers and (tolerance.absolute or isinstance(expected, float) or isinstance(actual, float)):
        return math.isclose(expected, actual, rel_tol=tolerance.relative, abs_tol=tolerance.absolute)
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return expected.keys() == actual.keys() and all(same(v, actual[k], tolerance) for k, v in expected.items())
    if isinstance(expected, list | tuple) and isinstance(actual, list | tuple):
        return len(expected) == len(actual) and all(
            same(e, a, tolerance) for e, a in zip(expected, actual, strict=True)
        )
    return bool(expected == actual)


def compare_rows(expected: Rows, actual: Rows, tolerances: Mapping[str, Tolerance] = TOLERANCES) -> list[str]:
    """Differences in words, the first 10 and how many more; empty when the rows agree.

    Only the columns that an expected row has are compared; ``actual`` may carry more.
    """
    differences = [f"missing {key}: expected {row}" for key, row in expected.items() if key not in actual]
    differences += [f"unexpected {key}: {row}" for key, row in actual.items() if key not in expected]
    for key in expected.keys() & actual.keys():
        row = actual[key]
        for column, value in expected[key].items():
            if column not in row:
                differences.append(f"{key}: no column {column}")
                continue
            found = row[column]
            if found.__class__ is value.__class__ and found == value:
                continue  # nearly always
            if not same(value, found, tolerances.get(column, _DEFAULT)):
                differences.append(f"{key} {column}: expected {value!r}, is {found!r}")
    differences.sort()
    more = len(differences) - SHOWN
    return differences[:SHOWN] + ([f"… and {more} more"] if more > 0 else [])


def compare_tables(expected: Tables, actual: Tables) -> list[str]:
    """``compare_rows`` of every table that both sides hold, each difference led by its table."""
    return [
        f"{table}: {difference}"
        for table in expected
        if table in actual
        for difference in compare_rows(expected[table], actual[table])
    ]


def keyed(table: str, records: list[dict[str, Any]]) -> Rows:
    """Rows by primary key, jsonb decoded. A key met twice is an error."""
    rows: Rows = {}
    for record in records:
        values = {
            column: json.loads(value) if column in _JSON_COLUMNS and isinstance(value, str) else value
            for column, value in record.items()
        }
        key = tuple(values.pop(column) for column in PRIMARY_KEYS[table])
        if key in rows:
            raise AssertionError(f"{table} holds {key} twice")
        rows[key] = values
    return rows


async def warehouse_rows(connection: Any) -> Tables:
    """Every table the oracle knows, read from Postgres (an asyncpg connection)."""
    tables: Tables = {}
    for table in PRIMARY_KEYS:
        tables[table] = keyed(table, [dict(r) for r in await connection.fetch(f"SELECT * FROM {table}")])
    conflicts = {tuple(r) for r in await connection.fetch('SELECT topic, partition, "offset" FROM metadata.conflicts')}
    for place, row in tables["metadata.repeats"].items():
        row["conflict"] = place in conflicts
    tables["bronze"] = {}
    for name in BRONZE_TABLES:
        for record in await connection.fetch(f"SELECT * FROM bronze.{name}"):
            row = dict(record)
            place = (row.pop("topic"), row.pop("partition"), row.pop("offset"))
            if place in tables["bronze"]:
                raise AssertionError(f"bronze.{name} holds {place} twice")
            tables["bronze"][place] = row
    return tables


def lake_rows(root: Path | str) -> Tables:
    """Every table the oracle knows that the lake at ``root`` holds, read as any engine would: by globbing it."""
    import duckdb

    root = Path(root)
    tables: Tables = {}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")

        def read(folder: Path) -> list[dict[str, Any]]:
            if not any(folder.rglob("*.parquet")):
                return []
            # Folder names such as day=… only place a file; every column is in the files.
            cursor = connection.execute(
                "SELECT * FROM read_parquet(?, hive_partitioning = false)", [f"{folder}/**/*.parquet"]
            )
            columns = [column[0] for column in cursor.description]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

        for table in PRIMARY_KEYS:
            layer, name = table.split(".")
            if (root / layer / name).is_dir():
                tables[table] = keyed(table, read(root / layer / name))
        tables["bronze"] = {}
        for folder in sorted((root / "bronze").glob("*")):
            for row in read(folder):
                place = (row.pop("topic"), row.pop("partition"), row.pop("offset"))
                if place in tables["bronze"]:
                    raise AssertionError(f"the lake's bronze holds {place} twice")
                tables["bronze"][place] = row
    return tables
