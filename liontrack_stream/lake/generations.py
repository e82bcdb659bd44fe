"""The lake of a generation: a folder or prefix of its own below the live one's, with a layout like it."""

from __future__ import annotations

import shutil
from pathlib import Path

import asyncpg

from liontrack_stream.lake.delta import log_paths
from liontrack_stream.lake.layout import COMPACT_FOLDER, LAYERS, TEMP_FOLDER
from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import query


def remove_lake(settings: Settings) -> None:
    """Delete every file of the generation that the settings are of; no error where there is none. Blocks.

    Raises
    ------
    OSError
        When the storage is away.
    """
    assert settings.liontrack_generation is not None
    if settings.lake_root.startswith("s3://"):
        store = open_store(settings)
        for path in [*log_paths(store), *(path for layer in LAYERS for path in store.files(layer))]:
            store.delete(path)
    elif settings.liontrack_generation:
        shutil.rmtree(settings.lake_root, ignore_errors=not Path(settings.lake_root).exists())
    else:  # the others' lakes lie below
        for folder in (*LAYERS, TEMP_FOLDER, COMPACT_FOLDER):
            shutil.rmtree(Path(settings.lake_root, folder), ignore_errors=True)


async def with_live_lake(settings: Settings) -> Settings:
    """Settings whose lake is the live generation's; as they are where they name one, or there is no catalog."""
    if settings.liontrack_generation is not None:
        return settings
    connection = await asyncpg.connect(**settings.pg_dsn, timeout=10)
    try:
        return settings.with_lake_of(int(await connection.fetchval(query("generations/live"))))
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return settings  # not migrated: whoever goes on is told so
    finally:
        await connection.close()
