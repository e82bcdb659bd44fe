"""HTTP push: events into the topics, acknowledged once Kafka has them."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from liontrack_stream.contract.topics import ACTIVITIES, CHALLENGES, POSITIONS, WEIGHTS
from liontrack_stream.sources import earthranger, traccar
from liontrack_stream.sources.pushed import Adapter
from liontrack_stream.sources.trackers import worn
from liontrack_stream.views.bodies import ingest as bodies
from liontrack_stream.views.call import Call
from liontrack_stream.views.parameters import Decimal, Id, Parameter, ZonedTime
from liontrack_stream.views.pushes import PUSHES, take_body, take_item
from liontrack_stream.views.routes import Access, Body, CallHandler, Route

ERRORS = (408, 415)
_encode = msgspec.json.Encoder().encode

TRACCAR_PARAMETERS: tuple[Parameter[Any], ...] = (
    Id("id", "The device's uniqueId; also as uniqueId, deviceid.", None, required=True, example="ST-1042"),
    Decimal("lat", "Degrees; also as latitude.", None, required=True, example="-21.5", low=-90, high=90),
    Decimal("lon", "Degrees; also as longitude.", None, required=True, example="23.5", low=-180, high=180),
    ZonedTime(
        "timestamp",
        "Epoch seconds or milliseconds, or ISO-8601 with a zone; also as fixTime.",
        None,
        required=True,
        example="2026-01-31T12:00:00Z",
    ),
)


async def push_positions(call: Call) -> web.Response:
    """Push fixes of lions."""
    return await take_body(call, POSITIONS.name)


async def push_weights(call: Call) -> web.Response:
    """Push weighings of lions."""
    return await take_body(call, WEIGHTS.name)


async def push_activities(call: Call) -> web.Response:
    """Push what users did."""
    return await take_body(call, ACTIVITIES.name)


async def push_challenges(call: Call) -> web.Response:
    """Push statuses of challenges."""
    return await take_body(call, CHALLENGES.name)


async def push_earthranger(call: Call) -> web.Response:
    """Push observations as EarthRanger's generic sensors take them.

    The collar is `manufacturer_id`, the lion the one who wore it then; where nobody knows, the collar.
    """
    return await take_body(call, POSITIONS.name, await _worn(call, earthranger.position_of))


async def push_earthranger_status(call: Call) -> web.Response:
    """The same where EarthRanger's own clients look for it: /ingest/earthranger is their service root."""
    return await push_earthranger(call)


async def push_traccar(call: Call) -> web.Response:
    """Push positions as Traccar forwards them with forward.type json.

    The collar is the device's `uniqueId`, the lion the one who wore it then; where nobody knows, the collar.
    Without a body, the parameters of the URL are read, as by GET.
    """
    if not call.request.body_exists:
        return await push_traccar_url(call)
    return await take_body(call, POSITIONS.name, await _worn(call, traccar.position_of))


async def push_traccar_url(call: Call) -> web.Response:
    """Push a position by parameters of the URL, as Traccar does with forward.type url, and OsmAnd's clients.

    What the parameters are called is up to forward.url; others than these are kept. The token goes into forward.header.
    """
    pairs = _encode(list(call.request.query.items()))
    return await take_item(call, POSITIONS.name, pairs, await _worn(call, traccar.position_of_parameters))


async def _worn(call: Call, adapt: Adapter) -> Adapter:
    """The adapter, with fixes given to who wore the collar."""
    return worn(adapt, await call.request.app[PUSHES].wearers.known(call.site.database))


def _push(path: str, handler: CallHandler, item: Any, example: dict[str, Any]) -> Route:
    return Route(
        path,
        handler,
        Access.PRODUCER,
        answer=bodies.PushBody,
        errors=ERRORS,
        tag="push",
        methods=("POST",),
        body=Body(item, example),
        answers={207: bodies.PushBody, 422: bodies.RefusedBody},
        any_query=path == "/ingest/traccar",
    )


_TIME = "2026-01-31T12:00:00Z"
_STATUS = {
    "manufacturer_id": "ST-1042",
    "recorded_at": _TIME,
    "location": {"lat": -21.5, "lon": 23.5},
    "subject_name": "Nala",
    "subject_type": "wildlife",
    "subject_subtype": "lion",
    "source_type": "tracking-device",
    "additional": {},
}
ROUTES = (
    _push(
        "/ingest/positions",
        push_positions,
        bodies.PushedPosition,
        {"lion_id": "nala", "position": {"lat": -21.5, "lng": 23.5}, "timestamp": _TIME, "event_id": "e-1"},
    ),
    _push(
        "/ingest/weights",
        push_weights,
        bodies.PushedWeight,
        {"weight_id": "w-1", "lion_id": "nala", "weight": 142.5, "unit": "kg", "measured_at": _TIME},
    ),
    _push(
        "/ingest/activities",
        push_activities,
        bodies.PushedActivity,
        {"user_id": "u1", "activity_type": "login", "timestamp": _TIME, "event_id": "e-2"},
    ),
    _push(
        "/ingest/challenges",
        push_challenges,
        bodies.PushedChallenge,
        {"challenge_id": "c-1", "user_id": "u1", "title": "Track", "status": "pending", "updated_at": _TIME},
    ),
    _push("/ingest/earthranger", push_earthranger, bodies.SensorStatus, _STATUS),
    _push(
        "/ingest/earthranger/api/v1.0/sensors/generic/{provider}/status",
        push_earthranger_status,
        bodies.SensorStatus,
        _STATUS,
    ),
    _push(
        "/ingest/traccar",
        push_traccar,
        bodies.TraccarData,
        {
            "position": {
                "fixTime": "2026-01-31T12:00:00.000+00:00",
                "latitude": -21.5,
                "longitude": 23.5,
                "valid": True,
            },
            "device": {"uniqueId": "ST-1042", "name": "Nala"},
        },
    ),
    Route(
        "/ingest/traccar",
        push_traccar_url,
        Access.PRODUCER,
        TRACCAR_PARAMETERS,
        answer=bodies.PushBody,
        tag="push",
        methods=("GET",),
        answers={422: bodies.RefusedBody},
        any_query=True,
    ),
)
