"""An input file, plain or gzipped, of any size: its bytes, how many are behind us, and where it broke."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple, Self

from liontrack_stream.sources.fixes import Fix

_MAGIC_GZIP, _MAGIC_ZIP = b"\x1f\x8b", b"PK\x03\x04"
_MAGIC_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class UnreadableFile(Exception):
    """The file is not of its format, or cannot be opened; the message is a sentence."""


class DamagedFile(Exception):
    """The file ends or breaks before its end; the message is a sentence."""


class Row(NamedTuple):
    """One row, point or line. ``place`` is where it is, for a person; ``error`` says why it could not be taken apart.

    ``cells`` belong to the file's ``header``.
    """

    place: int | str
    cells: Sequence[Any]
    error: str | None = None


class SourceFile:
    """An open file of fixes. Use as ``with``. A format says what its rows are, and makes fixes of them.

    Raises
    ------
    UnreadableFile
        On entering, when there is nothing readable at the path.
    DamagedFile
        While reading, when it breaks off.
    """

    broken_kind: ClassVar[str]
    """How a row counts that could not be taken apart."""
    place_name: ClassVar[str] = "place"
    """What the rejects file calls the place of a row."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size_bytes = 0
        self.header: Sequence[str] = ()
        self._raw: IO[bytes]

    def __enter__(self) -> Self:
        try:
            self._raw = self.path.open("rb")
        except OSError as error:
            raise UnreadableFile(f"{self.path} cannot be opened: {error.strerror}.") from None
        try:
            self.size_bytes = self.path.stat().st_size
            self._begin(self._unpacked())
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
        """All rows, in the file's order."""
        raise NotImplementedError

    def convert(self, row: Row) -> Fix:
        """The event of one row. Raises ``BadRow`` for a row that becomes none."""
        raise NotImplementedError

    def _begin(self, stream: Any) -> None:
        """Take the file's bytes, unpacked, and look at how it begins."""
        raise NotImplementedError

    def _unpacked(self) -> Any:
        self._raw.seek(0)
        start = self._raw.read(4)
        self._raw.seek(0)
        if not start:
            raise UnreadableFile(f"{self.path} is empty.")
        if start.startswith(_MAGIC_ZIP):
            raise UnreadableFile(f"{self.path} is a ZIP archive or a spreadsheet: import the file in it.")
        if start.startswith(_MAGIC_UTF16):
            raise UnreadableFile(f"{self.path} is UTF-16 text: save it as UTF-8.")
        return gzip.GzipFile(fileobj=self._raw) if start.startswith(_MAGIC_GZIP) else self._raw

    def _where(self) -> str:
        """How far it was read, for a person."""
        raise NotImplementedError

    @contextmanager
    def _damage(self) -> Iterator[None]:
        """Turn a broken gzip stream into ``DamagedFile``."""
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DamagedFile(f"{self.path} is damaged or cut off after {self._where()}: {error}.") from None
