"""Reads the lake as a stranger would, by globs, and compares it with the warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import duckdb
import pyarrow.dataset as ds
import pytest
import s3fs

from liontrack_stream.lake.catalog import BRONZE, TABLES
from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import query

both_stores = pytest.mark.parametrize("lake", ["folder", "bucket"], indirect=True)
"""For tests that run on a folder and on MinIO."""


def filesystem(settings: Settings) -> s3fs.S3FileSystem | None:
    """What a stranger's tools are given to read a bucket; None for a folder."""
    if not settings.lake_root.startswith("s3://"):
        return None
    assert settings.s3_secret_access_key is not None
    return s3fs.S3FileSystem(
        key=settings.s3_access_key_id,
        secret=settings.s3_secret_access_key.get_secret_value(),
        client_kwargs={"endpoint_url": settings.s3_endpoint_url, "region_name": settings.s3_region},
        use_listings_cache=False,
        skip_instance_cache=True,
    )


@contextmanager
def stranger(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB as anybody has it."""
    with duckdb.connect() as db:
        if (files := filesystem(settings)) is not None:
            db.register_filesystem(files)
        db.execute("SET TimeZone = 'UTC'")
        yield db


def duckdb_rows(settings: Settings, folder: str, columns: str = "*", hive: bool = True) -> list[tuple[Any, ...]]:
    """All rows below a folder of the lake; none where there is no file."""
    if not open_store(settings).files(folder):
        return []
    glob = f"{settings.lake_root}/{folder}/**/*.parquet"
    with stranger(settings) as db:
        return db.execute(
            f"SELECT {columns} FROM read_parquet(?, hive_partitioning = ?)", [glob, hive]
        ).fetchall()  # fmt: skip


def dataset(settings: Settings, folder: str) -> ds.Dataset:
    """A folder of the lake by pyarrow."""
    root = settings.lake_root.removeprefix("s3://")
    return ds.dataset(f"{root}/{folder}", partitioning="hive", format="parquet", filesystem=filesystem(settings))


def dataset_rows(settings: Settings, folder: str, columns: list[str]) -> list[tuple[Any, ...]]:
    if not open_store(settings).files(folder):
        return []
    table = dataset(settings, folder).to_table(columns=columns)
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


async def differences(settings: Settings, connection: asyncpg.Connection) -> list[str]:
    """Tables whose rows in the lake, by either engine, are not those of the warehouse."""
    found = []
    for table in TABLES:
        rows = await connection.fetch(query(table.query_name).format(days="true"))
        if table.name == "positions":
            history = [tuple(row) for row in await connection.fetch("SELECT * FROM gold.lions_positions_history")]
            names = ["lion_id", "position_date", "lat", "lng", "accuracy"]
            found += _compare(settings, "gold/lions_positions_history", names, history)
        if rows:
            found += _compare(settings, f"{table.layer}/{table.name}", list(rows[0].keys()), [tuple(r) for r in rows])
        else:
            found += _compare(settings, f"{table.layer}/{table.name}", [table.order[0]], [])
    for topic, bronze in BRONZE.items():
        names = [field.name for field in bronze.schema]
        rows = await connection.fetch(
            f"SELECT {', '.join(f'b.{name!r}' for name in names)} FROM bronze.{bronze.relation} b".replace("'", '"')
        )
        found += _compare(settings, f"bronze/{topic}", names, [tuple(row) for row in rows])
    return found


def _compare(settings: Settings, folder: str, names: list[str], warehouse: list[tuple[Any, ...]]) -> list[str]:
    expected = _normal(warehouse)
    quoted = ", ".join(f'"{name}"' for name in names)
    readers = {
        "duckdb": duckdb_rows(settings, folder, quoted),
        "duckdb without hive": duckdb_rows(settings, folder, quoted, hive=False),
        "pyarrow": dataset_rows(settings, folder, names),
    }
    return [f"{folder} read by {name}" for name, rows in readers.items() if _normal(rows) != expected]


def _normal(rows: list[tuple[Any, ...]]) -> list[str]:
    return sorted(repr([_plain(value) for value in row]) for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(("{", "[")):
        return json.dumps(json.loads(value), sort_keys=True)
    if hasattr(value, "tzinfo"):
        return value.isoformat().replace("+00:00", "Z")
    return list(value) if isinstance(value, list | tuple) else value
