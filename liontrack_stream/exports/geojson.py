"""GeoJSON (RFC 7946), as it is written: tracks as the API's, a feature per lion; or a point per fix.

A track's walks are lines; a fix that is more than 4 h from any other is no line, and comes as a point.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

import orjson

from liontrack_stream.core.fixes import flag_names
from liontrack_stream.core.tracks import Fix, positions_of
from liontrack_stream.exports.order import SIMULATED_SOURCE, Order, Tally, told
from liontrack_stream.exports.output import Output
from liontrack_stream.exports.spool import Spool, SpooledFix
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


async def write_tracks(spool: Spool, order: Order, out: Output, tally: Tally, names: Mapping[str, str | None]) -> None:
    """Write a feature per lion, and its fixes that are no line."""
    out.write(head(order))
    for number, lion_id in enumerate(spool.lions):
        out.write(b",\n" if number else b"\n")
        await _write_track(_Track(spool, lion_id, names.get(lion_id), order), out, tally)
    out.write(TAIL)


class _Track:
    """A lion's fixes, cut into walks as often as they are asked for: a file holds coordinates before their times."""

    def __init__(self, spool: Spool, lion_id: str, name: str | None, order: Order) -> None:
        sources = spool.sources(lion_id)
        self.of_all: dict[str, Any] = {"lion_id": lion_id, "name": name, "source": sources}
        if SIMULATED_SOURCE in sources:
            self.of_all["simulated"] = True
        self.lion_id = lion_id
        self.any_alone = False  # known once all lines have been taken
        self._spool, self._stays = spool, order.grid_deg is None
        self._fixes, self._distance_mm, self._steps = 0, 0, 0
        self._first: SpooledFix | None = None
        self._last: SpooledFix | None = None

    def lines(self) -> Iterator[_Walk]:
        """The walks of at least two positions; each is to be taken before the next. Counts what `properties` says."""
        self._fixes, self._distance_mm, self._steps, self._first = 0, 0, 0, None
        for first, second, rest in self._walks(self._counted()):
            if second is None:
                self.any_alone = True
            else:
                yield chain((first, second), rest)

    def times(self) -> Iterator[_Walk]:
        """The same, for their times."""
        for first, second, rest in self._walks(self._spool.fixes(self.lion_id)):
            if second is not None:
                yield chain((first, second), rest)

    def alone(self) -> Iterator[Fix]:
        """The positions that are walks by themselves."""
        return (first for first, second, _ in self._walks(self._spool.fixes(self.lion_id)) if second is None)

    def properties(self) -> dict[str, Any]:
        """What the API's track says of itself, once all lines have been taken."""
        assert self._first is not None
        assert self._last is not None
        return self.of_all | {
            "from": told(self._first.time),
            "to": told(self._last.time),
            "fixes": self._fixes,
            "truncated": False,
            "distance_m": self._distance_mm / 1000 if self._steps else None,
        }

    def _counted(self) -> Iterator[SpooledFix]:
        for fix in self._spool.fixes(self.lion_id):
            if self._first is None:
                self._first = fix
            elif fix.step_mm is not None:
                self._distance_mm += fix.step_mm
                self._steps += 1
            self._fixes += 1
            self._last = fix
            yield fix

    def _walks(self, fixes: Iterable[SpooledFix]) -> Iterator[tuple[Fix, Fix | None, _Walk]]:
        walks = positions_of((Fix(fix.time, fix.lat, fix.lng) for fix in fixes), self._stays)
        for _, group in groupby(walks, itemgetter(0)):
            walk = map(itemgetter(1), group)
            yield next(walk), next(walk, None), walk


async def _write_track(track: _Track, out: Output, tally: Tally) -> None:
    out.write(b'{"type":"Feature","id":%s,"geometry":' % orjson.dumps(track.lion_id))
    if any(True for _ in track.times()):
        out.write(b'{"type":"MultiLineString","coordinates":')
        tally.rows += await _write_lines(track.lines(), lambda fix: (fix.lng, fix.lat), out)
        out.write(b"}")
    else:
        deque(track.lines(), 0)
        out.write(b"null")
    out.write(b',"properties":%s,"coordTimes":' % orjson.dumps(track.properties()).removesuffix(b"}"))
    await _write_lines(track.times(), lambda fix: told(fix.time), out)
    out.write(b"}}")
    for fix in track.alone() if track.any_alone else ():
        time = told(fix.time)
        feature = _feature(f"{track.lion_id}/{time}", fix.lng, fix.lat, {**track.of_all, "position_date": time})
        out.write(b",\n" + feature)
        tally.rows += 1
        await asyncio.sleep(0)


async def _write_lines(lines: Iterable[_Walk], one: Callable[[Fix], Any], out: Output) -> int:
    """Write a list of lists, one value per position; how many."""
    count = 0
    out.write(b"[")
    for number, walk in enumerate(lines):
        before = b",[" if number else b"["
        while part := [one(fix) for fix in islice(walk, _BLOCK)]:
            out.write(before + orjson.dumps(part)[1:-1])
            before, count = b",", count + len(part)
            await asyncio.sleep(0)  # so that Ctrl-C ends it here
        out.write(b"]")
    out.write(b"]")
    return count
