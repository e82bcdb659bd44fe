"""What the handlers of one worker share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from aiohttp import web

from liontrack_stream.settings import Settings, SettingsError
from liontrack_stream.views.access import BadToken, Viewer, viewer_of
from liontrack_stream.views.database import Database
from liontrack_stream.views.errors import unauthorized
from liontrack_stream.views.positions import PositionAccess, asked_on_loopback, exact_access, reduced_access
from liontrack_stream.views.prepared import PreparedAnswers


@dataclass(frozen=True, slots=True)
class Check:
    """The state of one thing that readiness needs; ``detail`` says how it is, or the reason why not."""

    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """A lion's live window, or None and where else it may be."""

    window: dict[str, Any] | None
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class LakeLag:
    """How far a worker's files are behind the warehouse; ``in_trouble``: they cannot be written at present."""

    records: int
    seconds: float
    in_trouble: bool


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What one worker has still to do: records that wait by (topic, partition), and its lake's lag where it has one."""

    lag_records: Mapping[tuple[str, int], int] = field(default_factory=dict)
    lake: LakeLag | None = None


Probe = Callable[[], Awaitable[Check]]


async def _measure_nothing() -> None:
    """Outside a worker there is nothing to measure."""


async def _no_worker() -> WorkerState:
    return WorkerState()


@dataclass
class Site:
    """One worker's web site.

    ``bind``: the address the server really listens on. ``live``: lion_id -> its window in this worker's table.
    ``probes``: what /ready asks, by name. ``measure``: brings this worker's metrics up to date. ``worker_state``:
    what it has still to do. ``now``: the wall clock. ``prepared``: answers that many ask for.

    In a worker this is used by the web server's thread and loop alone. What the worker keeps in memory belongs to its
    own loop: ``live``, ``probes``, ``measure`` and ``worker_state`` ask it there, see `worker_loop`.
    """

    settings: Settings
    database: Database
    bind: Callable[[], str]
    live: Callable[[str], Awaitable[LiveAnswer]]
    probes: dict[str, Probe] = field(default_factory=dict)
    measure: Callable[[], Awaitable[None]] = _measure_nothing
    worker_state: Callable[[], Awaitable[WorkerState]] = _no_worker
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    prepared: PreparedAnswers = field(default_factory=PreparedAnswers)

    @cached_property
    def token_secret(self) -> str | None:
        """The secret that tokens are checked with; None where there is none worth the name: no token is valid then."""
        try:
            return self.settings.require_jwt_secret()
        except SettingsError:
            return None

    def viewer(self, request: web.Request) -> Viewer:
        """Who asks, looked up once a request; 401 for a token that is not valid."""
        if VIEWER not in request:
            try:
                request[VIEWER] = viewer_of(tuple(request.headers.getall("Authorization", [])), self.token_secret)
            except BadToken as error:
                raise unauthorized(str(error)) from None
        return request[VIEWER]

    def position_access(self, request: web.Request, viewer: Viewer, as_of: datetime, now: datetime) -> PositionAccess:
        """How this viewer's request sees positions."""
        settings = self.settings
        if viewer.sees_exact_positions:
            return exact_access(as_of)
        if self.is_open_demo(request):
            return exact_access(as_of, "demo: open because this server runs with LIONTRACK_DEMO on loopback only")
        return reduced_access(as_of, now, settings.position_grid_deg, settings.position_delay_h)

    def is_open_demo(self, request: web.Request) -> bool:
        """Whether the demo shows exact positions to this request without a token."""
        return self.settings.liontrack_demo and asked_on_loopback(
            self.bind(), request.remote, request.host, request.headers
        )


SITE = web.AppKey("site", Site)
VIEWER = web.RequestKey("viewer", Viewer)
