"""Reads a Movebank CSV, plain or gzipped, of any size, row by row."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

from liontrack_stream.sources.movebank import NotMovebank

_MAGIC_GZIP, _MAGIC_ZIP = b"\x1f\x8b", b"PK\x03\x04"
_MAGIC_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class DamagedFile(Exception):
    """The file ends or breaks before its end; the message is a sentence."""


class Row(NamedTuple):
    """One row. ``line`` is where it begins, from 1; ``error`` says why it could not be split into fields."""

    line: int
    fields: list[str]
    error: str | None = None


class MovebankFile:
    """An open export. Use as ``with``; bytes that are not UTF-8 come as lone surrogates in their fields.

    Raises
    ------
    NotMovebank
        On entering, when there is nothing readable at the path.
    DamagedFile
        While reading, when a gzip stream breaks off.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size_bytes = 0
        self.header: list[str] = []
        self._raw: IO[bytes]
        self._reader: Any

    def __enter__(self) -> Self:
        try:
            self._raw = self.path.open("rb")
        except OSError as error:
            raise NotMovebank(f"{self.path} cannot be opened: {error.strerror}.") from None
        try:
            self.size_bytes = self.path.stat().st_size
            self._reader = csv.reader(self._text())
            with self._damage():
                self.header = next(self._reader, [])
        except csv.Error as error:
            self._raw.close()
            raise NotMovebank(f"{self.path} is no CSV: {error}.") from None
        except BaseException:
            self._raw.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._raw.close()

    @property
    def bytes_read(self) -> int:
        """Bytes of the file that are behind us; compressed ones, where it is."""
        return self.size_bytes if self._raw.closed else self._raw.tell()

    def rows(self) -> Iterator[Row]:
        """All rows below the header; blank lines are no rows."""
        while True:
            line = self._reader.line_num + 1
            try:
                with self._damage():
                    fields = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(line, [], f"cannot be split into fields: {error}")
                continue
            if fields:
                yield Row(line, fields)

    def _text(self) -> IO[str]:
        start = self._raw.read(4)
        self._raw.seek(0)
        if not start:
            raise NotMovebank(f"{self.path} is empty.")
        if start.startswith(_MAGIC_ZIP):
            raise NotMovebank(f"{self.path} is a ZIP archive or a spreadsheet: import the CSV file in it.")
        if start.startswith(_MAGIC_UTF16):
            raise NotMovebank(f"{self.path} is UTF-16 text: save it as UTF-8.")
        binary: Any = gzip.GzipFile(fileobj=self._raw) if start.startswith(_MAGIC_GZIP) else self._raw
        return io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline="")

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            line = self._reader.line_num
            raise DamagedFile(f"{self.path} is damaged or cut off after line {line:,}: {error}.") from None
