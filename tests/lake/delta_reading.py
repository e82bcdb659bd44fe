"""Reads the lake as Delta readers do, by its logs alone."""

from __future__ import annotations

import deltalake

from liontrack_stream.lake.catalog import BRONZE, BY_OUTPUT
from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from tests.lake.reading import dataset, dataset_rows

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


def delta_differences(settings: Settings) -> list[str]:
    """Tables whose rows, read by their Delta log, are not those that a glob finds; tables that lack a log."""
    return [table for table in DELTA_TABLES if _differs(settings, table)]


def _differs(settings: Settings, table: str) -> bool:
    files = open_store(settings).files(table)
    if not open_store(settings).names(f"{table}/_delta_log"):
        return bool(files)
    read = delta(settings, table).to_pyarrow_table()
    if not files:
        return bool(read.num_rows)
    names = [name for name in dataset(settings, table).schema.names if name not in {"day", "date"}]
    if set(read.column_names) - {"day", "date"} != set(names):
        return True
    rows = zip(*(read[name].to_pylist() for name in names), strict=True)
    return sorted(map(repr, rows)) != sorted(map(repr, dataset_rows(settings, table, names)))
