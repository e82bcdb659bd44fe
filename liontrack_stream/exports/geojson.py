"""GeoJSON (RFC 7946), as it is written: tracks as the API's, a feature per lion; or a point per fix.

A track's walks are lines; a fix that is more than 4 h from any other is no line, and comes as a point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

import orjson

from liontrack_stream.core.fixes import flag_names
from liontrack_stream.core.tracks import Fix, positions_of
from liontrack_stream.exports.order import SIMULATED_SOURCE, Order, Tally, told
from liontrack_stream.exports.output import Output
from liontrack_stream.exports.spool import Spool
from liontrack_stream.warehouse.export_rows import Export

_BLOCK = 1_000  # positions that are written at once
_OF_A_FIX = ("accuracy", "altitude", "dop", "temperature", "event_id")
_Walk = Iterator[Fix]


def head(order: Order) -> bytes:
    """Up to where the features begin. ``positions`` says how exact they are."""
    start = {"type": "FeatureCollection", "positions": order.precision, "features": []}
    return orjson.dumps(start).removesuffix(b"]}")


TAIL = b"\n]}\n"


async def write_points(
    export: Export, order: Order, out: Output, tally: Tally, names: Mapping[str, str | None], rows: int
) -> None:
    """Write a point per fix, in the order of their days."""
    out.write(head(order))
    before = b"\n"
    async for batch in export.batches("each_fix", rows):
        parts = []
        for row in batch:
            tally.add_fix(row["lion_id"], row["event_time"], row["flags"], row["source"])
            parts.append(_point(row, names.get(row["lion_id"])))
        out.write(before + b",\n".join(parts))
        before = b",\n"
    tally.rows = tally.fixes
    out.write(TAIL)


def _point(row: Any, name: str | None) -> bytes:
    time = told(row["event_time"])
    properties = {"lion_id": row["lion_id"], "name": name, "position_date": time, "source": row["source"]}
    properties |= {of: row[of] for of in _OF_A_FIX if row[of] is not None}
    if row["flags"]:
        properties["flags"] = flag_names(row["flags"])
    if row["source"] == SIMULATED_SOURCE:
        properties["simulated"] = True
    return _feature(f"{row['lion_id']}/{time}", row["lng"], row["lat"], properties)


def _feature(name: str, lng: float, lat: float, properties: Mapping[str, Any]) -> bytes:
    geometry = {"type": "Point", "coordinates": [lng, lat]}
    return orjson.dumps({"type": "Feature", "id": name, "geometry": geometry, "properties": properties})


def write_tracks(spool: Spool, order: Order, out: Output, tally: Tally, names: Mapping[str, str | None]) -> None:
    """Write a feature per lion, and its fixes that are no line."""
    out.write(head(order))
    for number, lion_id in enumerate(spool.lions):
        out.write(b",\n" if number else b"\n")
        _write_track(_Track(spool, lion_id, names.get(lion_id), order), out, tally)
    out.write(TAIL)


class _Track:
    """A lion's fixes, cut into walks as often as they are asked for: a file holds coordinates before their times."""

    def __init__(self, spool: Spool, lion_id: str, name: str | None, order: Order) -> None:
        self.lion_id, self.name = lion_id, name
        self.sources = spool.sources(lion_id)
        self._spool, self._stays = spool, order.grid_deg is None

    def lines(self) -> Iterator[_Walk]:
        """The walks of at least two positions; each is to be taken before the next."""
        for first, second, rest in self._walks():
            if second is not None:
                yield chain((first, second), rest)

    def alone(self) -> Iterator[Fix]:
        """The positions that are walks by themselves."""
        return (first for first, second, _ in self._walks() if second is None)

    def properties(self) -> dict[str, Any]:
        """What the API's track says of itself."""
        fixes, distance_mm, steps = 0, 0, 0
        first = last = None
        for fix in self._spool.fixes(self.lion_id):
            if first is None:
                first = fix.time
            elif fix.step_mm is not None:
                distance_mm, steps = distance_mm + fix.step_mm, steps + 1
            fixes, last = fixes + 1, fix.time
        assert first is not None
        assert last is not None
        found: dict[str, Any] = {"lion_id": self.lion_id, "name": self.name}
        found |= {"from": told(first), "to": told(last), "fixes": fixes}
        found |= {"truncated": False, "distance_m": distance_mm / 1000 if steps else None, "source": self.sources}
        return found | ({"simulated": True} if SIMULATED_SOURCE in self.sources else {})

    def _walks(self) -> Iterator[tuple[Fix, Fix | None, _Walk]]:
        fixes = (Fix(fix.time, fix.lat, fix.lng) for fix in self._spool.fixes(self.lion_id))
        for _, group in groupby(positions_of(fixes, self._stays), itemgetter(0)):
            walk = (position for _, position in group)
            yield next(walk), next(walk, None), walk


def _write_track(track: _Track, out: Output, tally: Tally) -> None:
    properties = track.properties()
    out.write(b'{"type":"Feature","id":%s,"geometry":' % orjson.dumps(track.lion_id))
    if any(True for _ in track.lines()):
        out.write(b'{"type":"MultiLineString","coordinates":')
        tally.rows += _write_lines(track.lines(), lambda fix: [fix.lng, fix.lat], out)
        out.write(b"}")
    else:
        out.write(b"null")
    out.write(b',"properties":%s,"coordTimes":' % orjson.dumps(properties).removesuffix(b"}"))
    _write_lines(track.lines(), lambda fix: told(fix.time), out)
    out.write(b"}}")
    same: dict[str, Any] = {of: properties[of] for of in ("lion_id", "name", "source", "simulated") if of in properties}
    for fix in track.alone():
        time = told(fix.time)
        feature = _feature(f"{track.lion_id}/{time}", fix.lng, fix.lat, {**same, "position_date": time})
        out.write(b",\n" + feature)
        tally.rows += 1


def _write_lines(lines: Iterable[_Walk], one: Callable[[Fix], Any], out: Output) -> int:
    """Write a list of lists, one value per position; how many."""
    count = 0
    out.write(b"[")
    for number, walk in enumerate(lines):
        before = b",[" if number else b"["
        while part := [one(fix) for fix in islice(walk, _BLOCK)]:
            out.write(before + orjson.dumps(part)[1:-1])
            before, count = b",", count + len(part)
        out.write(b"]")
    out.write(b"]")
    return count
