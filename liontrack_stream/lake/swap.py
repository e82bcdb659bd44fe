"""Replaces all files of a day's folder at once, so that whoever lists the folder meanwhile sees the ones or the others.

::

    bronze/<topic>/date=…            .compact/bronze/<topic>/date=…
    ├ p0-000  p0-100  p0-200         ├ p0-000-300                      written, synced
    └────────────────────────  ⇄  ───┘                                 one exchange of two folders (renameat2)
    └ p0-000-300                     └ p0-000  p0-100  p0-200          put away, deleted later

A folder does that in one step (but see decision 9). A bucket cannot: each of its steps changes
one object. There the new object appears before the old ones vanish.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Protocol

from pyarrow import fs

from liontrack_stream.lake.ports import LakeError

PUT_AWAY_S = 600.0  # who is still listing a folder that was exchanged must find its names
_PUT_AWAY = ".old"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_CHUNK_BYTES = 8 << 20


class Swap(Protocol):
    """One replacement under way: write into ``folder``, ``show``, commit the manifest, ``finish``."""

    @property
    def folder(self) -> Path:
        """A local folder for the new files, under their last names."""

    def prepare(self) -> None:
        """Make the new files durable where nobody looks; before any lock is taken."""

    def show(self) -> None:
        """Make the new files the lake's; the last act before the manifest's COMMIT. Raises OSError, LakeError."""

    def finish(self) -> None:
        """After the COMMIT: let go of the old files."""

    def discard(self) -> None:
        """Before ``show``: forget the new files."""


class FolderSwap:
    def __init__(self, compact: Path, root: Path, folder: str, kept: Collection[str]) -> None:
        self._compact, self._live, self._kept = compact, root / folder, kept
        self._staged = compact / folder
        if self._staged.exists():
            _put_away(compact, self._staged)
        self._staged.mkdir(parents=True)
        delete_put_away(compact)

    @property
    def folder(self) -> Path:
        return self._staged

    def prepare(self) -> None:
        sync_folder(self._staged)

    def show(self) -> None:
        self._live.mkdir(parents=True, exist_ok=True)
        for name in self._kept:
            (self._staged / name).hardlink_to(self._live / name)
        sync_folder(self._staged)
        _exchange(self._staged, self._live)

    def finish(self) -> None:
        _put_away(self._compact, self._staged)

    def discard(self) -> None:
        shutil.rmtree(self._staged, ignore_errors=True)


class FileSwap(FolderSwap):
    """Where folders cannot be exchanged: a new file replaces the one of its name, and nothing else changes."""

    def show(self) -> None:
        self._live.mkdir(parents=True, exist_ok=True)
        for file in self._staged.iterdir():
            file.replace(self._live / file.name)
        sync_folder(self._live)


class BucketSwap:
    def __init__(
        self, filesystem: fs.FileSystem, remove: Callable[[str], None], staging: str, folder: str, gone: Collection[str]
    ) -> None:
        self._fs, self._remove, self._staging, self._target, self._gone = filesystem, remove, staging, folder, gone
        self._local = tempfile.TemporaryDirectory(prefix="liontrack-compact-")
        self._clear()

    @property
    def folder(self) -> Path:
        return Path(self._local.name)

    def prepare(self) -> None:
        for file in sorted(self.folder.iterdir()):
            key = f"{self._staging}/{file.name}"
            with file.open("rb") as source, self._fs.open_output_stream(key) as stream:
                while chunk := source.read(_CHUNK_BYTES):
                    stream.write(chunk)
            if self._fs.get_file_info(key).size != file.stat().st_size:
                raise OSError(f"{key} has another size than what was written")

    def show(self) -> None:
        for file in sorted(self.folder.iterdir()):
            self._fs.copy_file(f"{self._staging}/{file.name}", f"{self._target}/{file.name}")

    def finish(self) -> None:
        for name in self._gone:
            try:
                self._remove(f"{self._target}/{name}")
            except FileNotFoundError:
                continue
        self.discard()

    def discard(self) -> None:
        self._local.cleanup()
        self._clear()

    def _clear(self) -> None:
        """Objects that this or a dead compaction has staged; there is one compaction at a time."""
        selector = fs.FileSelector(self._staging, allow_not_found=True, recursive=True)
        for info in self._fs.get_file_info(selector):
            if info.is_file:
                self._remove(info.path)


def recover_folders(compact: Path, root: Path, folder: str, listed: Mapping[str, Collection[str]]) -> None:
    """Exchange the staged folders that the manifest lists with those that it does not list."""
    for staged in (compact / folder).glob("*") if (compact / folder).is_dir() else ():
        name = f"{folder}/{staged.name}"
        wanted = set(listed.get(name, ()))
        if wanted and _names(staged) == wanted and _names(root / name) != wanted:
            _exchange(staged, root / name)


def put_away_folders(compact: Path, folder: str) -> None:
    """Let go of what was staged below ``folder``."""
    for staged in [*(compact / folder).glob("*")]:
        _put_away(compact, staged)


def _names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def can_exchange(folder: Path) -> bool:
    """Whether two folders below this one can change places at once. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        one, other = Path(place, "one"), Path(place, "other")
        one.mkdir()
        other.mkdir()
        try:
            _exchange(one, other)
        except LakeError:
            return False
    return True


def _exchange(one: Path, other: Path) -> None:
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        raise LakeError("This system cannot exchange two folders at once (renameat2): compact on Linux.") from None
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) != 0:
        code = ctypes.get_errno()
        if code in {errno.EINVAL, errno.ENOSYS}:
            raise LakeError(f"The file system of {other} cannot exchange two folders at once; compact elsewhere.")
        raise OSError(code, os.strerror(code), str(one), None, str(other))
    sync_folder(one.parent)
    sync_folder(other.parent)


def _put_away(compact: Path, folder: Path) -> None:
    aged = compact / _PUT_AWAY
    aged.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    folder.rename(aged / f"{os.getpid()}-{time.time_ns()}")


def delete_put_away(compact: Path) -> None:
    """Delete what was exchanged so long ago that nobody can still be listing it."""
    for folder in (compact / _PUT_AWAY).glob("*"):
        if time.time() - folder.stat().st_mtime > PUT_AWAY_S:
            shutil.rmtree(folder, ignore_errors=True)
