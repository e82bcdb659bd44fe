"""Rows of a Movebank export into position events. Pure; ``movebank_file`` reads the file.

Columns are found by Movebank's names, in any order, also with underscores for hyphens as its API writes them. What has
no place in the contract keeps its column's name as an extra field of the event, as text.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Position, Rejected
from liontrack_stream.contract.times import BadTime, parse_iso, to_microseconds
from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.kafka.producer import Outgoing, headers_for

SOURCE = "movebank"
TIMESTAMP, LONGITUDE, LATITUDE = "timestamp", "location-long", "location-lat"
INDIVIDUAL = "individual-local-identifier"
REQUIRED = (TIMESTAMP, LONGITUDE, LATITUDE, INDIVIDUAL)
EVENT_ID, VISIBLE, MARKED_OUTLIER = "event-id", "visible", "manually-marked-outlier"

# Where an optional number comes from: the first column that has one. Metres, metres, none, degrees Celsius.
NUMBERS: dict[str, tuple[str, ...]] = {
    "accuracy": ("location-error-numerical", "eobs:horizontal-accuracy-estimate"),
    "altitude": ("height-above-msl", "height-above-ellipsoid"),
    "dop": ("gps:hdop", "gps-hdop", "gps:dop", "gps-dop", "gps:pdop", "gps-pdop"),
    "temperature": ("external-temperature", "eobs:temperature"),
}
_MISSING = frozenset({"", "NA", "NaN", "nan", "null", "NULL"})
_TRUE, _FALSE = frozenset({"true", "t", "1"}), frozenset({"false", "f", "0"})
_TAKEN = frozenset(Position.__struct_fields__) | {"position"}
_MADE_SAFE = re.compile(r"'[' ]*[=+\-@\t\r\n＝＋－＠]")  # as metadata.safe_cell() of an export writes a formula
_encode = msgspec.json.Encoder().encode


class NotMovebank(Exception):
    """The file is no Movebank export that can be read; the message is a sentence."""


class BadRow(ValueError):
    """A row that becomes no event: ``kind`` is a short name for counting, the message says why."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Fix(NamedTuple):
    """One row as a record to send, with its identity beside it."""

    individual: str
    time_us: int
    visible: bool
    record: Outgoing


class RowReader:
    """Converts the rows below one header.

    Raises
    ------
    NotMovebank
        When a required column is missing or a column comes twice.
    """

    def __init__(self, header: Sequence[str]) -> None:
        names = [name.strip() for name in header]
        plain = [name.lower().replace("_", "-") for name in names]
        twice = sorted({name for name in plain if plain.count(name) > 1})
        if twice:
            raise NotMovebank(f"The header names {', '.join(map(repr, twice))} more than once.")
        missing = [name for name in REQUIRED if name not in plain]
        if missing:
            raise NotMovebank(
                f"The header lacks {', '.join(missing)}: that is no Movebank export of locations. "
                f"It begins with {','.join(names)[:100]!r}."
            )
        self._width = len(names)
        self._at = {name: index for index, name in enumerate(plain)}
        used = {*REQUIRED, EVENT_ID, VISIBLE}
        self._others = [(index, _free_name(names[index]), name) for index, name in enumerate(plain) if name not in used]
        self._numbers = {
            field: [(name, self._at[name]) for name in columns if name in self._at]
            for field, columns in NUMBERS.items()
        }

    def convert(self, row: Sequence[str]) -> Fix:
        """The event of one row.

        Raises
        ------
        BadRow
            Without an individual, a time or a place, or with one that does not parse.
        """
        if len(row) != self._width:
            raise BadRow("wrong number of fields", f"has {len(row)} fields where the header has {self._width}")
        individual = _text(row[self._at[INDIVIDUAL]])
        if individual in _MISSING:
            raise BadRow("missing individual", f"{INDIVIDUAL} is missing")
        time_us, time_text = _time(row[self._at[TIMESTAMP]].strip())
        event: dict[str, Any] = {
            "lion_id": individual,
            "name": individual,
            "position": {"lat": self._degrees(row, LATITUDE, 90), "lng": self._degrees(row, LONGITUDE, 180)},
            "timestamp": time_text,
            "source": SOURCE,
        }
        used = self._optional_numbers(row, event)
        if EVENT_ID in self._at and (event_id := _text(row[self._at[EVENT_ID]])) not in _MISSING:
            event["event_id"] = event_id
        visible = self._flag(row, VISIBLE)
        outlier = self._flag(row, MARKED_OUTLIER)
        if outlier or visible is not None:
            event["visible"] = bool(visible is not False and not outlier)
        for index, name, plain in self._others:
            if plain not in used and (text := _text(row[index])) != "":
                event[name] = text
        if outlier is not None:
            event[MARKED_OUTLIER] = outlier
        return Fix(individual, time_us, event.get("visible", True), _record(individual, event, time_text))

    def _optional_numbers(self, row: Sequence[str], event: dict[str, Any]) -> set[str]:
        """Put the optional numbers into the event; return the columns used up. Text stays an extra field."""
        used = {MARKED_OUTLIER}
        for field, columns in self._numbers.items():
            for name, index in columns:
                value = _finite(row[index].strip())
                if value is not None:
                    event[field] = value
                    used.add(name)
                    break
        return used

    def _degrees(self, row: Sequence[str], column: str, limit: int) -> float:
        text = row[self._at[column]].strip()
        if text in _MISSING:
            raise BadRow("missing location", f"{column} is missing (the collar got no fix)")
        value = _finite(text)
        if value is None:
            raise BadRow("bad number", f"{column} is no number: {text[:40]!r}")
        if abs(value) > limit:
            raise BadRow("impossible coordinate", f"{column} is impossible: {text[:40]} lies outside ±{limit}")
        return value

    def _flag(self, row: Sequence[str], column: str) -> bool | None:
        if column not in self._at or (text := row[self._at[column]].strip()) in _MISSING:
            return None
        if text.lower() in _TRUE:
            return True
        if text.lower() in _FALSE:
            return False
        raise BadRow("bad flag", f"{column} is neither true nor false: {text[:40]!r}")


class SeenFixes:
    """Which individual has a row at which time already; 8 bytes a row while times ascend, as in Movebank's exports."""

    def __init__(self) -> None:
        self._ascending: dict[str, array[int]] = {}
        self._others: set[tuple[str, int]] = set()

    def add(self, individual: str, time_us: int) -> bool:
        """Remember a row; False when it was there before."""
        times = self._ascending.setdefault(individual, array("q"))
        if not times or time_us > times[-1]:
            times.append(time_us)
            return True
        index = bisect_left(times, time_us)
        if times[index] == time_us or (individual, time_us) in self._others:
            return False
        self._others.add((individual, time_us))
        return True


def _record(individual: str, event: dict[str, Any], time_text: str) -> Outgoing:
    try:
        key, value = individual.encode(), _encode(event)
    except UnicodeEncodeError:
        raise BadRow("not UTF-8", "is not UTF-8") from None
    decoded = decode(POSITIONS.name, key, value)
    if isinstance(decoded, Rejected):  # else it would end as a dead letter, far from its file
        raise BadRow(decoded.rule.replace("_", " "), decoded.reason)
    return Outgoing(POSITIONS.name, key, value, headers_for(POSITIONS.name, time_text.encode(), SOURCE.encode()))


def _time(text: str) -> tuple[int, str]:
    """Microseconds since the epoch, and ISO-8601 in UTC with milliseconds (more digits only where they say more)."""
    if text in _MISSING:
        raise BadRow("missing timestamp", f"{TIMESTAMP} is missing")
    if ":" not in text:
        raise BadRow("bad timestamp", f"{TIMESTAMP}: {text[:40]!r} has no time of day")
    try:
        time = parse_iso(text)
        time_us = to_microseconds(time)
    except BadTime as error:
        raise BadRow("bad timestamp", f"{TIMESTAMP}: {error}") from None
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time_us, _iso(time)


def _iso(time: datetime) -> str:
    digits = "milliseconds" if time.microsecond % 1000 == 0 else "microseconds"
    return time.isoformat(timespec=digits).replace("+00:00", "Z")


def _text(cell: str) -> str:
    """A cell's text, without the apostrophe by which an export keeps spreadsheets from running it."""
    text = cell.strip()
    return text[1:] if text.startswith("'") and _MADE_SAFE.match(text) else text


def _finite(text: str) -> float | None:
    """The number a text stands for, None for anything else; Python's ``1_000`` and ``inf`` are no numbers here."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if "_" not in text and abs(value) < float("inf") else None


def _free_name(column: str) -> str:
    """A column's name as an extra field; one the event uses itself is set apart."""
    return f"movebank:{column}" if column in _TAKEN else column
