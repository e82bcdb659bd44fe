"""Does to a lake's files what disks and people do, in a folder or in a bucket."""

from __future__ import annotations

from pathlib import Path

from liontrack_stream.lake.store import open_store
from liontrack_stream.settings import Settings
from tests.lake.reading import filesystem


def put(lake: Settings, path: str, data: bytes) -> None:
    """Write bytes under a path of the lake, past everything that keeps its order."""
    bucket = filesystem(lake)
    if bucket is not None:
        bucket.pipe_file(f"{lake.lake_root}/{path}", data)
        return
    target = Path(lake.lake_root, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def copy_file(lake: Settings, source: str, target: str) -> None:
    put(lake, target, open_store(lake).read(source).to_pybytes())


def corrupt(lake: Settings, path: str) -> None:
    """The same size, other bytes."""
    data = bytearray(open_store(lake).read(path).to_pybytes())
    middle = len(data) // 2
    data[middle : middle + 8] = bytes(byte ^ 0xFF for byte in data[middle : middle + 8])
    put(lake, path, bytes(data))


def truncate(lake: Settings, path: str) -> None:
    data = open_store(lake).read(path).to_pybytes()
    put(lake, path, data[: len(data) // 2])


def remove(lake: Settings, path: str) -> None:
    open_store(lake).delete(path)
