"""Committed bronze rows that are still in memory, bounded."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from liontrack_stream.lake.ports import TopicPartition

MAX_HELD_ROWS = 200_000
MAX_HELD_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one partition and one append date: every record of [first_offset, next_offset)."""

    first_offset: int
    next_offset: int
    day: date
    rows: pa.Table


class BronzeBuffer:
    """Per partition, a run of pieces without a gap. What does not fit is dropped, oldest first: bronze has it too."""

    def __init__(self, max_rows: int = MAX_HELD_ROWS, max_bytes: int = MAX_HELD_BYTES) -> None:
        self._max_rows, self._max_bytes = max_rows, max_bytes
        self._pieces: dict[TopicPartition, deque[Piece]] = {}
        self.held_rows = 0
        self.held_bytes = 0

    @property
    def fullness(self) -> float:
        """0 empty … 1 full."""
        return max(self.held_rows / self._max_rows, self.held_bytes / self._max_bytes)

    def rows_of(self, tp: TopicPartition) -> int:
        return sum(piece.rows.num_rows for piece in self._pieces.get(tp, ()))

    def add(self, tp: TopicPartition, piece: Piece) -> None:
        """Append a piece; one that does not continue the run replaces it."""
        pieces = self._pieces.setdefault(tp, deque())
        if pieces and pieces[-1].next_offset != piece.first_offset:
            self.forget(tp)
            pieces = self._pieces.setdefault(tp, deque())
        pieces.append(piece)
        self.held_rows += piece.rows.num_rows
        self.held_bytes += piece.rows.nbytes
        while self.held_rows > self._max_rows or self.held_bytes > self._max_bytes:
            self._drop_oldest(max(self._pieces, key=self.rows_of))

    def run(self, tp: TopicPartition, offset: int, max_rows: int) -> list[Piece]:
        """The pieces from exactly ``offset`` on: one append date, at most ``max_rows`` rows but at least one piece."""
        taken: list[Piece] = []
        rows = 0
        for piece in self._pieces.get(tp, ()):
            if piece.first_offset < offset:
                continue
            if piece.first_offset != (taken[-1].next_offset if taken else offset):
                break
            if taken and (piece.day != taken[0].day or rows + piece.rows.num_rows > max_rows):
                break
            taken.append(piece)
            rows += piece.rows.num_rows
        return taken

    def next_start(self, tp: TopicPartition, offset: int) -> int | None:
        """The first held piece that starts after ``offset``: where reading from bronze may stop."""
        return next((p.first_offset for p in self._pieces.get(tp, ()) if p.first_offset > offset), None)

    def trim(self, tp: TopicPartition, offset: int) -> None:
        """Forget pieces that end at or before ``offset``."""
        pieces = self._pieces.get(tp)
        while pieces and pieces[0].next_offset <= offset:
            self._drop_oldest(tp)

    def forget(self, tp: TopicPartition) -> None:
        while self._pieces.get(tp):
            self._drop_oldest(tp)

    def _drop_oldest(self, tp: TopicPartition) -> None:
        pieces = self._pieces[tp]
        piece = pieces.popleft()
        self.held_rows -= piece.rows.num_rows
        self.held_bytes -= piece.rows.nbytes
        if not pieces:
            del self._pieces[tp]
