"""What is pushed, and what its sender is told.

The types describe what is taken for certain; what a contract's event may hold besides is kept, too. What counts is
`contract.decode`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from liontrack_stream.views.parameters import ZONED_TIME

Name = Annotated[str, Meta(min_length=1, max_length=512, pattern=r"^\S")]
Zoned = Annotated[str, Meta(pattern=ZONED_TIME, description="ISO-8601 with a zone: without one it is refused.")]
Time = Zoned | Annotated[int, Meta(ge=0, lt=32_503_680_000, description="Seconds since 1970; milliseconds are larger.")]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Number = Annotated[float, Meta(ge=-1e9, le=1e9)]
EventId = Annotated[str, Meta(max_length=512)]


class Place(TypedDict):
    """Degrees, WGS 84."""

    lat: Latitude
    lng: Longitude


class PushedPosition(TypedDict):
    """A fix of a lion; one for each lion and timestamp. Metres, degrees Celsius."""

    lion_id: Name
    position: Place
    timestamp: Time
    name: NotRequired[str | None]
    source: NotRequired[str | None]
    confidence: NotRequired[Number | None]
    accuracy: NotRequired[Number | None]
    altitude: NotRequired[Number | None]
    dop: NotRequired[Number | None]
    temperature: NotRequired[Number | None]
    visible: NotRequired[bool | None]
    event_id: NotRequired[EventId | None]


class PushedWeight(TypedDict):
    """A weighing; one for each weight_id. At least a gram."""

    weight_id: Name
    lion_id: Name
    weight: Annotated[float, Meta(ge=1, le=1e9)]
    measured_at: Time
    timestamp: NotRequired[Time | None]
    unit: NotRequired[Literal["kg", "g", "lb"] | None]
    source: NotRequired[str | None]
    user_id: NotRequired[Name | None]


class PushedActivity(TypedDict):
    """Something that a user did; one for each user, type, timestamp and event_id."""

    user_id: Name
    activity_type: Name
    timestamp: Time
    event_id: NotRequired[Name | None]
    username: NotRequired[str | None]
    email: NotRequired[str | None]
    roles: NotRequired[list[str] | None]
    metadata: NotRequired[dict[str, Any] | None]


class PushedChallenge(TypedDict):
    """A status of a challenge; one for each challenge, updated_at and status."""

    challenge_id: Name
    user_id: Name
    status: Literal["pending", "in_progress", "completed", "abandoned"]
    updated_at: Time
    title: NotRequired[str | None]
    timestamp: NotRequired[Time | None]
    description: NotRequired[str | None]
    created_at: NotRequired[Time | None]
    due_date: NotRequired[Time | None]
    progress: NotRequired[Number | None]


class SensorLocation(TypedDict):
    """Degrees, WGS 84."""

    lat: Latitude
    lon: Longitude


class SensorStatus(TypedDict):
    """An observation as EarthRanger's generic sensors take it."""

    manufacturer_id: Name
    recorded_at: Zoned
    location: SensorLocation
    subject_name: NotRequired[str | None]
    subject_type: NotRequired[Literal["wildlife"]]
    subject_subtype: NotRequired[Literal["lion"]]
    model_name: NotRequired[str | None]
    source_type: NotRequired[str | None]
    additional: NotRequired[dict[str, Any]]


class TraccarPosition(TypedDict):
    """A position as Traccar forwards it; speed in knots."""

    fixTime: Zoned
    latitude: Latitude
    longitude: Longitude
    altitude: NotRequired[Number]
    speed: NotRequired[Number]
    course: NotRequired[Number]
    accuracy: NotRequired[Number]
    valid: NotRequired[bool]
    outdated: NotRequired[bool]
    protocol: NotRequired[str | None]
    attributes: NotRequired[dict[str, Any]]


class TraccarDevice(TypedDict):
    """The device of a forwarded position."""

    uniqueId: Name
    name: NotRequired[str | None]


class TraccarData(TypedDict):
    """What Traccar sends with forward.type json."""

    position: TraccarPosition
    device: TraccarDevice


class RejectedItem(TypedDict):
    """An item that was not taken: its place in the array, or its line, from 0; the rule that it breaks, and how."""

    index: int
    event_id: NotRequired[str]
    rule: str
    reason: str


class PushBody(TypedDict):
    """How many items Kafka holds now, and those that were not taken."""

    accepted: int
    rejected: list[RejectedItem]


class RefusedBody(TypedDict):
    """Nothing was taken."""

    error: str
    detail: str
    accepted: int
    rejected: list[RejectedItem]
