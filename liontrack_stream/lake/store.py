"""Where the files lie: a local folder or an S3 bucket. A path is relative to the root and uses ``/``."""

from __future__ import annotations

import hashlib
import itertools
import os
import socket
import time
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from pyarrow import fs

from liontrack_stream.lake.bucket import Remover, arrow_filesystem
from liontrack_stream.lake.layout import COMPACT_FOLDER, LOG_FOLDER, TEMP_FOLDER
from liontrack_stream.lake.parquet import Encoded
from liontrack_stream.lake.ports import LakeError
from liontrack_stream.lake.swap import (
    BucketSwap,
    FileSwap,
    FolderSwap,
    Swap,
    can_exchange,
    delete_put_away,
    put_away_folders,
    recover_folders,
    sync_folder,
)
from liontrack_stream.settings import Settings

_STALE_TEMP_S = 86_400.0


class Staged(Protocol):
    """Bytes that are safe where they are and not yet part of the lake."""

    def publish(self, path: str, replace: bool) -> None:
        """Show them under ``path`` at once and whole. With ``replace`` False an existing file is an error (OSError)."""

    def discard(self) -> None:
        """Forget them; harmless after publish."""


class Store(Protocol):
    """What the exporter needs of a storage. Every method may raise OSError."""

    def prepare(self) -> None:
        """Make the root usable and clear what dead processes left half-written."""

    def stage(self, file: Encoded) -> Staged: ...

    def files(self, prefix: str) -> dict[str, int]:
        """Path and size in bytes of every Parquet file of data below a folder; empty where there is no folder."""

    def names(self, folder: str) -> list[str]:
        """The names of all files in a folder; none where there is no folder."""

    def read(self, path: str) -> pa.Buffer: ...

    def open(self, path: str) -> pa.NativeFile:
        """For reading at any place."""

    def swap(self, folder: str, kept: Collection[str], gone: Collection[str]) -> Swap:
        """Begin to replace files of a folder by others; ``kept`` and ``gone`` are the names in it now.

        With neither, all that is in it is replaced where the store ``exchanges``, elsewhere what has the same name.
        """

    def recover(self, folder: str, listed: Mapping[str, Collection[str]]) -> None:
        """Finish or take back swaps below ``folder`` that were interrupted, so that their folders hold the names
        that the manifest lists. The caller keeps every other writer of bronze away."""

    def interrupted(self, folder: str) -> bool:
        """Whether there may be something to recover."""

    def put_away(self, folder: str) -> None:
        """Let go of what swaps below ``folder`` have left. For the only one who swaps there, after `recover`."""

    @property
    def swaps_at_once(self) -> bool:
        """Whether a swap is one step for whoever lists the folder."""

    @property
    def exchanges(self) -> bool:
        """Whether a folder here can be replaced by another at once."""

    def delete(self, path: str) -> None:
        """Remove a file, and its folder when that was the last; no error where there is none."""


def open_store(settings: Settings) -> Store:
    """The store that ``lake_root`` names: a folder, or ``s3://bucket/prefix``."""
    if settings.lake_root.startswith("s3://"):
        root = settings.lake_root.removeprefix("s3://").strip("/")
        return S3Store(arrow_filesystem(settings), root, Remover(settings))
    return LocalStore(Path(settings.lake_root))


_numbers = itertools.count()  # of the process's temporary files: two stores of one folder may not meet


class LocalStore:
    """A folder. A file is written beside the lake, synced to disk, read back, and linked or renamed into place."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._temp = self._root / TEMP_FOLDER
        self._owner = f"{socket.gethostname()}-{os.getpid()}"

    def prepare(self) -> None:
        self._temp.mkdir(parents=True, exist_ok=True)
        delete_put_away(self._root / COMPACT_FOLDER)
        host, _, own_pid = self._owner.rpartition("-")
        for entry in os.scandir(self._temp):
            writer_host, _, writer_pid = entry.name.rsplit("-", 1)[0].rpartition("-")
            same_host = writer_host == host and writer_pid.isdigit()
            dead = same_host and writer_pid != own_pid and not _alive(int(writer_pid))
            if dead or time.time() - entry.stat().st_mtime > _STALE_TEMP_S:
                Path(entry.path).unlink(missing_ok=True)

    def stage(self, file: Encoded) -> Staged:
        temp = self._temp / f"{self._owner}-{next(_numbers)}.tmp"
        try:
            self._write(temp, file)
        except BaseException:
            temp.unlink(missing_ok=True)
            raise
        return _LocalStaged(self._root, temp)

    def _write(self, temp: Path, file: Encoded) -> None:
        temp.parent.mkdir(parents=True, exist_ok=True)
        with temp.open("w+b", buffering=0) as handle:
            view = memoryview(file.data)
            while view:
                view = view[handle.write(view) :]
            os.fsync(handle.fileno())
            handle.seek(0)
            digest = hashlib.file_digest(handle, "sha256")
        if digest.hexdigest() != file.sha256:
            raise OSError(f"{temp} reads back differently from what was written")

    def files(self, prefix: str) -> dict[str, int]:
        found = {}
        for folder, folders, names in os.walk(self._root / prefix):
            folders[:] = [name for name in folders if name != LOG_FOLDER and not name.startswith(".")]
            for name in names:
                if name.endswith(".parquet"):
                    file = Path(folder, name)
                    found[file.relative_to(self._root).as_posix()] = file.stat().st_size
        return found

    def names(self, folder: str) -> list[str]:
        try:
            return [entry.name for entry in os.scandir(self._root / folder)]
        except FileNotFoundError:
            return []

    def read(self, path: str) -> pa.Buffer:
        return pa.py_buffer((self._root / path).read_bytes())

    def open(self, path: str) -> pa.NativeFile:
        return pa.OSFile(str(self._root / path))

    @property
    def swaps_at_once(self) -> bool:
        return True

    @cached_property
    def exchanges(self) -> bool:
        return can_exchange(self._root / COMPACT_FOLDER)

    def swap(self, folder: str, kept: Collection[str], gone: Collection[str]) -> Swap:
        kind = FolderSwap if kept or gone or self.exchanges else FileSwap
        return kind(self._root / COMPACT_FOLDER, self._root, folder, kept)

    def recover(self, folder: str, listed: Mapping[str, Collection[str]]) -> None:
        recover_folders(self._root / COMPACT_FOLDER, self._root, folder, listed)

    def interrupted(self, folder: str) -> bool:
        staged = self._root / COMPACT_FOLDER / folder
        return staged.is_dir() and any(staged.iterdir())

    def put_away(self, folder: str) -> None:
        put_away_folders(self._root / COMPACT_FOLDER, folder)

    def delete(self, path: str) -> None:
        target = self._root / path
        target.unlink(missing_ok=True)
        try:
            target.parent.rmdir()
        except OSError:
            return  # not empty, or never there
        sync_folder(target.parent.parent)


class _LocalStaged:
    def __init__(self, root: Path, temp: Path) -> None:
        self._root, self._temp = root, temp

    def publish(self, path: str, replace: bool) -> None:
        target = self._root / path
        if not target.parent.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(target.parent.parent)
        if replace:
            self._temp.replace(target)
        else:
            target.hardlink_to(self._temp)  # unlike a rename, never overwrites
            self._temp.unlink()
        sync_folder(target.parent)

    def discard(self) -> None:
        self._temp.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class S3Store:
    """A bucket. A PUT shows an object whole or not at all, so nothing is staged and nothing needs a temporary name."""

    def __init__(self, filesystem: fs.FileSystem, root: str, remove: Callable[[str], None] | None = None) -> None:
        self._fs, self._root, self._remove = filesystem, root, remove or filesystem.delete_file

    def prepare(self) -> None:
        bucket = self._root.split("/", 1)[0]
        if self._fs.get_file_info(bucket).type != fs.FileType.Directory:
            raise LakeError(f"The lake's bucket {bucket!r} does not exist; create it or correct LAKE_ROOT.")

    def stage(self, file: Encoded) -> Staged:
        return _S3Staged(self._fs, self._root, file)

    def files(self, prefix: str) -> dict[str, int]:
        selector = fs.FileSelector(f"{self._root}/{prefix}".rstrip("/"), allow_not_found=True, recursive=True)
        found = {
            info.path.lstrip("/").removeprefix(f"{self._root}/"): info.size
            for info in self._fs.get_file_info(selector)
            if info.is_file and info.path.endswith(".parquet")
        }
        return {
            path: size for path, size in found.items() if not path.startswith(".") and f"/{LOG_FOLDER}/" not in path
        }

    def names(self, folder: str) -> list[str]:
        selector = fs.FileSelector(f"{self._root}/{folder}", allow_not_found=True)
        return [info.base_name for info in self._fs.get_file_info(selector) if info.is_file]

    def read(self, path: str) -> pa.Buffer:
        with self._fs.open_input_file(f"{self._root}/{path}") as file:
            return file.read_buffer()

    def open(self, path: str) -> pa.NativeFile:
        return self._fs.open_input_file(f"{self._root}/{path}")

    @property
    def swaps_at_once(self) -> bool:
        return False

    @property
    def exchanges(self) -> bool:
        return False

    def swap(self, folder: str, kept: Collection[str], gone: Collection[str]) -> Swap:
        staging, target = f"{self._root}/{COMPACT_FOLDER}/{folder}", f"{self._root}/{folder}"
        return BucketSwap(self._fs, self._remove, staging, target, gone)

    def recover(self, folder: str, listed: Mapping[str, Collection[str]]) -> None:
        return  # what is in the bucket and not in the manifest is an orphan

    def interrupted(self, folder: str) -> bool:
        return False

    def put_away(self, folder: str) -> None:
        return  # the next swap of the same folder clears its objects

    def delete(self, path: str) -> None:
        try:
            self._remove(f"{self._root}/{path}")
        except FileNotFoundError:
            return


class _S3Staged:
    def __init__(self, filesystem: fs.FileSystem, root: str, file: Encoded) -> None:
        self._fs, self._root, self._file = filesystem, root, file

    def publish(self, path: str, replace: bool) -> None:
        key = f"{self._root}/{path}"
        if not replace and self._fs.get_file_info(key).is_file:
            raise FileExistsError(f"{key} exists already")
        with self._fs.open_output_stream(key) as stream:
            stream.write(self._file.data)
        if self._fs.get_file_info(key).size != self._file.byte_count:
            raise OSError(f"{key} has another size than what was written")

    def discard(self) -> None:
        return
