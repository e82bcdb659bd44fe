"""GPX and GeoJSON, read back by other people's readers."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import gpxpy
import pytest
from geojson_pydantic import FeatureCollection
from lxml import etree

from liontrack_stream.core.tracks import Fix, walks_of
from liontrack_stream.views.positions import on_grid
from tests.exports.conftest import Run

FIXES = list[dict[str, Any]]
HOURS_4 = timedelta(hours=4)
ORDER = ["ele", "time", "cmt", "hdop"]  # of a point's elements in the schema of GPX


def accepted(fixes: FIXES, lion_id: str | None = None) -> FIXES:
    return [fix for fix in fixes if fix["flags"] == 0 and lion_id in (None, fix["lion_id"])]


def segments(fixes: FIXES) -> list[FIXES]:
    """Fixes by time, cut at gaps of more than 4 h."""
    found: list[FIXES] = []
    for fix in fixes:
        if not found or fix["event_time"] - found[-1][-1]["event_time"] > HOURS_4:
            found.append([])
        found[-1].append(fix)
    return found


def lions_of(fixes: FIXES) -> list[str]:
    return sorted({fix["lion_id"] for fix in fixes})


# -- GPX


def test_gpx_has_a_track_per_lion_and_a_segment_per_walk(export: Run, fixes: FIXES, tmp_path: Path) -> None:
    export("gpx", "--out", "t.gpx")
    content = (tmp_path / "t.gpx").read_bytes()
    gpx = gpxpy.parse(content.decode(), version="1.1")
    assert gpx.creator == "LionTrack Stream"
    lions = lions_of(accepted(fixes))
    assert [track.description.removeprefix("Simulated, no real animal. ") for track in gpx.tracks] == [
        f"lion_id: {lion_id}" for lion_id in lions
    ]
    for track, lion_id in zip(gpx.tracks, lions, strict=True):
        expected = segments(accepted(fixes, lion_id))
        assert [[_of(point) for point in segment.points] for segment in track.segments] == [
            [_of_row(fix) for fix in segment] for segment in expected
        ]
    assert len(gpx.tracks[lions.index("nala")].segments) == 5
    for point in etree.fromstring(content).iter("{*}trkpt"):
        names = [etree.QName(child).localname for child in point]
        assert names == [name for name in ORDER if name in names], "the schema's order"
        assert -180 <= float(point.get("lon")) < 180, "the schema's longitudes"
        assert "e" not in point.get("lat") + point.get("lon")


def _of(point: Any) -> tuple[Any, ...]:
    return point.time, point.latitude, point.longitude, point.elevation, point.horizontal_dilution


def _of_row(fix: dict[str, Any]) -> tuple[Any, ...]:
    lng = -180.0 if fix["lng"] == 180 else fix["lng"]
    return fix["event_time"], fix["lat"], lng, fix["altitude"], fix["dop"]


def test_gpx_holds_hostile_names(export: Run, tmp_path: Path) -> None:
    export("gpx", "--out", "t.gpx")
    gpx = gpxpy.parse((tmp_path / "t.gpx").read_text())
    names = {track.description.rpartition(": ")[2]: track for track in gpx.tracks}
    root = etree.fromstring((tmp_path / "t.gpx").read_bytes())
    texts = [name.text for name in root.iter("{*}name")]
    assert '=HYPERLINK("x","y") ]]> <b>&\ufffd\ufffd \'quoted\',\r\nsecond line' in texts
    assert (names["alone"].name, names["Ω/1 ?"].name, names["=1+1"].name) == ("alone", "Omega 🦁", "@SUM(A1)")
    assert [track.name for track in gpx.tracks if track.source == "simulator"] == ["Sim Lion"]
    assert [lion for lion, track in names.items() if track.description.startswith("Simulated, no real")] == ["sim-1"]


def test_gpx_with_flagged_fixes_says_which(export: Run, fixes: FIXES, tmp_path: Path) -> None:
    done = export("gpx", "--include-flagged", "--out", "t.gpx.gz", "--json")
    with gzip.open(tmp_path / "t.gpx.gz", "rt") as file:
        points = [point for track in gpxpy.parse(file).tracks for segment in track.segments for point in segment.points]
    told = {point.time: point.comment for point in points if point.comment and point.latitude == -20}
    assert list(told.values()) == ["flags: spike"]
    flagged = [fix for fix in fixes if fix["flags"] not in (0, 16)]
    assert sum(point.comment is not None for point in points) == len(flagged)
    report = json.loads(done.stdout)
    assert (report["flagged"], report["fixes"]) == (len(flagged), len(points))


# -- GeoJSON


def collection(path: Path) -> dict[str, Any]:
    """A file that an independent reader of RFC 7946 takes, too."""
    content = path.read_bytes()
    FeatureCollection.model_validate_json(content, strict=True)
    document: dict[str, Any] = json.loads(content)
    names = [feature["id"] for feature in document["features"]]
    assert len(set(names)) == len(names)
    return document


def test_geojson_has_the_apis_tracks_and_loses_no_fix(export: Run, fixes: FIXES, tmp_path: Path) -> None:
    export("geojson", "--out", "t.geojson")
    document = collection(tmp_path / "t.geojson")
    assert document["positions"] == "exact"
    lions = lions_of(accepted(fixes))
    tracks = {f["id"]: f for f in document["features"] if "coordTimes" in f["properties"]}
    assert list(tracks) == lions
    for lion_id, track in tracks.items():
        mine = accepted(fixes, lion_id)
        walks = walks_of([Fix(fix["event_time"], fix["lat"], fix["lng"]) for fix in mine], stays=True)
        geometry, properties = track["geometry"], track["properties"]
        assert (geometry["coordinates"] if geometry else []) == [walk.positions for walk in walks]
        times = [[datetime.fromisoformat(time) for time in line] for line in properties["coordTimes"]]
        assert times == [walk.times for walk in walks]
        assert (properties["fixes"], properties["truncated"]) == (len(mine), False)
        steps = [fix["step_mm"] for fix in mine[1:] if fix["step_mm"] is not None]
        assert properties["distance_m"] == (sum(steps) / 1000 if steps else None)
        alone = [
            (feature["properties"]["position_date"], feature["geometry"]["coordinates"])
            for feature in document["features"]
            if feature["properties"]["lion_id"] == lion_id and "position_date" in feature["properties"]
        ]
        told = {(datetime.fromisoformat(time), *place) for time, place in alone}
        told |= {
            (t, *p) for line, at in zip(walks, times, strict=True) for t, p in zip(at, line.positions, strict=True)
        }
        assert told >= {(fix["event_time"], fix["lng"], fix["lat"]) for fix in mine}
    assert tracks["alone"]["geometry"] is None
    crossing = tracks["Ω/1 ?"]["geometry"]["coordinates"]
    assert [line[-1] for line in crossing] == [[180.0, -21.0], [-180.0, -24.0]]
    assert [lion for lion, track in tracks.items() if track["properties"].get("simulated")] == ["sim-1"]


def test_geojson_points_tell_all_of_a_fix(export: Run, fixes: FIXES, tmp_path: Path) -> None:
    export("geojson", "--points", "--include-flagged", "--out", "p.geojson")
    document = collection(tmp_path / "p.geojson")
    expected = {
        (fix["lion_id"], fix["event_time"]): fix for fix in fixes if fix["flags"] & 16 == 0
    }  # fmt: skip
    assert len(document["features"]) == len(expected)
    for feature in document["features"]:
        properties = feature["properties"]
        fix = expected[properties["lion_id"], datetime.fromisoformat(properties["position_date"])]
        assert feature["geometry"] == {"type": "Point", "coordinates": [fix["lng"], fix["lat"]]}
        assert {name: properties.get(name) for name in ("accuracy", "altitude", "dop", "source")} == {
            name: fix[name] for name in ("accuracy", "altitude", "dop", "source")
        }
        assert properties.get("flags") == {0: None, 2: ["not_visible"], 8: ["spike"]}[fix["flags"]]
        assert ("simulated" in properties) == (fix["source"] == "simulator")


@pytest.mark.parametrize("arguments", [("gpx",), ("geojson",), ("geojson", "--points"), ("movebank",)])
def test_generalised_positions_are_the_apis(
    export: Run, fixes: FIXES, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = export(*arguments, "--generalise", "0.1", "--delay-h", "24", "--out", "g")
    assert "Positions are on a grid of 0.1°, none after " in done.stderr
    text = (tmp_path / "g").read_text()
    shown = set(_told(text, arguments[0]))
    wanted = {
        (on_grid(fix["lat"], 0.1, 90), on_grid(fix["lng"], 0.1, 180))
        for fix in accepted(fixes)
        if fix["lat"] != -24.777777
    }
    if arguments == ("geojson",):
        shown -= {(lat, lng) for lat, lng in shown if abs(lng) == 180}  # where tracks are cut
        wanted -= {(lat, lng) for lat, lng in wanted if abs(lng) == 180}
    if arguments == ("gpx",):
        wanted = {(lat, -180.0 if lng == 180 else lng) for lat, lng in wanted}
    assert shown == wanted
    for secret in ("24.123456", "23.987654", "900.5", "3.25"):
        assert secret not in text


def _told(text: str, kind: str) -> list[tuple[float, float]]:
    if kind == "gpx":
        return [(p.latitude, p.longitude) for t in gpxpy.parse(text).tracks for s in t.segments for p in s.points]
    if kind == "movebank":
        rows = [line.split(",") for line in text.splitlines()[1:]]
        return [(float(row[4]), float(row[3])) for row in rows]
    found = []
    for feature in json.loads(text)["features"]:
        geometry = feature["geometry"]
        lines = [] if geometry is None else geometry["coordinates"]
        points = [lines] if geometry and geometry["type"] == "Point" else [p for line in lines for p in line]
        found += [(lat, lng) for lng, lat in points]
    return found


def test_a_period_and_a_lion(export: Run, fixes: FIXES, tmp_path: Path) -> None:
    export("geojson", "--points", "--lion", "nala", "--lion", "alone", "--since", "2026-03-09", "--until",
           "2026-03-09T08:30:00.251+00:00", "--out", "p.json")  # fmt: skip
    told = [f["properties"]["position_date"] for f in collection(tmp_path / "p.json")["features"]]
    low, high = datetime.fromisoformat("2026-03-09T00:00Z"), datetime.fromisoformat("2026-03-09T08:30:00.251Z")
    mine = [fix for fix in accepted(fixes) if fix["lion_id"] in ("nala", "alone")]
    assert sorted(map(datetime.fromisoformat, told)) == sorted(
        fix["event_time"] for fix in mine if low <= fix["event_time"] < high
    )
