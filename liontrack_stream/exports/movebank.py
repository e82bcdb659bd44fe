"""Fixes as Movebank's CSV of event data, with every further field that an import has kept: what came in goes out.

The columns are those of ``sql/export/movebank.sql``, which the API exports, and one for each further field. A field
that has the name of a column (as ``study_name`` has of ``study-name``) is told in it, under the field's own spelling.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from liontrack_stream.exports.order import Order, Tally
from liontrack_stream.exports.output import Output
from liontrack_stream.exports.texts import safe_cell
from liontrack_stream.sources.movebank import NUMBERS
from liontrack_stream.warehouse.export_rows import Column, Export

FURTHER = ", lion_id, event_time, flags, source, metadata AS extras"
"""What the source tells beside its columns, where positions are exact: for counting, and for the further fields."""

_BESIDE = frozenset({"lion_id", "event_time", "flags", "source", "extras"})

_SET_APART = "movebank:"  # before a column that an event uses itself, as an import names it
_IN_SOURCE = {  # columns that hold one of the events' own numbers
    "accuracy": "location-error-numerical",
    "altitude": "height-above-msl",
    "dop": "gps:dop",
    "temperature": "external-temperature",
}
_NUMBERS = frozenset({"location-long", "location-lat", *_IN_SOURCE.values()})
_IDENTITY = frozenset({"event-id", "visible", "timestamp", "individual-local-identifier"})
"""Columns whose own value stands before that of a further field of the same name."""


@dataclass(slots=True)
class _Told:
    """A column: its name, the source's column and the further fields that it tells."""

    name: str
    base: str | None = None
    fields: list[str] = field(default_factory=list)
    number: str | None = None  # which of the events' numbers it can tell


def plain(name: str) -> str:
    """A column's name as an import compares it."""
    return name.strip().lower().replace("_", "-")


async def write(export: Export, order: Order, out: Output, tally: Tally) -> None:
    """Write the file; where positions are exact, ``export`` asks for `FURTHER`, too."""
    columns = await export.columns()
    if order.grid_deg is not None:
        names, cells = [column.name for column in columns], await export.cells(columns)
    else:
        fields: set[str] = set()
        for row in await export.few("movebank_tally"):
            tally.add_lion(row)
            fields.update(name for names in orjson.loads(row["fields"] or "[]") for name in names)
        told = _columns([c for c in columns if c.name not in _BESIDE], fields, tally)
        names, cells = [c.name for c in told], await _cells(export, told)
    out.write(_header(names))

    async def take(rows: bytes) -> None:
        out.write(rows)

    tally.rows = await export.copy(cells, {"format": "csv"}, take)


def _columns(base: Sequence[Column], fields: Iterable[str], tally: Tally) -> list[_Told]:
    """The file's columns, those of the source first."""
    told = {plain(c.name): _Told(c.name, base=c.name) for c in base}
    for name in sorted(fields):
        column = name.removeprefix(_SET_APART).strip()
        if not column:
            tally.notes.append(f"The further field {name!r} has no name that a column could have: it is left out.")
            continue
        one = told.setdefault(plain(column), _Told(column))
        if not one.fields:
            one.name = column
        elif column != one.name:
            tally.notes.append(f"The further fields {one.fields[0]!r} and {name!r} are one column of Movebank's.")
        one.fields.append(name)
    for number, names in NUMBERS.items():
        own = told[_IN_SOURCE[number]]
        taken = [name for name in names if name in told and told[name].fields]
        for at, name in enumerate(names if taken else ()):
            if name == own.base or name in taken or all(before in taken for before in names[:at]):
                told.setdefault(name, _Told(name)).number = number
    return list(told.values())


async def _cells(export: Export, told: Sequence[_Told]) -> str:
    """The select list that tells these columns."""
    by_name = {plain(column.name): column for column in told}
    plans = [_plan(column, by_name) for column in told]
    [row] = await export.ask("movebank_cells", orjson.dumps(plans).decode())
    return str(row["cells"])


def _plan(column: _Told, by_name: Mapping[str, _Told]) -> dict[str, Any]:
    if column.number is None:
        text = column.base is not None and column.base not in _NUMBERS
        return {"base": column.base, "text": text, "own": column.base in _IDENTITY, "fields": column.fields}
    names = NUMBERS[column.number]
    own = _IN_SOURCE[column.number]
    fields = {name: by_name[name].fields if name in by_name else [] for name in names}
    return {
        "base": own,
        "own": column.base is not None,
        "fields": column.fields,
        "taken": [one for name in names for one in fields[name]],
        "earlier": [fields[name] for name in names[: names.index(plain(column.name))]],
    }


def _header(names: Sequence[str]) -> bytes:
    """The first line; no spreadsheet shall run a name either."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(map(safe_cell, names))
    return text.getvalue().encode()
