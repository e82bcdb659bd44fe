"""GeoJSON as RFC 7946 wants it, whoever asks."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
import shapely

from liontrack_stream.contract.times import iso
from liontrack_stream.sources.fixes import FixMaker
from liontrack_stream.sources.geojson import GEOJSON, GeoJsonFile
from tests.support.oracle import Tables
from tests.views.conftest import Client
from tests.views.tokens import RANGER

LIONS = "/api/analytics/lions"


async def geojson(site: Client, path: str, headers: dict[str, str], **query: Any) -> Any:
    response = await site.get(f"{LIONS}/{path}", params=query, headers=headers)
    assert response.status == 200, await response.text()
    assert response.headers["Content-Type"] == "application/geo+json"
    assert ("exact" in response.headers["X-Position-Precision"]) == bool(headers)
    body = await response.json(content_type="application/geo+json")
    assert_valid(body)
    return body


def assert_valid(body: Any) -> None:
    """What RFC 7946 asks of a FeatureCollection of points and lines."""
    assert body["type"] == "FeatureCollection"
    positions = []
    for feature in body["features"]:
        assert feature.keys() == {"type", "id", "geometry", "properties"}
        assert feature["type"] == "Feature"
        geometry = feature["geometry"]
        if geometry is None:
            continue
        assert geometry.keys() == {"type", "coordinates"}
        assert shapely.from_geojson(json.dumps(geometry)).is_valid
        if geometry["type"] == "Point":
            positions.append(geometry["coordinates"])
            continue
        assert geometry["type"] == "MultiLineString"
        times = feature["properties"]["coordTimes"]
        assert [len(line) for line in geometry["coordinates"]] == [len(line) for line in times]
        for line in geometry["coordinates"]:
            assert len(line) >= 2
            assert max(lng for lng, _ in line) - min(lng for lng, _ in line) <= 180  # on one side of the antimeridian
            positions += line
        assert all(line == sorted(line) for line in times)
    assert all(-180 <= lng <= 180 and -90 <= lat <= 90 for lng, lat in positions)
    assert ("bbox" in body) == bool(positions)
    if positions:
        west, south, east, north = body["bbox"]
        assert all(south <= lat <= north for _, lat in positions)
        assert all(west <= lng <= east if west <= east else lng >= west or lng <= east for lng, _ in positions)


async def test_tracks_of_all_lions(site: Client, tables: Tables) -> None:
    for (lion,), row in tables["silver.lions"].items():
        if row["deleted_at"] is None:
            exact = await geojson(site, f"{lion}/track", RANGER, hours=24 * 40)
            reduced = await geojson(site, f"{lion}/track", {}, hours=24 * 40)
            properties = reduced["features"][0]["properties"]
            assert properties["to"] == "2026-03-09T12:00:00Z"  # a day late
            assert properties["distance_m"] is None
            assert properties["fixes"] <= exact["features"][0]["properties"]["fixes"] + 48
            for feature in reduced["features"]:
                lines = feature["geometry"]["coordinates"] if feature["geometry"] else []
                for line in [[lines]] if feature["id"] == "last" else [lines]:
                    assert_on_grid(line)


def assert_on_grid(lines: Any) -> None:
    for line in lines:
        points = [line] if isinstance(line[0], float | int) else line
        for lng, lat in points:
            assert abs(lat * 10 - round(lat * 10)) < 1e-6 or abs(lng) == 180
            assert abs(lng * 10 - round(lng * 10)) < 1e-6
        assert all(one != other for one, other in pairwise(points))


async def test_tracks_can_be_imported_again(site: Client, tables: Tables, tmp_path: Path) -> None:
    """The fixes of walks come back with their places and times, but for those where the antimeridian cuts a walk."""
    history = {
        (lion, iso(round(time.timestamp() * 1_000_000))): {"lat": row["lat"], "lng": row["lng"]}
        for (lion, time), row in tables["gold.lions_positions_history"].items()
    }
    path, found = tmp_path / "track.geojson", 0
    for (lion,), row in tables["silver.lions"].items():
        if row["deleted_at"] is not None:
            continue
        path.write_text(json.dumps(await geojson(site, f"{lion}/track", RANGER, hours=24 * 40)))
        with GeoJsonFile(path, GEOJSON, FixMaker("geojson")) as file:
            events = [msgspec.json.decode(file.convert(row).record.value or b"") for row in file.rows()]
        for event in events:
            if abs(event["position"]["lng"]) != 180:
                assert history[lion, event["timestamp"]] == event["position"]
                found += 1
    assert found > 20


async def test_a_track_over_the_antimeridian(site: Client) -> None:
    body = await geojson(site, "omega/track", RANGER, as_of="2026-03-08T10:00:00Z")
    track, last = body["features"]
    first, second = track["geometry"]["coordinates"]
    assert [lng for lng, _ in first] == pytest.approx([179.96, 179.97, 179.98, 179.99, 180])
    assert [lng for lng, _ in second] == pytest.approx([-180, -179.99, -179.98, -179.97, -179.96])
    assert body["bbox"] == pytest.approx([179.96, -17, -179.96, -17])
    assert last["geometry"]["coordinates"] == pytest.approx([-179.96, -17])
    assert last["properties"] == {"lion_id": "omega", "position_date": "2026-03-08T08:00:00Z"}
    assert track["properties"]["fixes"] == 9


async def test_a_track_of_gaps_alone_has_no_lines(site: Client) -> None:
    body = await geojson(site, "seldom/track", RANGER, as_of="2026-03-08")
    track, last = body["features"]
    assert track["geometry"] is None
    assert (track["properties"]["fixes"], track["properties"]["coordTimes"]) == (4, [])
    assert track["properties"]["distance_m"] is None
    assert last["properties"]["position_date"] == "2026-03-08T18:00:00Z"


async def test_a_track_is_cut_at_its_limit_and_says_so(site: Client) -> None:
    whole = await geojson(site, "omega/track", RANGER, as_of="2026-03-08T10:00:00Z", limit=9)
    cut = await geojson(site, "omega/track", RANGER, as_of="2026-03-08T10:00:00Z", limit=3)
    assert [body["features"][0]["properties"]["truncated"] for body in (whole, cut)] == [False, True]
    assert cut["features"][0]["properties"]["fixes"] == 3
    assert [lng for lng, _ in cut["features"][0]["geometry"]["coordinates"][0]] == pytest.approx(
        [-179.98, -179.97, -179.96]
    )


async def test_positions_in_pages(site: Client) -> None:
    every = [feature["id"] for feature in (await geojson(site, "positions", RANGER))["features"]]
    assert "gone" not in every
    assert "unseen" not in every
    seen, url = [], f"{LIONS}/positions?limit=2"
    while url:
        response = await site.get(url, headers=RANGER)
        seen += [feature["id"] for feature in (await response.json())["features"]]
        url = str(response.links["next"]["url"].relative()) if "next" in response.links else ""
    assert seen == every


async def test_positions_for_the_public_are_delayed_and_on_a_grid(site: Client) -> None:
    exact, reduced = [await geojson(site, "positions", headers) for headers in (RANGER, {})]
    assert {feature["id"] for feature in reduced["features"]} <= {feature["id"] for feature in exact["features"]}
    for feature in reduced["features"]:
        assert feature["properties"]["position_date"] <= "2026-03-09T12:00:00Z"
        assert_on_grid([[feature["geometry"]["coordinates"]]])


async def test_before_all_fixes(site: Client) -> None:
    assert await geojson(site, "positions", RANGER, as_of="2025-01-01") == {"type": "FeatureCollection", "features": []}
    (track,) = (await geojson(site, "omega/track", RANGER, as_of="2025-01-01"))["features"]
    assert (track["geometry"], track["properties"]["fixes"]) == (None, 0)


async def test_unknown_lions(site: Client) -> None:
    for lion in ("gone", "nobody", "%00"):
        response = await site.get(f"{LIONS}/{lion}/track", headers=RANGER)
        assert (response.status, set(await response.json())) == (404, {"error", "detail"})
