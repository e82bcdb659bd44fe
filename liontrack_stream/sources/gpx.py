"""Fixes in GPX 1.0 and 1.1: the points of tracks, and waypoints; also gzipped.

The name of a track is its lion's. Waypoints name none: they need ``--lion`` or ``--tag``. Points of routes are plans,
no fixes. The document is read point by point, and what was read is freed. Documents with a DTD are refused: only they
can hold entities.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError  # types only: defusedxml parses

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from liontrack_stream.sources.columns import ColumnsReader, Layout
from liontrack_stream.sources.common_columns import COMMON
from liontrack_stream.sources.files import DamagedFile, Row, SourceFile, UnreadableFile
from liontrack_stream.sources.fixes import Fix, FixMaker

_COLUMNS = ("lat", "lon", "time", "ele", "hdop", "vdop", "pdop", "atemp", "src", "cmt", "desc", "track")
GPX = replace(
    COMMON,
    kind="gpx",
    names={
        "lat": ("lat",),
        "lng": ("lon",),
        "time": ("time",),
        "lion": ("track",),
        "altitude": ("ele",),
        "dop": ("hdop", "pdop"),
        "temperature": ("atemp",),
    },
    epochs=False,
)


class GpxFile(SourceFile):
    """An open GPX file. A row is a point of a track, or a waypoint."""

    broken_kind = "broken point"

    def __init__(self, path: Path, layout: Layout, maker: FixMaker) -> None:
        super().__init__(path)
        self.header = _COLUMNS
        self._columns = ColumnsReader(_COLUMNS, layout)
        self._maker = maker
        self._events: Iterator[tuple[str, Element]]
        self._first: tuple[str, Element] | None = None
        self._place = "its beginning"

    def rows(self) -> Iterator[Row]:
        """The points, in the file's order."""
        open_elements: list[Element] = [self._first[1]] if self._first else []
        track, tracks, points, waypoints = "", 0, 0, 0
        for event, element in self._parsed():
            if event == "start":
                open_elements.append(element)
                if _name(element) == "trk":
                    track, points, tracks = "", 0, tracks + 1
                continue
            open_elements.pop()
            name = _name(element)
            inside = _name(open_elements[-1]) if open_elements else ""
            if name == "trkpt":
                points += 1
                self._place = f"track {tracks:,}, point {points:,}"
                yield Row(self._place, _cells(element, track))
                open_elements[-1].clear()
            elif name == "wpt":
                waypoints += 1
                self._place = f"waypoint {waypoints:,}"
                yield Row(self._place, _cells(element, ""))
            elif name == "name" and inside == "trk":
                track = (element.text or "").strip()
            if len(open_elements) <= 1 or name == "trkseg":
                for parent in open_elements:
                    parent.clear()

    def convert(self, row: Row) -> Fix:
        return self._maker.make(self._columns.read(row.cells))

    def _where(self) -> str:
        return self._place

    def _begin(self, stream: Any) -> None:
        self._events = iter(iterparse(stream, events=("start", "end"), forbid_dtd=True))
        self._first = next(self._parsed(), None)
        if self._first is None or _name(self._first[1]) != "gpx":
            raise UnreadableFile(f"{self.path} is no GPX: its first element is not <gpx>.")

    def _parsed(self) -> Iterator[tuple[str, Element]]:
        """What the parser meets, up to where the document breaks."""
        try:
            with self._damage():
                while (event := next(self._events, None)) is not None:
                    yield event
        except ParseError as error:
            if self._first is None:
                raise UnreadableFile(f"{self.path} is no GPX: {error}.") from None
            raise DamagedFile(f"{self.path} breaks off after {self._place}: {error}.") from None
        except DefusedXmlException:
            raise UnreadableFile(
                f"{self.path} has a document type or entities of its own, and is not read: GPX needs neither."
            ) from None


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _cells(point: Element, track: str) -> list[str]:
    """A point's cells, as `_COLUMNS` names them."""
    found = {_name(child): (child.text or "").strip() for child in point}
    if "extensions" in found:
        found["atemp"] = next((child.text or "" for child in point.iter() if _name(child) == "atemp"), "")
    found |= {"lat": point.get("lat", ""), "lon": point.get("lon", ""), "track": track}
    return [found.get(name, "") for name in _COLUMNS]
