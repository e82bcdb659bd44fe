"""Reads the lake as Delta readers do, by its logs alone."""

from __future__ import annotations

from collections.abc import Iterable

import deltalake
import pyarrow as pa

from liontrack_stream.lake.catalog import BRONZE, BY_OUTPUT
from liontrack_stream.lake.store import Store, open_store
from liontrack_stream.settings import Settings
from tests.lake.reading import dataset

DELTA_TABLES = [*(f"bronze/{topic}" for topic in BRONZE), *(f"{layer}/{name}" for layer, name in BY_OUTPUT)]


def delta(settings: Settings, table: str) -> deltalake.DeltaTable:
    options = None
    if settings.lake_root.startswith("s3://"):
        assert settings.s3_secret_access_key is not None
        options = {
            "AWS_ACCESS_KEY_ID": settings.s3_access_key_id or "",
            "AWS_SECRET_ACCESS_KEY": settings.s3_secret_access_key.get_secret_value(),
            "AWS_ENDPOINT_URL": settings.s3_endpoint_url or "",
            "AWS_REGION": settings.s3_region or "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }
    return deltalake.DeltaTable(f"{settings.lake_root}/{table}", storage_options=options)


def delta_differences(settings: Settings, tables: Iterable[str] = DELTA_TABLES) -> list[str]:
    """Tables whose rows, read by their Delta log, are not those that a glob finds; tables that lack a log."""
    store = open_store(settings)
    return [table for table in tables if _differs(settings, store, table)]


def _differs(settings: Settings, store: Store, table: str) -> bool:
    files = store.files(table)
    if not store.names(f"{table}/_delta_log"):
        return bool(files)
    read = delta(settings, table).to_pyarrow_table()
    if not files:
        return bool(read.num_rows)
    globbed = dataset(settings, table).to_table()
    names = sorted(set(globbed.column_names) - {"day", "date"})
    if sorted(set(read.column_names) - {"day", "date"}) != names:
        return True
    return _rows(read, names) != _rows(globbed, names)


def _rows(table: pa.Table, names: list[str]) -> list[str]:
    return sorted(map(repr, zip(*(table[name].to_pylist() for name in names), strict=True)))
