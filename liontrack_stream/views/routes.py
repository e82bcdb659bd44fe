"""What a route is: its path, handler, who may ask, what it takes and what it answers. OpenAPI and the tests read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from aiohttp import web

from liontrack_stream.views.access import Viewer
from liontrack_stream.views.errors import Forbidden, unauthorized
from liontrack_stream.views.parameters import Parameter

if TYPE_CHECKING:
    from liontrack_stream.views.call import Call

CallHandler = Callable[["Call"], Awaitable[web.StreamResponse]]


class Access(Enum):
    """Who may ask. Whatever the rule, a token that is sent must be valid, but for `OPEN`."""

    OPEN = "Anyone; a token is not looked at."
    PUBLIC = "Anyone."
    POSITIONS = "Anyone; positions are exact for the roles ranger and admin, else generalised and delayed."
    SIGNED_IN = "Whoever has a token."
    OWN_USER = "The user of the path itself, and the role admin."
    RANGER = "The roles ranger and admin."
    ADMIN = "The role admin."
    PRODUCER = "The roles producer and admin."
    BY_ROW = "It depends on the rows that are asked for."

    @property
    def needs_token(self) -> bool:
        """Whether nothing is answered without a token (the demo on loopback may open `RANGER`)."""
        return self in (Access.SIGNED_IN, Access.OWN_USER, Access.RANGER, Access.ADMIN, Access.PRODUCER)


@dataclass(frozen=True)
class Body:
    """What a request carries: an item of this type, or an array of them, or in NDJSON one a line.

    ``example`` is one item that is taken. ``required``: whether a request without a body is an error.
    """

    item: Any
    example: Mapping[str, Any]
    media_types: tuple[str, ...] = ("application/json", "application/x-ndjson")
    required: bool = True


@dataclass(frozen=True)
class Route:
    """One address and how it is asked: by GET and HEAD, unless ``methods`` says otherwise.

    ``answer`` is the type of the JSON body (a TypedDict); ``media_types`` what a 200 may be; ``errors`` the statuses
    beyond those that follow from access, parameters and the path. ``any_query``: a query is not looked at, as with
    files, instead of an error where it is unknown. ``body`` is what it takes, ``answers`` the types of the bodies of
    other statuses than 200. The handler's docstring is the description.
    """

    path: str
    handler: CallHandler
    access: Access
    parameters: tuple[Parameter[Any], ...] = ()
    answer: Any = None
    media_types: tuple[str, ...] = ("application/json",)
    errors: tuple[int, ...] = ()
    tag: str = "analytics"
    any_query: bool = False
    methods: tuple[str, ...] = ("GET", "HEAD")
    body: Body | None = None
    answers: Mapping[int, Any] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The method that it is described under."""
        return self.methods[0]

    @property
    def reads(self) -> bool:
        """Whether asking changes nothing, so that an answer may be kept and asked for again."""
        return "HEAD" in self.methods

    @property
    def description(self) -> str:
        """What it answers, in sentences."""
        return " ".join((self.handler.__doc__ or "").split())


def check_access(access: Access, viewer: Viewer, user_id: str | None, open_demo: Callable[[], bool]) -> None:
    """Raise 401 for nobody, 403 for somebody, whom the rule does not let in.

    ``user_id``: the user of the path. ``open_demo``: whether this request sees the demo's positions without a token.
    """
    match access:
        case Access.SIGNED_IN:
            allowed, needed = viewer.user_id is not None, "This takes a token."
        case Access.OWN_USER:
            allowed = viewer.is_admin or (viewer.user_id is not None and viewer.user_id == user_id)
            needed = "This takes a token of that user, or of role admin."
        case Access.RANGER:
            allowed, needed = viewer.sees_exact_positions or open_demo(), "This takes a token of role ranger or admin."
        case Access.ADMIN:
            allowed, needed = viewer.is_admin, "This takes a token of role admin."
        case Access.PRODUCER:
            allowed, needed = viewer.may_push, "This takes a token of role producer or admin."
        case _:
            return
    if not allowed:
        raise unauthorized(needed) if viewer.user_id is None else Forbidden(needed)
