"""The file an export goes to: whole under its name, or not there.

A file is written under a temporary name beside its own, and renamed when it is whole and on the disk. What is no plain
file (a pipe, a device) is written as it is, as is standard output.
"""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

STDOUT = "-"
GZIP_LEVEL = 3  # 6 takes three times as long for a tenth fewer bytes


class Output:
    """An open file: what is written, and how many bytes."""

    def __init__(self, raw: IO[bytes], packed: bool) -> None:
        self.raw = raw
        self.byte_count = 0
        self._gzip: Any = gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0) if packed else None

    def write(self, data: bytes) -> int:
        """Append bytes, as they are before they are packed."""
        self.byte_count += len(data)
        (self._gzip or self.raw).write(data)
        return len(data)

    def flush(self) -> None:
        """Give the system what is buffered."""
        self.raw.flush()

    def end(self) -> None:
        """Nothing more comes."""
        if self._gzip is not None:
            self._gzip.close()
        self.raw.flush()


def folder_of(target: str) -> str | None:
    """The folder that has room for the file; None where it goes elsewhere."""
    path = Path(target).resolve()
    return None if target == STDOUT or (path.exists() and not path.is_file()) else str(path.parent)


@contextmanager
def output(target: str) -> Iterator[Output]:
    """Where an export is written; ``-`` is standard output, a name that ends with ``.gz`` is packed.

    Left by an exception, a file leaves nothing, and a file that was there before stays as it was.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    packed = target.endswith(".gz")
    if target == STDOUT:
        yield from _direct(sys.stdout.buffer, packed)
        return
    path = Path(target).resolve()
    if folder_of(target) is None:
        with path.open("wb") as raw:
            yield from _direct(raw, packed)
        return
    part = path.with_name(f".{path.name[:200]}.{os.getpid()}.part")
    try:
        with part.open("xb") as raw:
            yield from _direct(raw, packed)
            os.fsync(raw.fileno())
        part.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise


def _direct(raw: IO[bytes], packed: bool) -> Iterator[Output]:
    written = Output(raw, packed)
    yield written
    written.end()
