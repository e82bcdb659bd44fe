"""``/openapi.json``: OpenAPI 3.1, made of the routes, their parameters and the types of their bodies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from liontrack_stream import __version__
from liontrack_stream.views.bodies.errors import ErrorBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.parameters import ID_MAX_CHARACTERS, Parameter
from liontrack_stream.views.routes import Access, Body, Route

Document = dict[str, Any]
DOCUMENT: web.AppKey[Document] = web.AppKey("openapi", dict)

_REFERENCE = "#/components/schemas/{name}"
_PATH_PARAMETER = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_ABOUT = (
    "Collared lions, their weights, users and challenges: what the stream made of the events. Times are UTC, "
    "numbers are JSON numbers, errors are `{error, detail}`. A list that is cut at its limit "
    "names the rest in the header Link."
)


def document(routes: Sequence[Route]) -> Document:
    """The description of some routes as a JSON-able OpenAPI document."""
    types = list(dict.fromkeys([ErrorBody, *(of for route in routes for of in _types(route))]))
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    of_type = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(_PATH_PARAMETER.sub(r"{\1}", route.path), {})[route.method.lower()] = _operation(
            route, of_type
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "LionTrack Stream", "version": __version__, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _types(route: Route) -> list[Any]:
    """The types of all that a route takes and answers."""
    types = [route.answer, *route.answers.values(), route.body.item if route.body is not None else None]
    return [of for of in types if of is not None]


def _operation(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    summary = route.description
    body = {} if route.body is None else {"requestBody": _body(route.body, schemas)}
    return {
        "operationId": route.handler.__name__,
        "summary": summary.partition(". ")[0].rstrip("."),
        "description": f"{summary}\n\n{route.access.value}",
        "tags": [route.tag],
        "security": _security(route.access),
        "parameters": [*map(_path_parameter, _PATH_PARAMETER.findall(route.path)), *map(_parameter, route.parameters)],
        **body,
        "responses": _responses(route, schemas),
    }


def _body(body: Body, schemas: dict[Any, Any]) -> dict[str, Any]:
    """One item or several. OpenAPI 3.1 has no schema for the lines of NDJSON: it is described as text."""
    item = schemas[body.item]
    several = {"schema": {"anyOf": [item, {"type": "array", "items": item}]}, "example": body.example}
    lines = {"schema": {"type": "string", "description": "One item a line."}}
    content = {kind: lines if "ndjson" in kind else several for kind in body.media_types}
    return {"required": body.required, "content": content}


def _security(access: Access) -> list[dict[str, list[str]]]:
    if access is Access.OPEN:
        return []
    return [{"bearer": []}] if access.needs_token else [{}, {"bearer": []}]


def _path_parameter(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": ID_MAX_CHARACTERS},
    }


def _parameter(parameter: Parameter[Any]) -> dict[str, Any]:
    shown = {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema(),
    }
    return shown if parameter.example is None else {**shown, "example": parameter.example}


def _responses(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    body = {} if route.answer is None else {"schema": schemas[route.answer]}
    responses: dict[str, Any] = {"200": {"description": "OK", "content": dict.fromkeys(route.media_types, body)}}
    for status, of in route.answers.items():
        content: Any = {"application/json": {"schema": schemas[of]}}
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    if route.answer is not None and route.reads:
        responses["304"] = {"description": "The body has the ETag that If-None-Match names."}
    error = {"application/json": {"schema": schemas[ErrorBody]}}
    for status in sorted(_statuses(route)):
        # Readiness answers with its own body when something is not as it should be.
        content = {"application/json": {}} if route.access is Access.OPEN and status == 503 else error
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    return responses


def _statuses(route: Route) -> set[int]:
    """Errors that the route may answer with."""
    statuses = {400, 413, 414, *route.errors}
    if route.access is not Access.OPEN:
        statuses |= {401, 429, 503}
    if route.access.needs_token:
        statuses.add(403)
    if "{" in route.path:
        statuses.add(404)
    return statuses


async def openapi(call: Call) -> web.Response:
    """This API, as OpenAPI 3.1."""
    return call.json(call.request.app[DOCUMENT])


ROUTES = (Route("/openapi.json", openapi, Access.OPEN, tag="operation"),)
