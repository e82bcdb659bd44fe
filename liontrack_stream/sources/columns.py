"""Named cells into what they tell: columns of a CSV, properties of a GeoJSON feature, children of a GPX point. Pure.

A layout says by which names a column is found; capitals, hyphens, underscores and spaces make no difference. What has
no place in the contract keeps its column's name as an extra field of the event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Any

from liontrack_stream.sources import cells as cell
from liontrack_stream.sources.files import UnreadableFile
from liontrack_stream.sources.fixes import TAKEN, Told

NUMBERS = ("accuracy", "altitude", "dop", "temperature")  # metres, metres, none, degrees Celsius
PLACE = ("time", "lng", "lat")
FIELDS = (*PLACE, "lion", "tag", "name", *NUMBERS, "visible", "outlier", "event_id")
"""What a column may be: the names that ``--column`` takes."""


@dataclass(frozen=True)
class Layout:
    """How the columns of a kind of file are named: for each field the names, the first that is there is it.

    ``zone``: of times that tell none; ``epochs``: whether a number is a time, too; ``what_it_is_not``: what is said of
    a file that lacks a column; ``chosen``: columns by field, whatever they are called.
    """

    kind: str
    names: Mapping[str, Sequence[str]]
    zone: tzinfo | None = None
    epochs: bool = False
    delimiters: str = ","
    what_it_is_not: str = "give its column with --column"
    chosen: Mapping[str, str] = field(default_factory=dict)

    def mapped(self, chosen: Mapping[str, str], zone: tzinfo | None) -> Layout:
        """The same with columns that somebody chose, and a zone."""
        return replace(self, chosen=chosen, zone=zone if zone is not None else self.zone)


def plain(name: str) -> str:
    """A column's name as names are compared."""
    return name.strip().lower().replace("_", "-").replace(" ", "-")


class ColumnsReader:
    """Reads the rows below one header.

    Raises
    ------
    UnreadableFile
        When a required column is missing or a column comes twice. With ``names_nobody`` none has to say whose a fix is.
    """

    def __init__(self, header: Sequence[str], layout: Layout, names_nobody: bool = False) -> None:
        names = [name.strip() for name in header]
        at = {plain(name): index for index, name in reversed(list(enumerate(names)))}
        twice = sorted({name for name in map(plain, names) if list(map(plain, names)).count(name) > 1})
        if twice:
            raise UnreadableFile(f"The header names {', '.join(map(repr, twice))} more than once.")
        self._layout, self._width, self._names = layout, len(names), names
        self._columns = {name: self._found(name, at) for name in FIELDS}
        missing = [layout.names[name][0] for name in PLACE if not self._columns[name]]
        if not (names_nobody or self._columns["lion"] or self._columns["tag"]):
            missing.append(layout.names["lion"][0])
        if missing:
            raise UnreadableFile(
                f"The header lacks {', '.join(missing)}: {layout.what_it_is_not}. "
                f"It begins with {','.join(names)[:100]!r}."
            )
        used = {index for name in FIELDS if name not in NUMBERS for index in self._columns[name][:1]}
        self._others = [
            (index, f"{layout.kind}:{name}" if name in TAKEN else name)
            for index, name in enumerate(names)
            if index not in used and name
        ]
        self._numbers = [(name, self._columns[name]) for name in NUMBERS if self._columns[name]]

    def read(self, row: Sequence[Any]) -> Told:
        """What one row tells.

        Raises
        ------
        BadRow
            Without a time or a place, or with one that does not parse.
        """
        if len(row) != self._width:
            raise cell.BadRow("wrong number of fields", f"has {len(row)} fields where the header has {self._width}")
        individual, tag = self._identifier(row, "lion"), self._identifier(row, "tag")
        moment = cell.time(*self._cell(row, "time"), self._layout.zone, self._layout.epochs)
        position = {
            "lat": cell.degrees(*self._cell(row, "lat"), 90),
            "lng": cell.degrees(*self._cell(row, "lng"), 180),
        }
        event: dict[str, Any] = {"position": position}
        if self._columns["name"] and (name := self._identifier(row, "name")):
            event["name"] = name
        used = self._optional_numbers(row, event)
        if event_id := self._identifier(row, "event_id"):
            event["event_id"] = event_id
        visible, outlier = self._flag(row, "visible"), self._flag(row, "outlier")
        if outlier or visible is not None:
            event["visible"] = bool(visible is not False and not outlier)
        for index, field_name in self._others:
            if index not in used:
                value = row[index]
                if value.__class__ is str:
                    value = cell.text(value)
                if value not in ("", None):
                    event[field_name] = value
        if outlier is not None:
            event[self._layout.names["outlier"][0]] = outlier
        return Told(individual, tag, moment, event)

    def _found(self, name: str, at: Mapping[str, int]) -> list[int]:
        """Where the columns of a field are, the best first."""
        chosen = self._layout.chosen.get(name)
        if chosen is not None:
            if chosen.strip() not in self._names:
                raise UnreadableFile(
                    f"--column {name}={chosen}: the header has no such column. "
                    f"It begins with {','.join(self._names)[:100]!r}."
                )
            return [self._names.index(chosen.strip())]
        taken = {plain(column) for column in self._layout.chosen.values()}
        names = map(plain, self._layout.names.get(name, ()))
        return [at[column] for column in names if column in at and column not in taken]

    def _optional_numbers(self, row: Sequence[Any], event: dict[str, Any]) -> set[int]:
        """Put the optional numbers into the event; return the columns used up. Text stays an extra field."""
        used: set[int] = set()
        for name, columns in self._numbers:
            for index in columns:
                value = cell.finite(row[index])
                if value is not None:
                    event[name] = value
                    used.add(index)
                    break
        return used

    def _cell(self, row: Sequence[Any], name: str) -> tuple[Any, str]:
        index = self._columns[name][0]
        return row[index], self._names[index]

    def _identifier(self, row: Sequence[Any], name: str) -> str | None:
        columns = self._columns[name]
        return cell.identifier(row[columns[0]]) if columns else None

    def _flag(self, row: Sequence[Any], name: str) -> bool | None:
        return cell.flag(*self._cell(row, name)) if self._columns[name] else None
