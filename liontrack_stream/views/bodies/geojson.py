"""GeoJSON (RFC 7946). Positions are ``[longitude, latitude]``."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict


class Point(TypedDict):
    """A position."""

    type: Literal["Point"]
    coordinates: list[float]


class TrackGeometry(TypedDict):
    """The walks, lines of positions; or one position."""

    type: Literal["MultiLineString", "Point"]
    coordinates: list[Any]


class PositionProperties(TypedDict):
    """A lion at its last fix."""

    lion_id: str
    name: str | None
    status: str
    health_score: float | None
    position_date: datetime


class PositionFeature(TypedDict):
    """A lion; `id` is its lion_id."""

    type: Literal["Feature"]
    id: str
    geometry: Point
    properties: PositionProperties


class PositionsBody(TypedDict):
    """Lions by lion_id, those with a fix. `bbox` is west, south, east, north."""

    type: Literal["FeatureCollection"]
    features: list[PositionFeature]
    bbox: NotRequired[list[float]]


TrackProperties = TypedDict(
    "TrackProperties",
    {
        "lion_id": str,
        "name": NotRequired[str | None],
        "from": NotRequired[datetime],
        "to": NotRequired[datetime],
        "fixes": NotRequired[int],
        "truncated": NotRequired[bool],
        "distance_m": NotRequired[float | None],
        "coordTimes": NotRequired[list[list[datetime]]],
        "position_date": NotRequired[datetime],
    },
)
TrackProperties.__doc__ = (
    "Of `last`: the fix's position_date. Of `track`, for the period (from, to]: `fixes`, the accepted ones that it is "
    "made of; `truncated`, whether older ones were left out; `distance_m`, geodesic metres, null on a grid; "
    "`coordTimes`, the time of each position of each walk."
)


class TrackFeature(TypedDict):
    """`track`, the walks, without geometry where there is none of two positions; or `last`, the last fix."""

    type: Literal["Feature"]
    id: Literal["track", "last"]
    geometry: TrackGeometry | None
    properties: TrackProperties


class TrackBody(TypedDict):
    """A lion's track, and its last fix where it has one. `bbox` is west, south, east, north."""

    type: Literal["FeatureCollection"]
    features: list[TrackFeature]
    bbox: NotRequired[list[float]]
