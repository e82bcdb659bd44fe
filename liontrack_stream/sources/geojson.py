"""Fixes in GeoJSON: a collection of features, or features one a line or as a text sequence (RFC 8142), also gzipped.

::

    Point                        one fix, its time in a property
    LineString, MultiLineString  a fix per position, its times in `coordTimes` or `times`, nested as the lines are

A collection is read feature by feature, so that memory holds one. Positions are ``[longitude, latitude, altitude?]``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ijson
import msgspec

from liontrack_stream.sources.cells import BadRow
from liontrack_stream.sources.columns import ColumnsReader, Layout, plain
from liontrack_stream.sources.common_columns import COMMON
from liontrack_stream.sources.files import DamagedFile, Row, SourceFile, UnreadableFile
from liontrack_stream.sources.fixes import Fix, FixMaker
from liontrack_stream.sources.json_parts import SEPARATOR, parts

_LNG, _LAT, _ALTITUDE, _TIME = "geometry-longitude", "geometry-latitude", "geometry-altitude", "geometry-time"
GEOJSON = replace(
    COMMON,
    kind="geojson",
    names={
        **COMMON.names,
        "lng": (_LNG,),
        "lat": (_LAT,),
        "altitude": (_ALTITUDE, *COMMON.names["altitude"]),
        "time": (_TIME, *COMMON.names["time"]),
    },
)
_OF_EACH = ("lion", "tag", "name", "visible", "outlier")  # what a line's properties tell of each of its positions
_CHUNK_BYTES = 1 << 16
_BOM = b"\xef\xbb\xbf"
_ONE_FEATURE_MAX_BYTES = 64 << 20
_READERS_MAX = 256
_SHOWN_CHARACTERS = 200


class GeoJsonFile(SourceFile):
    """An open GeoJSON file. A row is a position, the time that belongs to it, and its feature's properties."""

    broken_kind = "broken feature"

    def __init__(self, path: Path, layout: Layout, maker: FixMaker) -> None:
        super().__init__(path)
        self.header = ("longitude", "latitude", "altitude", "time", "properties")
        self._layout, self._maker = layout, maker
        self._for_lines = replace(layout, chosen={f: name for f, name in layout.chosen.items() if f != "time"})
        self._line_names = {plain(n) for f in _OF_EACH for n in (*layout.names[f], *layout.chosen.values())}
        self._time_names = {plain(n) for n in (*layout.names["time"], layout.chosen.get("time", ""))}
        self._readers: dict[tuple[bool, tuple[str, ...]], ColumnsReader] = {}
        self._stream: Any = None
        self._delimiter: bytes | None = None
        self._place = "its beginning"

    def rows(self) -> Iterator[Row]:
        """The positions of all features, in the file's order."""
        for place, feature in self._collection() if self._delimiter is None else self._parted(self._delimiter):
            self._place = place
            yield from [feature] if isinstance(feature, Row) else _positions(place, feature)

    def convert(self, row: Row) -> Fix:
        lng, lat, altitude, time, properties = row.cells
        of_line = time is not None
        key = of_line, tuple(properties)
        reader = self._readers.get(key) or self._reader_of(key)
        place = (lng, lat, altitude, time) if of_line else (lng, lat, altitude)
        if of_line:
            values = [value for name, value in properties.items() if plain(name) in self._line_names]
            return self._maker.make(reader.read((*place, *values)))
        return self._maker.make(reader.read((*place, *properties.values())))

    def _reader_of(self, key: tuple[bool, tuple[str, ...]]) -> ColumnsReader:
        """The reader of features whose properties have these names."""
        of_line, names = key
        if not of_line and not any(plain(name) in self._time_names for name in names):
            raise BadRow("missing timestamp", "none of the feature's properties is a time")
        if of_line:
            header = [_LNG, _LAT, _ALTITUDE, _TIME, *(name for name in names if plain(name) in self._line_names)]
        else:
            header = [_LNG, _LAT, _ALTITUDE, *names]
        try:
            reader = ColumnsReader(header, self._for_lines if of_line else self._layout, names_nobody=True)
        except UnreadableFile as error:
            raise BadRow("unusable properties", str(error).replace("The header", "the feature")) from None
        if len(self._readers) >= _READERS_MAX:
            self._readers.clear()
        self._readers[key] = reader
        return reader

    def _where(self) -> str:
        return self._place

    def _begin(self, stream: Any) -> None:
        self._stream = io.BufferedReader(stream, _CHUNK_BYTES)
        with self._damage():
            if self._stream.peek(len(_BOM)).startswith(_BOM):
                self._stream.read(len(_BOM))
            start = self._stream.peek(_CHUNK_BYTES).lstrip()
        if start.startswith(SEPARATOR):
            self._delimiter = SEPARATOR
        elif not start.startswith(b"{"):
            raise UnreadableFile(f"{self.path} is no GeoJSON: it begins with {bytes(start[:20])!r}.")
        elif _is_feature(start.partition(b"\n")[0]):
            self._delimiter = b"\n"

    def _parted(self, delimiter: bytes) -> Iterator[tuple[str, Any]]:
        """The features of a file that parts them; for one that is broken, the row that says so."""
        stream = self._guarded()
        for part in parts(stream, delimiter):
            error = part.error
            try:
                feature = None if error else msgspec.json.decode(part.text)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
                error = f"is no JSON: {broken}"
            if error:
                yield part.place, Row(part.place, _shown(part.text.decode(errors="replace")), error)
            elif isinstance(feature, dict) and feature.get("type") == "FeatureCollection":
                found = feature.get("features")
                for number, one in enumerate(found if isinstance(found, list) else (), 1):
                    yield f"{part.place}, feature {number:,}", one
            else:
                yield part.place, feature

    def _collection(self) -> Iterator[tuple[str, Any]]:
        """The features of one document, each as soon as it is read; what stands before a break is kept."""
        number, held = 0, bytearray()
        found = ijson.sendable_list()
        parser = ijson.items_coro(found, "features.item", use_float=True)
        stream = self._guarded()
        broken = None
        while broken is None:
            chunk = stream.read(_CHUNK_BYTES)
            if not number and len(held) <= _ONE_FEATURE_MAX_BYTES:
                held += chunk
            try:
                if chunk:
                    parser.send(chunk)
                else:
                    parser.close()
            except ijson.JSONError as error:
                broken = " ".join(str(error).split())[:_SHOWN_CHARACTERS]
            for feature in found:
                number += 1
                held.clear()
                yield f"feature {number:,}", feature
            del found[:]
            if not chunk:
                break
        if broken is not None:
            raise DamagedFile(f"{self.path} breaks off after feature {number:,}: {broken}.")
        if not number:
            yield from self._only_feature(held)

    def _only_feature(self, text: bytearray) -> Iterator[tuple[str, Any]]:
        """The feature that the whole document is, when it is one."""
        document = msgspec.json.decode(text) if len(text) <= _ONE_FEATURE_MAX_BYTES else {}
        if document.get("type") == "Feature":
            yield "feature 1", document
        elif document.get("type") != "FeatureCollection":
            raise DamagedFile(f"{self.path} is no GeoJSON of features: neither a Feature nor a FeatureCollection.")

    def _guarded(self) -> Any:
        return _Guarded(self)


class _Guarded:
    """Reads a file's bytes; a broken gzip stream becomes ``DamagedFile``."""

    def __init__(self, file: GeoJsonFile) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        with self._file._damage():
            return bytes(self._file._stream.read(size))


def _is_feature(line: bytes) -> bool:
    """Whether a file's first line is a feature by itself."""
    try:
        document = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("type") == "Feature"


def _positions(place: str, feature: Any) -> Iterator[Row]:
    """A row per position of a feature; one that says why, where it has none that can be used."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        yield Row(place, _shown(feature), "is no Feature")
        return
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        yield Row(place, _shown(feature), "its properties are no object")
    elif geometry is None:
        return  # RFC 7946: a feature without a place
    elif not isinstance(geometry, dict) or not isinstance(geometry.get("coordinates"), list):
        yield Row(place, _shown(feature), "its geometry has no coordinates")
    elif geometry.get("type") == "Point":
        yield _row(place, geometry["coordinates"], None, properties)
    elif geometry.get("type") == "LineString":
        yield from _line(place, geometry["coordinates"], _times(properties), properties)
    elif geometry.get("type") == "MultiLineString":
        lines, times = geometry["coordinates"], _times(properties)
        if not isinstance(times, list) or len(times) != len(lines):
            yield Row(place, _shown(feature), f"has {len(lines)} lines and times for {_count(times)}")
            return
        for number, (line, moments) in enumerate(zip(lines, times, strict=True), 1):
            yield from _line(f"{place}, line {number:,}", line, moments, properties)
    else:
        yield Row(place, _shown(feature), f"a {str(geometry.get('type'))[:40]} is no fix and no track")


def _line(place: str, line: Any, times: Any, properties: dict[str, Any]) -> Iterator[Row]:
    if not isinstance(line, list):
        yield Row(place, _shown(line), "is no line")
    elif not isinstance(times, list) or len(times) != len(line):
        yield Row(place, _shown(line), f"has {len(line)} positions and {_count(times)} times (coordTimes, or times)")
    else:
        told = {name: value for name, value in properties.items() if name not in ("coordTimes", "times")}
        for number, (position, moment) in enumerate(zip(line, times, strict=True), 1):
            yield _row(f"{place}, position {number:,}", position, moment if moment is not None else "", told)


def _row(place: str, position: Any, time: Any, properties: dict[str, Any]) -> Row:
    if not isinstance(position, list) or len(position) < 2:
        return Row(place, _shown(position), "is no position: [longitude, latitude]")
    return Row(place, [*position[:2], position[2] if len(position) > 2 else None, time, properties])


def _times(properties: dict[str, Any]) -> Any:
    nested = properties.get("coordinateProperties")
    for named in (properties, nested if isinstance(nested, dict) else {}):
        for name in ("coordTimes", "times"):
            if name in named:
                return named[name]
    return None


def _count(times: Any) -> int:
    return len(times) if isinstance(times, list) else 0


def _shown(value: Any) -> Sequence[str]:
    """Cells of the rejects file for what has no position."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return ["", "", "", "", text[:_SHOWN_CHARACTERS]]
