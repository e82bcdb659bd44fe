"""GPX 1.1: a track per lion, a segment per walk; a gap of more than 4 h ends one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from liontrack_stream.core.fixes import flag_names
from liontrack_stream.core.tracks import GAP_MAX
from liontrack_stream.exports.order import SIMULATED_SOURCE, Order, Tally, told
from liontrack_stream.exports.output import Output
from liontrack_stream.exports.spool import Spool, SpooledFix
from liontrack_stream.exports.texts import decimal, escaped

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="LionTrack Stream" xmlns="http://www.topografix.com/GPX/1/1" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.topografix.com/GPX/1/1 http://www.topografix.com/GPX/1/1/gpx.xsd">
<metadata><desc>{desc}</desc><time>{time}</time></metadata>
"""
_TAIL = "</gpx>\n"
_BLOCK = 500  # points that are written at once


async def write(spool: Spool, order: Order, out: Output, tally: Tally, names: Mapping[str, str | None]) -> None:
    """Write the file."""
    desc = escaped(f"Positions: {order.precision}")
    out.write(_HEAD.format(desc=desc, time=told(order.now.replace(microsecond=0))).encode())
    for lion_id in spool.lions:
        out.write(_opening(lion_id, names.get(lion_id), spool.sources(lion_id)).encode())
        block: list[str] = []
        for text in _points(spool.fixes(lion_id), tally):
            block.append(text)
            if len(block) >= _BLOCK:
                out.write("".join(block).encode())
                block.clear()
                await asyncio.sleep(0)  # so that Ctrl-C ends it here
        out.write("".join([*block, "</trkseg>\n</trk>\n"]).encode())
    out.write(_TAIL.encode())


def _opening(lion_id: str, name: str | None, sources: list[str]) -> str:
    simulated = "Simulated, no real animal. " if SIMULATED_SOURCE in sources else ""
    src = f"<src>{escaped(', '.join(sources))}</src>" if sources else ""
    desc = f"<desc>{simulated}lion_id: {escaped(lion_id)}</desc>"
    return f"<trk><name>{escaped(name or lion_id)}</name>{desc}{src}\n<trkseg>\n"


def _points(fixes: Iterator[SpooledFix], tally: Tally) -> Iterator[str]:
    before: SpooledFix | None = None
    for fix in fixes:
        if before is not None and fix.time - before.time > GAP_MAX:
            yield "</trkseg>\n<trkseg>\n"
        yield _point(fix)
        tally.rows += 1
        before = fix


def _point(fix: SpooledFix) -> str:
    """A point; its elements in the order of the schema, whose longitudes end before 180."""
    lng = -180.0 if fix.lng == 180.0 else fix.lng
    ele = "" if fix.altitude is None else f"<ele>{decimal(fix.altitude)}</ele>"
    flags = f"<cmt>flags: {', '.join(flag_names(fix.flags))}</cmt>" if fix.flags else ""
    hdop = "" if fix.dop is None else f"<hdop>{decimal(fix.dop)}</hdop>"
    inside = f"{ele}<time>{told(fix.time)}</time>{flags}{hdop}"
    return f'<trkpt lat="{decimal(fix.lat)}" lon="{decimal(lng)}">{inside}</trkpt>\n'
