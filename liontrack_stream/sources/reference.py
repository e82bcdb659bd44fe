"""A file of reference data into deployments and weighings. Columns are found by Movebank's names; times are UTC.

A tag's deployments are taken all or not at all: with one refused, the others would say that it was on nobody meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import NamedTuple

import msgspec
import xxhash

from liontrack_stream.contract.convert import ID_MAX_BYTES, KG_PER_UNIT
from liontrack_stream.contract.times import iso, to_microseconds
from liontrack_stream.contract.topics import WEIGHTS
from liontrack_stream.kafka.producer import Outgoing, headers_for
from liontrack_stream.sources import cells as cell
from liontrack_stream.sources.cells import BadRow
from liontrack_stream.sources.columns import plain
from liontrack_stream.sources.csv_file import CsvRows
from liontrack_stream.sources.deployments import Deployment, Deployments
from liontrack_stream.sources.files import UnreadableFile

SOURCE = "movebank-reference"
TAG, ANIMAL, ON, OFF = "tag-id", "animal-id", "deploy-on-date", "deploy-off-date"
MASS, SEX = "animal-mass", "animal-sex"
_NAMES: Mapping[str, Sequence[str]] = {
    TAG: (TAG, "tag-local-identifier"),
    ANIMAL: (ANIMAL, "individual-local-identifier"),
    ON: (ON, "deploy-on-timestamp"),
    OFF: (OFF, "deploy-off-timestamp"),
    MASS: (MASS,),
    SEX: (SEX,),
}
_REQUIRED = (TAG, ANIMAL, ON)


@dataclass
class Reference:
    """What a reference file says, and the rows that were refused: line, reason, cells."""

    header: Sequence[str] = ()
    rows: int = 0
    duplicates: int = 0
    deployments: Deployments = field(default_factory=Deployments)
    refused: list[tuple[int, str, Sequence[str]]] = field(default_factory=list)


class _Columns(NamedTuple):
    """Where the columns are, how many there are, and those that have no meaning here."""

    at: Mapping[str, int]
    width: int
    others: Sequence[tuple[str, int]]


class _Taken(NamedTuple):
    """A row that could be read."""

    deployment: Deployment
    cells: Sequence[str]


def read_reference(path: Path, mass_unit: str = "g") -> Reference:
    """Read a file of reference data, also gzipped. ``mass_unit`` is animal-mass's: Movebank's is grams.

    Raises
    ------
    UnreadableFile
        When it is no reference data.
    DamagedFile
        When it breaks off: nothing of it is used.
    """
    read = Reference()
    taken: list[_Taken] = []
    spoilt: dict[str, int] = {}
    with CsvRows(path, ",;\t") as file:
        read.header = file.header
        columns = _columns(file.header)
        for row in file.rows():
            read.rows += 1
            line = int(row.place)
            try:
                if row.error:
                    raise BadRow("broken CSV", row.error)
                taken.append(_Taken(_deployment(columns, row.cells, line, mass_unit), row.cells))
            except BadRow as bad:
                read.refused.append((line, str(bad), row.cells))
                tag = cell.identifier(row.cells[columns.at[TAG]]) if len(row.cells) > columns.at[TAG] else None
                if tag is not None:
                    spoilt.setdefault(tag, line)
    _judge(read, taken, spoilt)
    read.refused.sort(key=lambda refused: refused[0])
    return read


def _judge(read: Reference, taken: list[_Taken], spoilt: dict[str, int]) -> None:
    """Refuse what overlaps, and the tags of which a row was refused."""
    of: dict[str, list[_Taken]] = {}
    known: set[bytes] = set()
    for one in taken:
        told = msgspec.json.encode(one.deployment._replace(line=0))
        read.duplicates += told in known
        if told not in known:
            known.add(told)
            of.setdefault(one.deployment.tag, []).append(one)
    good: list[Deployment] = []
    for tag, rows in of.items():
        clashes = _clashes([deployment for deployment, _ in rows])
        for deployment, cells in rows:
            line = deployment.line
            if line in clashes:
                reason = f"tag {tag} is on two animals at once: line {line} overlaps line {clashes[line]}"
            elif tag in spoilt or clashes:
                line = spoilt[tag] if tag in spoilt else min(clashes)
                reason = f"line {line} of the same tag was refused: the deployments of tag {tag} stay as they were"
            else:
                good.append(deployment)
                continue
            read.refused.append((deployment.line, reason, cells))
    read.deployments = Deployments.of(good)


def _clashes(deployments: list[Deployment]) -> dict[int, int]:
    """Lines of one tag's deployments that overlap another one, and a line that each overlaps."""
    clashes: dict[int, int] = {}
    last: Deployment | None = None  # of those so far the one that ends last
    for one in sorted(deployments, key=lambda deployment: deployment.begin):
        if last is not None and one.overlaps(last):
            clashes.setdefault(one.line, last.line)
            clashes.setdefault(last.line, one.line)
        if last is None or (last.off_us is not None and (one.off_us is None or one.off_us > last.off_us)):
            last = one
    return clashes


def _columns(header: Sequence[str]) -> _Columns:
    names = [plain(name) for name in header]
    at = {
        column: next(names.index(name) for name in options if name in names)
        for column, options in _NAMES.items()
        if any(name in names for name in options)
    }
    missing = [column for column in _REQUIRED if column not in at]
    if missing:
        raise UnreadableFile(
            f"The header lacks {', '.join(missing)}: that is no reference data with deployments. "
            f"It begins with {','.join(header)[:100]!r}."
        )
    others = [(name.strip(), n) for n, name in enumerate(header) if n not in at.values() and name.strip()]
    return _Columns(at, len(names), others)


def _deployment(columns: _Columns, cells: Sequence[str], line: int, mass_unit: str) -> Deployment:
    if len(cells) != columns.width:
        raise BadRow("wrong number of fields", f"has {len(cells)} fields where the header has {columns.width}")
    found = {column: cells[place] for column, place in columns.at.items()}
    tag, animal = (_identifier(found[column], column) for column in (TAG, ANIMAL))
    on_us, off_us = _time(found[ON], ON), _time(found.get(OFF, ""), OFF)
    if on_us is not None and off_us is not None and off_us <= on_us:
        raise BadRow("bad period", f"{OFF} is not after {ON}: the collar was on from {iso(on_us)} to {iso(off_us)}")
    sex = cell.identifier(found.get(SEX, ""))
    others = {name: text for name, place in columns.others if (text := cell.text(cells[place]))}
    for value in (sex or "", *others, *others.values()):
        _clean(value)
    return Deployment(tag, animal, on_us, off_us, _mass_g(found.get(MASS, ""), mass_unit), sex, others or None, line)


def _identifier(text: str, column: str) -> str:
    found = cell.identifier(text)
    if found is None:
        raise BadRow("missing id", f"{column} is missing")
    _clean(found)
    if len(found.encode()) > ID_MAX_BYTES // 2:
        raise BadRow("oversized", f"{column} has more than {ID_MAX_BYTES // 2} bytes")
    return found


def _clean(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRow("not UTF-8", "is not UTF-8") from None
    if "\x00" in text:
        raise BadRow("nul byte", "a text holds a NUL character")


def _time(text: str, column: str) -> int | None:
    return None if cell.identifier(text) is None else to_microseconds(cell.time(text, column, UTC, days=True))


def _mass_g(text: str, unit: str) -> float | None:
    if cell.identifier(text) is None:
        return None
    mass = cell.finite(text)
    if mass is None or mass <= 0:
        raise BadRow("bad number", f"{MASS} is no mass: {text.strip()[:40]!r}")
    return mass * KG_PER_UNIT[unit] / KG_PER_UNIT["g"]


def weight_id(deployment: Deployment) -> str | None:
    """The identity of a deployment's weighing: the same for the same animal, tag, beginning and mass."""
    if deployment.mass_g is None or deployment.on_us is None:
        return None
    told = msgspec.json.encode([deployment.animal, deployment.tag, deployment.on_us, round(deployment.mass_g, 3)])
    return f"deployment:{xxhash.xxh3_128_hexdigest(told)}"


def weighing(deployment: Deployment) -> Outgoing | None:
    """animal-mass as an event, measured when the collar was put on; None where no mass, or no such moment, is told."""
    identity = weight_id(deployment)
    if identity is None or deployment.on_us is None:
        return None
    measured_at = iso(deployment.on_us)
    event = {
        "weight_id": identity,
        "lion_id": deployment.animal,
        "weight": deployment.mass_g,
        "unit": "g",
        "measured_at": measured_at,
        "timestamp": measured_at,
        "source": SOURCE,
        "tag_id": deployment.tag,
    }
    value = msgspec.json.encode(event)
    headers = headers_for(WEIGHTS.name, measured_at.encode(), SOURCE.encode())
    return Outgoing(WEIGHTS.name, deployment.animal.encode(), value, headers)
