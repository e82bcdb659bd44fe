"""Lions' positions and tracks as GeoJSON (RFC 7946)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web

from liontrack_stream.core.tracks import Fix, bounding_box, distance_m, walks_of
from liontrack_stream.views.bodies.geojson import PositionsBody, TrackBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.errors import UnknownLion
from liontrack_stream.views.lions import AFTER, HOURS, LIONS_LIMIT, POSITIONS_MAX, prepared_list
from liontrack_stream.views.parameters import AS_OF, WholeNumber
from liontrack_stream.views.routes import Access, Route

MEDIA_TYPE = "application/geo+json"
TRACK_LIMIT = WholeNumber("limit", "At most so many fixes, the newest ones.", POSITIONS_MAX, low=1, high=POSITIONS_MAX)


async def lions_positions(call: Call) -> web.Response:
    """The lions with a fix by lion_id, each a point at its last one up to `as_of`, as GeoJSON."""
    return await prepared_list(call, _positions_response)


def _positions_response(call: Call, lions: list[dict[str, Any]], headers: dict[str, str]) -> web.Response:
    return _answer(call, [_lion(lion) for lion in lions if lion["position_lat"] is not None], headers)


def _lion(lion: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: lion[name] for name in ("lion_id", "name", "status", "health_score")}
    return _feature(
        lion["lion_id"],
        _point(lion["position_lat"], lion["position_lng"]),
        {**properties, "position_date": lion["updated_at"]},
    )


async def track(call: Call) -> web.Response:
    """A lion's walks in the `hours` up to `as_of`, and its last fix, as GeoJSON; delayed viewers: up to the delay.

    A walk ends where the next fix is more than 4 h away, and at the antimeridian. A walk of one fix is no line. On a
    grid, a point is told once however long the lion stays.
    """
    lion_id, limit, access = call.lion_id, call[TRACK_LIMIT], call.position_access()
    since = access.as_of - timedelta(hours=call[HOURS])
    rows = await call.site.database.rows("track", lion_id, since, access.as_of, limit + 1)
    if not rows:
        raise UnknownLion
    found = [row for row in rows if row["position_date"] is not None][:limit]
    found.reverse()
    shown = [Fix(row["position_date"], row["lat"], row["lng"]) for row in map(access.show, found)]
    walks = walks_of(shown, stays=access.exact)
    geometry = {"type": "MultiLineString", "coordinates": [walk.positions for walk in walks]} if walks else None
    properties = {
        "lion_id": lion_id,
        "name": rows[0]["name"],
        "from": since,
        "to": access.as_of,
        "fixes": len(found),
        "truncated": len(rows) > limit,
        "distance_m": distance_m([row["step_mm"] for row in found]) if access.exact else None,
        "coordTimes": [walk.times for walk in walks],
    }
    features = [_feature("track", geometry, properties)]
    if shown:
        last = shown[-1]
        features.append(_feature("last", _point(last.lat, last.lng), {"lion_id": lion_id, "position_date": last.time}))
    return _answer(call, features, access.headers)


def _feature(name: str, geometry: dict[str, Any] | None, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "id": name, "geometry": geometry, "properties": properties}


def _point(lat: float, lng: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [lng, lat]}


def _answer(call: Call, features: list[dict[str, Any]], headers: Mapping[str, str]) -> web.Response:
    body: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    positions = [position for feature in features for position in _positions(feature["geometry"])]
    if positions:
        body["bbox"] = bounding_box(positions)
    response = call.json(body, headers=headers)
    response.content_type = MEDIA_TYPE
    response.charset = None
    return response


def _positions(geometry: dict[str, Any] | None) -> list[list[float]]:
    if geometry is None:
        return []
    if geometry["type"] == "Point":
        return [geometry["coordinates"]]
    return [position for line in geometry["coordinates"] for position in line]


ROUTES = (
    Route(
        "/api/analytics/lions/positions",
        lions_positions,
        Access.POSITIONS,
        (AS_OF, LIONS_LIMIT, AFTER),
        PositionsBody,
        media_types=(MEDIA_TYPE,),
    ),
    Route(
        "/api/analytics/lions/{lionId}/track",
        track,
        Access.POSITIONS,
        (HOURS, AS_OF, TRACK_LIMIT),
        TrackBody,
        media_types=(MEDIA_TYPE,),
    ),
)
