"""Sends the fixes of a file.

Sending the same file again is safe: an event's identity is lion_id + timestamp, so the worker counts the second copy as
duplicates and changes nothing. Within a file the first row of a lion and timestamp is sent, later ones are duplicates.
Rows marked as not visible wait for the end, so that none stands in the way of a visible one.
"""

from __future__ import annotations

import csv
import json
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.sources.cells import BadRow
from liontrack_stream.sources.files import DamagedFile, Row, SourceFile
from liontrack_stream.sources.fixes import Fix, SeenFixes

Send = Callable[[list[Outgoing]], Awaitable[object]]

_CHUNK_ROWS = 2_000
_SPOOL_BYTES = 1 << 20
_DUPLICATE = "duplicate: an earlier row has this lion and timestamp"


@dataclass(slots=True)
class ImportReport:
    """``rows`` = ``sent`` + ``skipped`` + ``duplicates``; ``reasons`` counts the skipped rows by reason."""

    rows: int = 0
    sent: int = 0
    skipped: int = 0
    duplicates: int = 0
    not_visible: int = 0  # of those sent
    by_deployment: int = 0  # of those sent: whose lion the collar's deployment said, and the row another one, or none
    lions: set[str] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    damage: str | None = None  # why the file could not be read to its end


class Rejects:
    """The rows that were not sent, with line and reason, as a CSV; the file is made when the first one comes."""

    def __init__(self, path: Path, header: Sequence[str], place: str = "line") -> None:
        self.path = path
        self.count = 0
        self._header = [place, "reason", *header]
        self._file: IO[str] | None = None
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, place: int | str, reason: str, cells: Sequence[Any]) -> None:
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(self._header)
        self._writer.writerow([place, reason, *(_cell(cell) for cell in cells)])
        self.count += 1


def _cell(cell: Any) -> str:
    return cell if cell.__class__ is str else "" if cell is None else json.dumps(cell, ensure_ascii=False)


class Importer:
    """Sends an open file's rows; memory holds 8 bytes a row, to know duplicates.

    ``report`` counts along, so that it tells what was sent when ``run`` ends in an exception.
    """

    def __init__(self, file: SourceFile, rejects: Rejects, send: Send) -> None:
        self.report = ImportReport()
        self.send = send
        self.on_progress: Callable[[], None] = lambda: None
        self._file, self._rejects = file, rejects
        self._seen = SeenFixes()
        self._chunk: list[Outgoing] = []

    async def run(self) -> ImportReport:
        """Convert and send every row, of a damaged file those before the damage."""
        began = time.monotonic()
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES, mode="w+", encoding="utf-8") as hidden:
            try:
                await self._visible_rows(hidden)
            except DamagedFile as error:
                self.report.damage = str(error)
            hidden.seek(0)
            for line in hidden:
                row = Row(*json.loads(line))
                await self._admit(row, self._file.convert(row))
        await self._send_chunk()
        self.report.seconds = time.monotonic() - began
        return self.report

    async def _visible_rows(self, hidden: Any) -> None:
        """Send what is visible, set the rest aside."""
        for row in self._file.rows():
            self.report.rows += 1
            fix = self._convert(row)
            if fix is None:
                continue
            if fix.visible:
                await self._admit(row, fix)
            else:
                hidden.write(json.dumps(row) + "\n")

    def _convert(self, row: Row) -> Fix | None:
        """The row's event; None for a row that went to the rejects."""
        try:
            if not row.error:
                return self._file.convert(row)
            error = BadRow(self._file.broken_kind, row.error)
        except BadRow as bad:
            error = bad
        self.report.skipped += 1
        self.report.reasons[error.kind] += 1
        self._rejects.add(row.place, str(error), row.cells)
        return None

    async def _admit(self, row: Row, fix: Fix) -> None:
        if not self._seen.add(fix.lion, fix.time_us):
            self.report.duplicates += 1
            self._rejects.add(row.place, _DUPLICATE, row.cells)
            return
        self._chunk.append(fix.record)
        self.report.lions.add(fix.lion)
        self.report.by_deployment += fix.by_deployment
        self.report.not_visible += not fix.visible
        if len(self._chunk) >= _CHUNK_ROWS:
            await self._send_chunk()

    async def _send_chunk(self) -> None:
        await self.send(self._chunk)
        self.report.sent += len(self._chunk)
        self._chunk = []
        self.on_progress()
