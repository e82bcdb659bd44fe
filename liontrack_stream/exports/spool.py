"""Fixes that come day by day, given back lion by lion: kept in a file without a name, which goes with the process.

::

    comes      day 1: a a a  b b    day 2: a a  b b b       │ runs: per lion and day, its place in the file
    is kept    ─────────────────────────────────────────────┘
    given      a: a a a  a a        b: b b  b b b
"""

from __future__ import annotations

import math
import struct
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO, Any, NamedTuple

from liontrack_stream.contract.times import to_microseconds

_ROW = struct.Struct("<qddddqB")  # time_us, lat, lng, altitude, dop, step_mm, flags; NaN and -1: not known
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_READ_ROWS = 4_096
_BUFFER_BYTES = 1 << 20


class SpooledFix(NamedTuple):
    """A fix: degrees, metres, millimetres from the accepted fix before."""

    time: datetime
    lat: float
    lng: float
    altitude: float | None
    dop: float | None
    step_mm: int | None
    flags: int


@dataclass(slots=True)
class _Lion:
    """Where a lion's runs begin, how many fixes each has, its first time; and where its fixes say they come from."""

    runs: array[int] = field(default_factory=lambda: array("q"))
    day: int = -1
    sources: set[str | None] = field(default_factory=set)


class Spool(AbstractContextManager["Spool"]):
    """Takes fixes by day, lion and time; gives them by lion and time, as often as wanted. Use as ``with``."""

    def __init__(self, folder: str | None = None) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, buffering=_BUFFER_BYTES)  # noqa: SIM115
        self._lions: dict[str, _Lion] = {}
        self._last: _Lion | None = None
        self._rows = 0

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def add(self, lion_id: str, time: datetime, values: Sequence[Any], source: str | None) -> None:
        """Keep a fix. ``values``: lat, lng, altitude, dop, step_mm, flags."""
        lat, lng, altitude, dop, step_mm, flags = values
        time_us = to_microseconds(time)
        lion = self._lions.get(lion_id)
        if lion is None:
            lion = self._lions[lion_id] = _Lion()
        if lion is not self._last or time_us // _DAY_US != lion.day:
            lion.runs.extend((time_us, self._rows, 0))
            lion.day, self._last = time_us // _DAY_US, lion
        lion.runs[-1] += 1
        lion.sources.add(source)
        self._rows += 1
        nan = math.nan
        self._file.write(
            _ROW.pack(
                time_us,
                lat,
                lng,
                nan if altitude is None else altitude,
                nan if dop is None else dop,
                -1 if step_mm is None else step_mm,
                flags,
            )
        )

    @property
    def lions(self) -> list[str]:
        """The lions that have fixes, in order."""
        return sorted(self._lions)

    def sources(self, lion_id: str) -> list[str]:
        """Where a lion's fixes say they come from."""
        return sorted(filter(None, self._lions[lion_id].sources))

    def fixes(self, lion_id: str) -> Iterator[SpooledFix]:
        """A lion's fixes by time."""
        runs = self._lions[lion_id].runs
        for _, first, count in sorted(zip(runs[::3], runs[1::3], runs[2::3], strict=True)):
            for at in range(first, first + count, _READ_ROWS):
                self._file.seek(at * _ROW.size)
                data = self._file.read(min(_READ_ROWS, first + count - at) * _ROW.size)
                for time_us, lat, lng, altitude, dop, step_mm, flags in _ROW.iter_unpack(data):
                    yield SpooledFix(
                        _EPOCH + timedelta(microseconds=time_us),
                        lat,
                        lng,
                        None if math.isnan(altitude) else altitude,
                        None if math.isnan(dop) else dop,
                        None if step_mm < 0 else step_mm,
                        flags,
                    )
