"""CSV of any kind, GeoJSON and GPX into position events: what is found, what is refused, and where a file breaks."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Position
from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.sources.common_columns import COMMON
from liontrack_stream.sources.csv_file import CsvFile
from liontrack_stream.sources.deployments import Deployment, Deployments
from liontrack_stream.sources.files import SourceFile, UnreadableFile
from liontrack_stream.sources.fixes import FixMaker, SeenFixes
from liontrack_stream.sources.geojson import GEOJSON, GeoJsonFile
from liontrack_stream.sources.gpx import GPX, GpxFile
from liontrack_stream.sources.importing import Importer, ImportReport, Rejects

Events = list[dict[str, Any]]


class Run:
    """One import into a list."""

    def __init__(self, report: ImportReport, events: Events, rejects: list[list[str]]) -> None:
        self.report, self.events, self.rejects = report, events, rejects

    @property
    def told(self) -> list[tuple[str, str, float, float]]:
        return [(e["lion_id"], e["timestamp"], e["position"]["lat"], e["position"]["lng"]) for e in self.events]


async def run(source: SourceFile) -> Run:
    events: Events = []

    async def send(records: list[Any]) -> None:
        for record in records:
            assert isinstance(decode(POSITIONS.name, record.key, record.value), Position)
            events.append(msgspec.json.decode(record.value))

    out = source.path.with_suffix(".rejects.csv")
    with source, Rejects(out, source.header, source.place_name) as rejects:
        report = await Importer(source, rejects, send).run()
    rejected = list(csv.reader(out.open(encoding="utf-8", errors="surrogateescape")))[1:] if out.exists() else []
    out.unlink(missing_ok=True)
    assert report.rows == report.sent + report.skipped + report.duplicates
    assert len(rejected) == report.skipped + report.duplicates
    return Run(report, events, rejected)


def csv_file(path: Path, text: str, zone: str | None = None, lion: str | None = None, **chosen: str) -> CsvFile:
    path.write_text(text)
    layout = COMMON.mapped(chosen, ZoneInfo(zone) if zone else None)
    return CsvFile(path, layout, FixMaker("csv", lion=lion))


def geojson_file(path: Path, content: Any, lion: str | None = None, **chosen: str) -> GeoJsonFile:
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return GeoJsonFile(path, GEOJSON.mapped(chosen, None), FixMaker("geojson", lion=lion))


def gpx_file(path: Path, content: str | bytes, lion: str | None = None) -> GpxFile:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return GpxFile(path, GPX, FixMaker("gpx", lion=lion))


# -- CSV


@pytest.mark.parametrize(
    "text",
    [
        "lion_id,time,lat,lon\nA,2020-01-01T10:00:00Z,-21.5,22.5\n",
        "Longitude;Latitude;Animal ID;UTC time\n22.5;-21.5;A;2020-01-01T10:00:00Z\n",
        "y\tx\tanimal-id\tDate Time\n-21.5\t22.5\tA\t2020-01-01 12:00:00+02:00\n",
        "lion,timestamp,latitude,lng\nA,1577872800,-21.5,22.5\n",
        "lion,timestamp,latitude,lng\nA,1577872800000,-21.5,22.5\n",
        "individual-local-identifier,timestamp,location-lat,location-long\nA,2020-01-01T10:00Z,-21.5,22.5\n",
    ],
)
async def test_columns_of_a_csv_are_found_by_their_common_names(tmp_path: Path, text: str) -> None:
    found = await run(csv_file(tmp_path / "a.csv", text))
    assert found.told == [("A", "2020-01-01T10:00:00.000Z", -21.5, 22.5)]
    assert found.events[0]["source"] == "csv"


async def test_columns_of_a_csv_can_be_chosen(tmp_path: Path) -> None:
    text = "Zeit,Breite,Länge,lat,note\n2020-01-01T10:00:00Z,-21.5,22.5,9,hungry\n"
    found = await run(csv_file(tmp_path / "a.csv", text, lion="A", time="Zeit", lat="Breite", lng="Länge"))
    assert found.told == [("A", "2020-01-01T10:00:00.000Z", -21.5, 22.5)]
    assert (found.events[0]["note"], found.events[0]["csv:lat"]) == ("hungry", "9")
    with pytest.raises(UnreadableFile, match="--column lat=North: the header has no such column"):
        await run(csv_file(tmp_path / "a.csv", text, lion="A", time="Zeit", lat="North", lng="Länge"))
    with pytest.raises(UnreadableFile, match="lacks timestamp, lng, lion_id: give its column with --column"):
        await run(csv_file(tmp_path / "a.csv", text))


async def test_a_time_without_zone_is_refused_unless_one_is_said(tmp_path: Path) -> None:
    """Paris skips 02:30 on 29 March 2020 and has 02:30 twice on 25 October."""
    times = ["2020-01-01 12:00", "2020-07-01 12:00", "2020-03-29 02:30", "2020-10-25 02:30", "2020-01-01T12:00Z"]
    text = "lion,time,lat,lon\n" + "".join(f"A,{time},-21.5,22.5\n" for time in times)
    found = await run(csv_file(tmp_path / "a.csv", text))
    assert [time for _, time, _, _ in found.told] == ["2020-01-01T12:00:00.000Z"]
    assert dict(found.report.reasons) == {"timestamp without zone": 4}
    assert "--timezone UTC" in found.rejects[0][1]
    found = await run(csv_file(tmp_path / "a.csv", text, zone="Europe/Paris"))
    assert [time[:16] for _, time, _, _ in found.told] == ["2020-01-01T11:00", "2020-07-01T10:00", "2020-01-01T12:00"]
    assert [row[1].rpartition("' ")[2] for row in found.rejects] == [
        "does not exist in Europe/Paris: the clock was changed",
        "is twice in Europe/Paris: the clock was changed",
    ]


async def test_a_broken_line_costs_that_line(tmp_path: Path) -> None:
    good = ["A,2020-01-01T10:00:00Z,-21.5,22.5", "A,2020-01-01T11:00:00Z,-21.5,22.5"]
    bad = ["A,2020-01-01T10:30:00Z,-21.5", "A,2020-01-01T10:30:00Z,-91,22.5", ",2020-01-01T10:30:00Z,-21,22.5", "\x00"]
    text = "\n".join(["lion,time,lat,lon", good[0], *bad, good[1]]) + "\n"
    found = await run(csv_file(tmp_path / "a.csv", text))
    assert [time[11:16] for _, time, _, _ in found.told] == ["10:00", "11:00"]
    assert [row[0] for row in found.rejects] == ["3", "4", "5", "6"]


async def test_names_that_mean_something_in_an_event_are_set_apart(tmp_path: Path) -> None:
    header = "lion,time,lat,lon,op,after,source,tag_id,collar"
    found = await run(csv_file(tmp_path / "a.csv", f"{header}\nA,2020-01-01T10:00:00Z,1,2,d,x,me,7,8\n"))
    event = found.events[0]
    assert (event["csv:op"], event["csv:after"], event["csv:source"], event["collar"]) == ("d", "x", "me", "8")
    assert (event["tag-local-identifier"], event["event_id"]) == ("7", "7@2020-01-01T10:00:00.000Z")


# -- deployments

WORN = Deployments.of(
    [
        Deployment("7", "A", 1_577_836_800_000_000, 1_577_872_800_000_000),
        Deployment("7", "B", 1_577_872_800_000_000, None),
    ]
)  # A from 2020-01-01 00:00 up to 10:00, then B


async def test_the_lion_is_the_deployments_else_the_rows_else_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    times = ["2019-12-31T23:59:59Z", "2020-01-01T09:59:59Z", "2020-01-01T10:00:00Z"]
    path.write_text("tag,lion,time,lat,lon\n" + "".join(f"7,{lion},{t},1,2\n" for t in times for lion in ("C", "")))
    found = await run(CsvFile(path, COMMON, FixMaker("csv", WORN)))
    assert [(lion, time[11:16]) for lion, time, _, _ in found.told] == [("C", "23:59"), ("A", "09:59"), ("B", "10:00")]
    assert [event.get("individual-local-identifier") for event in found.events] == [None, "C", "C"]
    assert [event["name"] for event in found.events] == ["C", "A", "B"]
    assert found.rejects[0][:2] == ["3", "no deployment of tag 7 covers 2019-12-31T23:59:59.000Z"]
    assert (found.report.by_deployment, found.report.duplicates) == (2, 2)
    found = await run(CsvFile(path, COMMON, FixMaker("csv", WORN, lion="L", tag="8")))
    assert {lion for lion, _, _, _ in found.told} == {"L"}


@pytest.mark.parametrize(("time", "animal"), [(0, None), (1, "A"), (4, "A"), (5, None), (6, None), (7, "B"), (9, "B")])
def test_a_deployment_holds_up_to_its_end(time: int, animal: str | None) -> None:
    worn = Deployments.of([Deployment("7", "B", 7, None), Deployment("7", "A", 1, 5), Deployment("8", "C", None, None)])
    assert (worn.animal("7", time), worn.animal("8", time), worn.animal("9", time)) == (animal, "C", None)


# -- GeoJSON

T1, T2, T3 = "2020-01-01T10:00:00Z", "2020-01-01T11:00:00Z", "2020-01-01T12:00:00Z"


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def point(lng: Any = 22.5, lat: Any = -21.5, **properties: Any) -> dict[str, Any]:
    return feature({"type": "Point", "coordinates": [lng, lat]}, **({"lion_id": "A", "time": T1} | properties))


def collection(*features: Any, **more: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", **more, "features": list(features)}


LINE = [[22.5, -21.5], [22.6, -21.6, 950]]
TRACK = feature(
    {"type": "MultiLineString", "coordinates": [LINE, [[23, -22]]]}, lion="B", coordTimes=[[T1, T2], [T3]], n=3
)


async def test_points_and_lines_of_a_collection(tmp_path: Path) -> None:
    line = feature({"type": "LineString", "coordinates": LINE}, lion_id="C", times=[T1, T2])
    nested = feature({"type": "LineString", "coordinates": LINE}, lion_id="D", coordinateProperties={"times": [T1, T2]})
    nowhere = feature(None, lion_id="E", time=T1)
    source = geojson_file(tmp_path / "a.json", collection(point(hdop=1.5, note=["x"]), TRACK, line, nested, nowhere))
    found = await run(source)
    assert [(lion, time[11:13], lat, lng) for lion, time, lat, lng in found.told] == [
        ("A", "10", -21.5, 22.5),
        ("B", "10", -21.5, 22.5),
        ("B", "11", -21.6, 22.6),
        ("B", "12", -22, 23),
        *((lion, hour, lat, lng) for lion in "CD" for hour, lat, lng in (("10", -21.5, 22.5), ("11", -21.6, 22.6))),
    ]
    assert (found.events[0]["dop"], found.events[0]["note"], found.events[2]["altitude"]) == (1.5, ["x"], 950)
    assert "n" not in found.events[1]  # it is the track's, not the fix's


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"type": "Point"}, "is no Feature"),
        ([1], "is no Feature"),
        (feature({"type": "Polygon", "coordinates": []}), "a Polygon is no fix and no track"),
        (feature({"type": "Point"}), "its geometry has no coordinates"),
        (feature({"type": "Point", "coordinates": [22.5]}, time=T1), "is no position: [longitude, latitude]"),
        (feature({"type": "LineString", "coordinates": LINE}, lion_id="A", times=[T1]), "has 2 positions and 1 times"),
        (feature({"type": "MultiLineString", "coordinates": [LINE]}, times=[T1]), "has 2 positions and 0 times"),
        (point(lat="north"), "geometry-latitude is no number"),
        (point(lng=181), "geometry-longitude is impossible"),
        (point(lat=None), "geometry-latitude is missing"),
        (point(time=None), "time is missing"),
        (point(time="2020-01-01 10:00"), "has no time zone"),
        (point(lion_id=None), "individual-local-identifier is missing"),
        (feature({"type": "Point", "coordinates": [1, 2]}, lion="A"), "none of the feature's properties is a time"),
        (point(tag_id="1", **{"tag-id": "2"}), "names 'tag-id' more than once"),
        ({**point(), "properties": "x"}, "its properties are no object"),
    ],
)
async def test_a_broken_feature_costs_itself(tmp_path: Path, broken: Any, reason: str) -> None:
    found = await run(geojson_file(tmp_path / "a.json", collection(point(), broken, point(time=T2))))
    assert [time for _, time, _, _ in found.told] == ["2020-01-01T10:00:00.000Z", "2020-01-01T11:00:00.000Z"]
    assert found.rejects[0][0].startswith("feature 2")
    assert reason in found.rejects[0][1]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("write", "place"),
    [
        (lambda parts: b"\n".join(parts) + b"\n", "line 2"),
        (lambda parts: b"".join(b"\x1e" + part + b"\n" for part in parts), "record 2"),
        (lambda parts: b"\xef\xbb\xbf" + b"\r\n".join(parts), "line 2"),
    ],
    ids=["lines", "sequence", "lines of Windows"],
)
async def test_a_broken_line_of_features_costs_that_line(
    tmp_path: Path, write: Callable[[list[bytes]], bytes], place: str, packed: bool
) -> None:
    content = write([json.dumps(point()).encode(), b'{"type": "Feature", "geo', json.dumps(TRACK).encode()])
    found = await run(geojson_file(tmp_path / "a.json", gzip.compress(content) if packed else content))
    assert [lion for lion, *_ in found.told] == ["A", "B", "B", "B"]
    assert found.rejects[0][0] == place
    assert found.rejects[0][1].startswith("is no JSON")


async def test_a_document_that_breaks_off_is_taken_up_to_there(tmp_path: Path) -> None:
    features = [point(time=f"2020-01-01T{hour:02}:{minute:02}:00Z") for hour in range(24) for minute in range(60)]
    whole = json.dumps(collection(*features)).encode()
    for content in (whole[: len(whole) // 2], gzip.compress(whole)[:-200], whole.replace(b"T12:00", b"\xff", 1)):
        found = await run(geojson_file(tmp_path / "a.json", content))
        assert 0 < found.report.sent < len(features)
        assert f"after feature {found.report.sent:,}" in found.report.damage
    half = await run(geojson_file(tmp_path / "a.json", whole[: whole.index(b"T12:00")]))
    assert half.report.sent == 720


async def test_a_feature_alone_is_a_file_too(tmp_path: Path) -> None:
    for content in (json.dumps(TRACK), json.dumps(TRACK, indent=1)):
        assert (await run(geojson_file(tmp_path / "a.json", content.encode()))).report.sent == 3
    assert (await run(geojson_file(tmp_path / "a.json", collection()))).report.rows == 0
    found = await run(geojson_file(tmp_path / "a.json", b'{"lions": []}'))
    assert "neither a Feature nor a FeatureCollection" in found.report.damage
    for content in (b"lion,lat\n", b"<gpx/>", b"[]"):
        with pytest.raises(UnreadableFile, match="is no GeoJSON: it begins with"):
            await run(geojson_file(tmp_path / "a.json", content))


# -- GPX

POINTS = """
 <wpt lat="1" lon="2"><time>2020-01-01T09:00:00Z</time><name>Waterhole</name></wpt>
 <rte><rtept lat="1" lon="2"><time>2020-01-01T09:00:00Z</time></rtept></rte>
 <trk><name>A</name><trkseg>
  <trkpt lat="-21.5" lon="22.5"><ele>950.5</ele><time>2020-01-01T10:00:00Z</time><hdop>1.5</hdop>
   <extensions><x:TPE xmlns:x="urn:x"><x:atemp>31.5</x:atemp></x:TPE></extensions></trkpt>
  <trkpt lat="south" lon="22.5"><time>2020-01-01T10:30:00Z</time></trkpt>
  <trkpt lat="-21.6" lon="22.6"><time>2020-01-01T13:00:00+02:00</time></trkpt></trkseg>
  <trkseg><trkpt lat="-21.7" lon="22.7"></trkpt></trkseg></trk>
 <trk><trkseg><trkpt lat="-21.5" lon="22.5"><time>2020-01-01T10:00:00Z</time></trkpt></trkseg></trk>
"""


def gpx(version: str = "1.1", body: str = POINTS) -> str:
    namespace = f"http://www.topografix.com/GPX/{version.replace('.', '/')}"
    return f'<?xml version="1.0"?>\n<gpx version="{version}" creator="test" xmlns="{namespace}">{body}</gpx>'


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("packed", [False, True])
async def test_points_of_a_gpx(tmp_path: Path, version: str, packed: bool) -> None:
    content = gzip.compress(gpx(version).encode()) if packed else gpx(version)
    found = await run(gpx_file(tmp_path / "a.gpx", content))
    assert [(lion, time[11:13], lat) for lion, time, lat, _ in found.told] == [("A", "10", -21.5), ("A", "11", -21.6)]
    first = found.events[0]
    assert (first["altitude"], first["dop"], first["temperature"], first["source"]) == (950.5, 1.5, 31.5, "gpx")
    assert [row[0] for row in found.rejects] == [
        "waypoint 1", "track 1, point 2", "track 1, point 4", "track 2, point 1"
    ]  # fmt: skip
    assert dict(found.report.reasons) == {"missing individual": 2, "bad number": 1, "missing timestamp": 1}
    named = await run(gpx_file(tmp_path / "a.gpx", content, lion="L"))
    assert {lion for lion, *_ in named.told} == {"L"}
    assert [time[11:13] for _, time, *_ in named.told] == ["09", "10", "11"]


async def test_a_gpx_that_breaks_off_is_taken_up_to_there(tmp_path: Path) -> None:
    whole = gpx()
    found = await run(gpx_file(tmp_path / "a.gpx", whole[: whole.index("<trkseg><trkpt lat=")]))
    assert found.report.sent == 2
    assert "breaks off after track 1, point 3: no element found: line 10" in found.report.damage
    for content, word in ((b"lion,lat\n", "is no GPX"), (b"<kml></kml>", "its first element is not <gpx>")):
        with pytest.raises(UnreadableFile, match=word):
            await run(gpx_file(tmp_path / "a.gpx", content))


async def test_entities_are_not_read(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE gpx [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    outside = '<!DOCTYPE gpx [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    for document_type in (bomb, outside, "<!DOCTYPE gpx>"):
        content = gpx(body="<trk><name>&a;</name></trk>").replace("?>\n", f"?>\n{document_type}\n", 1)
        with pytest.raises(UnreadableFile, match="is not read: GPX needs neither"):
            await run(gpx_file(tmp_path / "a.gpx", content))


def test_seen_fixes_of_any_order_in_little_memory() -> None:
    seen = SeenFixes()
    times = [(n * 7919) % 20_011 for n in range(20_011)]
    assert all(seen.add("a", time) for time in times)
    assert not any(seen.add("a", time) for time in times)
    assert max(len(late) for late in seen._late.values()) < 5_000
