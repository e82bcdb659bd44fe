"""Both stores show a file whole or not at all, and keep nobody else's file."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import duckdb
import fsspec
import pyarrow as pa
import pytest
from pyarrow import fs

from liontrack_stream.lake import LakeExporter
from liontrack_stream.lake.parquet import Encoded, encode
from liontrack_stream.lake.store import LocalStore, S3Store, Store
from liontrack_stream.settings import Settings
from tests.lake.filling import POSITIONS, add_bronze, add_positions

FILE = encode(pa.table({"n": [1, 2, 3]}))


def in_memory_bucket() -> S3Store:
    """S3's code path on an object store without folders, in memory."""
    memory = fsspec.filesystem("memory")
    bucket = uuid.uuid4().hex
    memory.mkdir(f"/{bucket}")
    return S3Store(fs.PyFileSystem(fs.FSSpecHandler(memory)), f"{bucket}/prefix")


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    store = LocalStore(tmp_path / "lake") if request.param == "folder" else in_memory_bucket()
    store.prepare()
    return store


def test_publish_list_read_delete(store: Store) -> None:
    assert store.files("silver") == {}
    staged = store.stage(FILE)
    assert store.files("") == {}
    staged.publish("silver/t/day=2025-03-01/part-0.parquet", True)
    staged.discard()
    assert store.files("silver") == {"silver/t/day=2025-03-01/part-0.parquet": FILE.byte_count}
    assert store.read("silver/t/day=2025-03-01/part-0.parquet").equals(FILE.data)
    store.delete("silver/t/day=2025-03-01/part-0.parquet")
    store.delete("silver/t/day=2025-03-01/part-0.parquet")
    assert store.files("silver") == {}


def test_immutable_files_are_never_overwritten(store: Store) -> None:
    store.stage(FILE).publish("bronze/a.parquet", False)
    other = encode(pa.table({"n": [4]}))
    with pytest.raises(OSError):
        store.stage(other).publish("bronze/a.parquet", False)
    assert store.read("bronze/a.parquet").equals(FILE.data)
    store.stage(other).publish("bronze/a.parquet", True)
    assert store.read("bronze/a.parquet").equals(other.data)


def test_two_stores_of_a_process_keep_their_files_apart(tmp_path: Path) -> None:
    first, second = LocalStore(tmp_path), LocalStore(tmp_path)
    other = encode(pa.table({"n": [4]}))
    staged = first.stage(FILE), second.stage(other)
    for one, path in zip(staged, ("bronze/a.parquet", "bronze/b.parquet"), strict=True):
        one.publish(path, False)
    assert first.read("bronze/a.parquet").equals(FILE.data)
    assert first.read("bronze/b.parquet").equals(other.data)


def test_a_disk_that_lies_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="reads back differently"):
        LocalStore(tmp_path).stage(Encoded(FILE.data, 3, "0" * 64))
    assert list((tmp_path / ".tmp").iterdir()) == []


def test_only_the_dead_lose_their_temporary_files(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host = socket.gethostname()
    temp = tmp_path / ".tmp"
    temp.mkdir()
    names = {f"{host}-{ended.pid}-0.tmp": False, f"{host}-{os.getppid()}-7.tmp": True, "other-host-1-0.tmp": True}
    for name in names:
        (temp / name).write_bytes(b"half")
    LocalStore(tmp_path).prepare()
    assert {path.name for path in temp.iterdir()} == {name for name, stays in names.items() if stays}


async def test_export_to_a_bucket(lake: Settings, warehouse: asyncpg.Connection) -> None:
    bucket = in_memory_bucket()
    await add_positions(warehouse, date(2025, 2, 27), days=2)
    await add_bronze(warehouse, POSITIONS, 0, 0, 30, datetime(2025, 3, 1, 12, tzinfo=UTC))
    exporter = LakeExporter(lake, bucket)
    exporter.assigned([(POSITIONS, 0)])
    await exporter.close()
    manifest = await warehouse.fetch("SELECT path, byte_count FROM metadata.lake_files")
    assert bucket.files("") == {row["path"]: row["byte_count"] for row in manifest}
    assert len(manifest) == 9


def test_a_listing_during_swaps_is_of_one_moment(tmp_path: Path) -> None:
    """Folders of 20 files and of 1 take turns; who lists in one step never sees parts of two, nor nothing.

    pyarrow and DuckDB ask for listed names again, and leave out what is gone by then: never files of two moments.
    """
    store, folder, ended = LocalStore(tmp_path), "bronze/t/date=2025-03-01", threading.Event()
    glob = f"FROM glob('{tmp_path}/bronze/*/*/*.parquet')"
    lists: dict[str, Callable[[], list[str]]] = {
        "duckdb": lambda: [row[0] for row in duckdb.connect().sql(glob).fetchall()],
        "scandir": lambda: [entry.name for entry in os.scandir(tmp_path / folder)],
        "pyarrow": lambda: [file.path for file in fs.LocalFileSystem().get_file_info(selector) if file.is_file],
    }
    selector = fs.FileSelector(str(tmp_path / "bronze"), recursive=True)
    seen: dict[str, set[tuple[str, ...]]] = {name: set() for name in lists}

    def look(name: str) -> None:
        while not ended.is_set():
            seen[name].add(tuple(sorted(path.rsplit("/", 1)[-1] for path in lists[name]())))

    threads = [threading.Thread(target=look, args=(name,)) for name in lists]
    (tmp_path / folder).mkdir(parents=True)
    present: list[str] = []
    for n in range(61):
        swap = store.swap(folder, [], present)
        present = [f"{n}-{file}.parquet" for file in range(20 if n % 2 else 1)]
        for name in present:
            (swap.folder / name).write_bytes(FILE.data.to_pybytes())
        swap.prepare()
        swap.show()
        swap.finish()
        if n == 0:
            for thread in threads:
                thread.start()
    ended.set()
    for thread in threads:
        thread.join()
    for name, listings in seen.items():
        assert len(listings) > 1, name
        assert all(len({path.split("-")[0] for path in listing}) <= 1 for listing in listings), name
        assert name != "scandir" or {len(listing) for listing in listings} <= {1, 20}, name
