"""An import's memory does not grow with its file."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from liontrack_stream.contract.times import iso
from liontrack_stream.settings import Settings

from ..support.stack import environment_of

FEW, SOME, MANY = 10_000, 60_000, 120_000
MAY_GROW_MIB = 14  # a million rows: 8 to 12, of which 8 know duplicates. Rows that were kept would take 30 and more
BEGIN_US = 1_577_836_800_000_000


def lines_of(kind: str, rows: int) -> Iterator[str]:
    """A file of nine lions, a fix a second each."""
    fixes = (
        (f"L{n % 9}", iso(BEGIN_US + n // 9 * 1_000_000), 22 + n % 997 / 1000, -21 - n % 991 / 1000)
        for n in range(rows)
    )
    if kind in ("movebank", "csv"):
        yield "timestamp,location-long,location-lat,individual-local-identifier,tag-local-identifier\n"
        yield from (f"{time},{lng},{lat},{lion},T{lion}\n" for lion, time, lng, lat in fixes)
    elif kind == "geojson":
        yield '{"type": "FeatureCollection", "features": [\n'
        for n, (lion, time, lng, lat) in enumerate(fixes):
            point = {"type": "Point", "coordinates": [lng, lat]}
            one = {"type": "Feature", "geometry": point, "properties": {"lion_id": lion, "time": time}}
            yield ("," if n else "") + json.dumps(one) + "\n"
        yield "]}"
    else:
        yield '<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><name>L</name><trkseg>'
        for n, (_, _, lng, lat) in enumerate(fixes):
            yield f'<trkpt lat="{lat}" lon="{lng}"><time>{iso(BEGIN_US + n * 1_000_000)}</time></trkpt>\n'
        yield "</trkseg></trk></gpx>"


def write(kind: str, rows: int, path: Path) -> Path:
    with path.open("w") as file:
        file.writelines(lines_of(kind, rows))
    return path


async def peak_mib(settings: Settings, kind: str, path: Path, *options: str) -> tuple[int, float]:
    """Rows sent, and the largest resident size of a process that imports a file."""
    code = (
        "import resource, sys, atexit\n"
        "atexit.register(lambda: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr))\n"
        "from liontrack_stream.__main__ import main\n"
        f"sys.argv = ['liontrack', 'import', {kind!r}, {str(path)!r}, '--json', *{list(options)!r}]\n"
        "main()\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=path.parent, env={**os.environ, **environment_of(settings)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 280)
    assert process.returncode == 0, err.decode()
    return json.loads(out)["sent"], int(err.decode().split()[-1]) / 1024


async def test_more_rows_take_no_more_memory(settings: Settings, tmp_path: Path) -> None:
    """One of the formats is really sent, and read at two sizes; the others begin as large and end alike."""
    peaks = {}
    for kind, rows, *options in (
        ("csv", FEW),
        ("csv", MANY),
        ("geojson", SOME, "--dry-run"),
        ("gpx", SOME, "--dry-run"),
    ):
        path = write(kind, rows, tmp_path / f"{rows}.{kind}")
        sent, peaks[kind, rows] = await peak_mib(settings, kind, path, *options)
        assert sent == rows
    assert max(peaks.values()) < peaks["csv", FEW] + MAY_GROW_MIB, peaks


if __name__ == "__main__":  # python -m tests.sources.test_memory KIND ROWS FILE: a file to try by hand
    write(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "MiB")
