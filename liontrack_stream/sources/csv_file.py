"""Fixes in a CSV, plain or gzipped, of any size, row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from liontrack_stream.sources.columns import ColumnsReader, Layout
from liontrack_stream.sources.files import Row, SourceFile, UnreadableFile
from liontrack_stream.sources.fixes import Fix, FixMaker

_HEADER_MAX_CHARACTERS = 1 << 20


class CsvRows(SourceFile):
    """An open CSV. Bytes that are not UTF-8 come as lone surrogates in their cells.

    ``delimiters`` are those that may part the cells: the one that the first line has most of.
    """

    broken_kind = "broken CSV"
    place_name = "line"

    def __init__(self, path: Path, delimiters: str = ",") -> None:
        super().__init__(path)
        self._delimiters = delimiters
        self._reader: Any = None

    def rows(self) -> Iterator[Row]:
        """All rows below the header; blank lines are no rows. A row's place is the line where it begins."""
        while True:
            line = self._reader.line_num + 1
            try:
                with self._damage():
                    cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(line, [], f"cannot be split into fields: {error}")
                continue
            if cells:
                yield Row(line, cells)

    def _where(self) -> str:
        return f"line {self._reader.line_num if self._reader else 0:,}"

    def _begin(self, stream: Any) -> None:
        lines: IO[str] = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        try:
            with self._damage():
                first = lines.readline(_HEADER_MAX_CHARACTERS)
                delimiter = max(self._delimiters, key=first.count)
                self._reader = csv.reader(_after(first, lines), delimiter=delimiter)
                self.header = next(self._reader, [])
        except csv.Error as error:
            raise UnreadableFile(f"{self.path} is no CSV: {error}.") from None


class CsvFile(CsvRows):
    """A CSV of fixes, one a row, whose columns a layout finds."""

    def __init__(self, path: Path, layout: Layout, maker: FixMaker) -> None:
        super().__init__(path, layout.delimiters)
        self._layout, self._maker = layout, maker
        self._columns: ColumnsReader

    def convert(self, row: Row) -> Fix:
        return self._maker.make(self._columns.read(row.cells))

    def _begin(self, stream: Any) -> None:
        super()._begin(stream)
        self._columns = ColumnsReader(self.header, self._layout, self._maker.names_all)


def _after(first: str, lines: IO[str]) -> Iterator[str]:
    yield first
    yield from lines
