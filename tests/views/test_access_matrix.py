"""Every route of the router × everybody who might ask. A route without a rule, or with one that lets in more, fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from faust.web.drivers.aiohttp import Web

from liontrack_stream.app import create_app
from liontrack_stream.settings import Settings
from liontrack_stream.views.routes import Access, Route
from liontrack_stream.views.web import ROUTES
from tests.views.conftest import OLD_WINDOW, Client, Serve
from tests.views.tokens import ADMIN, PRODUCER, RANGER, REFUSED, SECRET, VISITOR, bearer, signed

OWNER = "u2"
VIEWERS: dict[str, dict[str, str]] = {
    "nobody": {},
    "other user": VISITOR,  # u1, role user
    "other without roles": signed((), id="u3"),
    "other ranger": RANGER,
    "producer": PRODUCER,
    "the user": signed(("user",), id=OWNER),
    "admin": ADMIN,  # u1
}

# Access -> viewer -> the status where it is not 200. What the table does not name is 200.
ALL = dict.fromkeys(VIEWERS, 200)
RULES: dict[Access, dict[str, int]] = {
    Access.OPEN: {},
    Access.PUBLIC: {},
    Access.POSITIONS: {},
    Access.SIGNED_IN: {"nobody": 401},
    Access.OWN_USER: {"nobody": 401, **{name: 403 for name in VIEWERS if name not in ("nobody", "the user", "admin")}},
    Access.RANGER: {
        "nobody": 401,
        **{name: 403 for name in VIEWERS if name not in ("nobody", "other ranger", "admin")},
    },
    Access.PRODUCER: {"nobody": 401, **{name: 403 for name in VIEWERS if name not in ("nobody", "producer", "admin")}},
    Access.ADMIN: {"nobody": 401, **{name: 403 for name in VIEWERS if name not in ("nobody", "admin")}},
}
NO_RANGER, NOT_OWN = RULES[Access.RANGER], RULES[Access.OWN_USER]

# Routes that decide by row: query -> viewer -> the status where it is not 200.
BY_ROW: dict[str, list[tuple[dict[str, str], dict[str, int]]]] = {
    "/api/analytics/explain": [
        ({"table": "gold.lions_metrics", "lion_id": "nala", "metric_date": "2026-03-10"}, NO_RANGER),
        ({"table": "silver.users", "user_id": OWNER}, NOT_OWN),
        ({"table": "gold.quality_daily", "table_name": "silver.lions", "check_date": "2026-03-09"}, {}),
    ],
    **{
        f"/api/analytics/export/{form}": [
            ({"table": "silver.positions"}, RULES[Access.SIGNED_IN]),
            ({"table": "silver.users"}, RULES[Access.SIGNED_IN]),
            ({"table": "gold.quality_daily"}, RULES[Access.SIGNED_IN]),
            ({"table": "metadata.revisions"}, RULES[Access.ADMIN]),
        ]
        for form in ("csv", "json", "parquet")
    },
    "/api/analytics/export/movebank": [({}, RULES[Access.SIGNED_IN])],
}
IN_PATHS = {
    "lionId": "nala",
    "userId": OWNER,
    "file": "docs/docs.js",
    "provider": "collars",
}  # of every parameter of a path


def address(route: Route) -> tuple[str, dict[str, str]]:
    """A path and query that the route answers with 200 to whom it lets in."""
    path = re.sub(r"\{(\w+)(:[^}]*)?\}", lambda found: quote(IN_PATHS[found[1]]), route.path)
    return path, {p.name: str(p.example) for p in route.parameters if p.required}


def carried(route: Route) -> dict[str, Any]:
    """The body of a request that the route answers with 200 to whom it lets in."""
    return {} if route.body is None else {"json": route.body.example}


def named(route: Route) -> str:
    """What a route's tests are called."""
    return route.path if route.reads else f"{route.method} {route.path}"


def cases(route: Route) -> list[tuple[dict[str, str], Mapping[str, int]]]:
    """Queries of a route, each with who gets what."""
    if route.access is Access.BY_ROW:
        assert route.path in BY_ROW, f"{route.path} decides by row: say in BY_ROW who may see which"
        return [(query, {**ALL, **rule}) for query, rule in BY_ROW[route.path]]
    return [(address(route)[1], {**ALL, **RULES[route.access]})]


async def status(client: Client, method: str, path: str, **more: Any) -> int:
    """The status alone: some answers have no end."""
    async with client.request(method, path, **more) as response:
        if response.status >= 400 and method != "HEAD":
            body = await response.json()
            assert {"error", "detail"} <= body.keys()
            assert (response.status == 401) == ("WWW-Authenticate" in response.headers)
        return response.status


@pytest.fixture
async def site(serve: Serve) -> Client:
    """A site whose limits do not get into the way."""
    return await serve(live={"nala": OLD_WINDOW}, api_burst=100_000, export_concurrency_max=100)


def of_router(web_app: web.Application) -> dict[str, set[str]]:
    """Path -> methods, of all that an application really answers."""
    found: dict[str, set[str]] = {}
    for route in web_app.router.routes():
        assert route.resource is not None
        found.setdefault(route.resource.canonical, set()).add(route.method)
    return found


async def test_the_router_answers_what_the_table_declares_and_nothing_else(site: Client) -> None:
    app = site.server.app  # type: ignore[attr-defined]
    assert of_router(app) == declared()
    assert {route.access for route in ROUTES} <= RULES.keys() | {Access.BY_ROW}
    assert BY_ROW.keys() == {route.path for route in ROUTES if route.access is Access.BY_ROW}


def declared() -> dict[str, set[str]]:
    """Path -> methods, of all routes that are declared."""
    found: dict[str, set[str]] = {}
    for route in ROUTES:
        found.setdefault(canonical(route), set()).update(route.methods)
    return found


def canonical(route: Route) -> str:
    """A path as aiohttp's router shows it."""
    return web.DynamicResource(route.path).canonical if "{" in route.path else route.path


def test_faust_adds_no_route_that_is_reached(web_settings: Settings, tmp_path: Any) -> None:
    changes = {"liontrack_data_dir": tmp_path}
    app = create_app(web_settings.model_copy(update=changes), parts=["liontrack_stream.views"])
    app.web.init_server()
    found = of_router(web_app := web_app_of(app))
    assert found.keys() == {canonical(route) for route in ROUTES}
    first = next(route for route in web_app.router.routes() if route.resource and route.resource.canonical == "/")
    assert first.handler.__module__ == "liontrack_stream.views.call"  # Faust's own page comes after ours


def web_app_of(app: Any) -> web.Application:
    """The aiohttp application of a Faust app."""
    assert isinstance(app.web, Web)
    return app.web.web_app


@pytest.mark.parametrize("route", ROUTES, ids=named)
async def test_who_gets_what(site: Client, route: Route) -> None:
    path = address(route)[0]
    for query, rule in cases(route):
        for viewer, headers in VIEWERS.items():
            for method in route.methods:
                got = await status(site, method, path, params=query, headers=headers, **carried(route))
                assert got == rule[viewer], f"{viewer} asks {method} {path} {query}"


@pytest.mark.parametrize("route", ROUTES, ids=named)
async def test_a_token_that_is_not_valid_opens_nothing_and_is_told(site: Client, route: Route) -> None:
    path = address(route)[0]
    query, _ = cases(route)[0]
    expected = 200 if route.access is Access.OPEN else 401
    more = {"params": query, **carried(route)}
    for kind, headers in REFUSED.items():
        assert await status(site, route.method, path, headers=headers, **more) == expected, kind
    twice = [("Authorization", value["Authorization"]) for value in (ADMIN, RANGER)]
    assert await status(site, route.method, path, headers=twice, **more) == expected
    assert await status(site, route.methods[-1], path, headers=REFUSED["alg none"], **more) == expected


@pytest.mark.parametrize("route", [route for route in ROUTES if route.access.needs_token], ids=named)
async def test_a_token_travels_in_its_header_alone(site: Client, route: Route) -> None:
    path, query = address(route)
    token = ADMIN["Authorization"].removeprefix("Bearer ")
    body = carried(route)
    for name in ("token", "access_token", "jwt", "authorization"):
        assert await status(site, route.method, path, params={**query, name: token}, **body) == 401
        cookie = {"Cookie": f"{name}={token}"}
        assert await status(site, route.method, path, params=query, headers=cookie, **body) == 401
    header = {"X-Authorization": f"Bearer {token}"}
    assert await status(site, route.method, path, params=query, headers=header, **body) == 401


@pytest.mark.parametrize("route", ROUTES, ids=named)
async def test_other_methods_are_refused(site: Client, route: Route) -> None:
    path, query = address(route)
    allowed = declared()[canonical(route)]
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - allowed:
        async with site.request(method, path, params=query, headers=ADMIN) as response:
            assert (response.status, response.headers["Allow"]) == (405, ",".join(sorted(allowed))), method
            if method != "HEAD":
                assert set(await response.json()) == {"error", "detail"}


async def test_an_endless_token_is_refused_before_it_is_read(site: Client) -> None:
    headers = bearer("a" * 100_000)
    async with site.get("/api/analytics/lions", headers=headers) as response:
        assert response.status == 400
    long_but_allowed = signed(("ranger",), id="u" * 5_000)  # a token of 7 kB
    assert await status(site, "GET", "/api/analytics/lions", headers=long_but_allowed) == 200


async def test_ids_that_look_alike_are_not_the_same(site: Client) -> None:
    owns = [route for route in ROUTES if route.access is Access.OWN_USER]
    for route in owns:
        path = address(route)[0]
        for other in (OWNER.upper(), f"{OWNER} ", f" {OWNER}", f"{OWNER}\x00", f"{OWNER}/..", f"%{OWNER}"):
            assert await status(site, "GET", path, headers=signed(("user",), id=other)) == 403, other


async def test_without_a_secret_no_token_is_valid(serve: Serve) -> None:
    client = await serve(jwt_secret=None)
    for secret in (SECRET, "None" * 10):
        assert await status(client, "GET", "/api/analytics/lions", headers=signed(("admin",), secret=secret)) == 401
