"""The OpenAPI document: made of the routes, complete, valid where it refers."""

from __future__ import annotations

import json
import re
from typing import Any

from liontrack_stream.views.openapi import document
from liontrack_stream.views.routes import Access, Route
from liontrack_stream.views.web import ROUTES
from tests.views.conftest import Client


def references(value: Any) -> set[str]:
    """Every $ref in a document."""
    if isinstance(value, dict):
        found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return found.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def shown(route: Route) -> str:
    """A route's path as the document has it: without the expressions of its parameters."""
    return re.sub(r":[^}]*", "", route.path)


async def test_every_route_is_described(client: Client) -> None:
    served = await (await client.get("/openapi.json")).json()
    assert served["openapi"] == "3.1.0"
    assert set(served["paths"]) == set(map(shown, ROUTES))
    for route in ROUTES:
        operation = served["paths"][shown(route)][route.method.lower()]
        assert operation["summary"], route.path
        assert {p["name"] for p in operation["parameters"] if p["in"] == "query"} == {p.name for p in route.parameters}
        assert operation["responses"]["200"]["content"].keys() == set(route.media_types)
        assert bool(operation["security"]) == (route.access is not Access.OPEN)
        assert ("requestBody" in operation) == (route.body is not None)


def test_names_are_unique_and_references_lead_somewhere() -> None:
    made = json.loads(json.dumps(document(ROUTES)))
    names = [operation["operationId"] for path in made["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
    known = {f"#/components/schemas/{name}" for name in made["components"]["schemas"]}
    assert references(made) <= known
    assert {"#/components/schemas/LionsBody", "#/components/schemas/ErrorBody"} <= references(made)


def test_json_answers_have_a_type() -> None:
    for route in ROUTES:
        if route.media_types == ("application/json",) and route.path != "/openapi.json":
            assert route.answer is not None, route.path
