"""One request, with what a handler needs of it: who asks, the parameters' values, the time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

from aiohttp import web

from liontrack_stream.views.access import Viewer
from liontrack_stream.views.errors import Handler, UnknownLion, UnknownUser
from liontrack_stream.views.parameters import AS_OF, Parameter, is_id, read_parameters
from liontrack_stream.views.positions import PositionAccess
from liontrack_stream.views.responses import json_response
from liontrack_stream.views.routes import Access, Route, check_access
from liontrack_stream.views.site import SITE, Site

T = TypeVar("T")


class Call:
    """A request that its route's rule lets in, with parameters that are all valid."""

    def __init__(self, request: web.Request, route: Route, site: Site, viewer: Viewer) -> None:
        self.request, self.route, self.site, self.viewer = request, route, site, viewer
        self.now = site.now()
        self._values: Mapping[str, Any] = {} if route.any_query else read_parameters(request.query, route.parameters)

    def __getitem__(self, parameter: Parameter[T]) -> T:
        """The value of a parameter of this route."""
        return cast(T, self._values[parameter.name])

    @property
    def as_of(self) -> datetime:
        """The instant that periods end with."""
        return self[AS_OF] or self.now

    @property
    def lion_id(self) -> str:
        """The lion that the path names; one that cannot be stored cannot be known (404)."""
        lion_id = self.request.match_info["lionId"]
        if not is_id(lion_id):
            raise UnknownLion
        return lion_id

    @property
    def user_id(self) -> str:
        """The user that the path names; one that cannot be stored cannot be known (404)."""
        user_id = self.request.match_info["userId"]
        if not is_id(user_id):
            raise UnknownUser
        return user_id

    def position_access(self, as_of: datetime | None = None) -> PositionAccess:
        """How this request sees positions up to ``as_of``, by default the parameter's."""
        return self.site.position_access(self.request, self.viewer, as_of or self.as_of, self.now)

    def json(self, body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
        """A JSON response, with a validator where it is a 200: whoever has the same body already gets a 304."""
        return json_response(body, status, headers, self.now)

    async def prepared(self, access: PositionAccess, make: Callable[[], Awaitable[web.Response]]) -> web.Response:
        """The answer that all get who ask this with the same values and see positions alike, at most half a second old.

        ``make`` reads it anew: of this call, for those too who ask at the same time.
        """
        seen_as = ("exact", access.note) if access.exact else ("reduced", access.grid_deg)  # its note holds a time
        key = (self.route.path, tuple(self._values.items()), seen_as)
        return await self.site.prepared.get(key, make)

    def next_page(self, **changed: Any) -> str:
        """A Link header (RFC 8288) to the rest of a list that was cut at its limit."""
        return f'<{self.request.rel_url.update_query(changed)}>; rel="next"'


def answering(route: Route) -> Handler:
    """The aiohttp handler of a route: who asks, whether it may, and when; then its own handler."""

    async def handle(request: web.Request) -> web.StreamResponse:
        site = request.app[SITE]
        viewer = Viewer() if route.access is Access.OPEN else site.viewer(request)
        check_access(route.access, viewer, request.match_info.get("userId"), lambda: site.is_open_demo(request))
        if route.access is not Access.OPEN:
            await site.database.pace.turn()
        return await route.handler(Call(request, route, site, viewer))

    return handle
