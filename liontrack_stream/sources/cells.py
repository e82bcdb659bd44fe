"""Cells of a file into texts, numbers and times. Pure. A cell is text, or any JSON value where the file has such."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from liontrack_stream.contract.times import BadTime, parse_iso, to_microseconds

MISSING = frozenset({"", "NA", "NaN", "nan", "null", "NULL"})
_TRUE, _FALSE = frozenset({"true", "t", "1"}), frozenset({"false", "f", "0"})
_MADE_SAFE = re.compile(r"'[' ]*[=+\-@\t\r\n＝＋－＠]")  # as metadata.safe_cell() of an export writes a formula
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadRow(ValueError):
    """A row that becomes no event: ``kind`` is a short name for counting, the message says why."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def text(cell: Any) -> str:
    """A cell's text, without the apostrophe by which an export keeps spreadsheets from running it."""
    if cell.__class__ is not str:
        return "" if cell is None else str(cell).strip()
    stripped: str = cell.strip()
    return stripped[1:] if stripped.startswith("'") and _MADE_SAFE.match(stripped) else stripped


def identifier(cell: Any) -> str | None:
    """The text of a cell that names something, None where it is blank."""
    found = text(cell)
    return None if found in MISSING else found


def finite(cell: Any) -> float | None:
    """The number a cell stands for, None for anything else; Python's ``1_000`` and ``inf`` are no numbers here."""
    if cell is None or cell.__class__ is bool:
        return None
    try:
        value = float(cell)
    except (ValueError, TypeError, OverflowError):
        return None
    return value if abs(value) < float("inf") and not (cell.__class__ is str and "_" in cell) else None


def degrees(cell: Any, column: str, limit: int) -> float:
    """A latitude (``limit`` 90) or longitude (180) in degrees."""
    if (found := text(cell)) in MISSING:
        raise BadRow("missing location", f"{column} is missing (the collar got no fix)")
    value = finite(cell)
    if value is None:
        raise BadRow("bad number", f"{column} is no number: {found[:40]!r}")
    if abs(value) > limit:
        raise BadRow("impossible coordinate", f"{column} is impossible: {found[:40]} lies outside ±{limit}")
    return value


def flag(cell: Any, column: str) -> bool | None:
    """True or false, None where the cell is blank."""
    found = text(cell).lower()
    if found in _TRUE:
        return True
    if found in _FALSE:
        return False
    if text(cell) in MISSING:
        return None
    raise BadRow("bad flag", f"{column} is neither true nor false: {found[:40]!r}")


def time(cell: Any, column: str, zone: tzinfo | None, epochs: bool = False, days: bool = False) -> datetime:
    """A time in UTC. Text without a zone is of ``zone``; without one it is refused.

    ``epochs``: a number is epoch seconds or milliseconds; ``days``: a day alone is its first moment.
    """
    found = text(cell)
    if found in MISSING:
        raise BadRow("missing timestamp", f"{column} is missing")
    try:
        if epochs and (number := finite(cell)) is not None:
            return _EPOCH + timedelta(microseconds=to_microseconds(number))
        if ":" not in found and not days:
            raise BadRow("bad timestamp", f"{column}: {found[:40]!r} has no time of day")
        parsed = parse_iso(found)
        if parsed.tzinfo is None:
            parsed = _in_zone(parsed, found, column, zone)
        to_microseconds(parsed)
    except BadTime as error:
        raise BadRow("bad timestamp", f"{column}: {error}") from None
    except OverflowError:
        raise BadRow("bad timestamp", f"{column}: {found[:40]!r} is no time that can be told in UTC") from None
    return parsed.astimezone(UTC)


def _in_zone(naive: datetime, found: str, column: str, zone: tzinfo | None) -> datetime:
    if zone is None:
        raise BadRow(
            "timestamp without zone",
            f"{column}: {found[:40]!r} has no time zone: say which with --timezone, e.g. --timezone UTC",
        )
    local = naive.replace(tzinfo=zone)
    if zone is UTC:
        return local
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        there = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive
        why = "is twice" if there else "does not exist"
        raise BadRow("ambiguous timestamp", f"{column}: {found[:40]!r} {why} in {zone}: the clock was changed")
    return local
