"""The lake of a generation: a folder or prefix of its own below the live one's, with a layout like it."""

from __future__ import annotations

import shutil
from pathlib import Path

from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings


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
        for path in store.files(""):
            store.delete(path)
    else:
        shutil.rmtree(settings.lake_root, ignore_errors=not Path(settings.lake_root).exists())
