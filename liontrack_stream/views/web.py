"""Puts the routes on an aiohttp application: Faust's own web server in a worker, any other in tests."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, cast

from aiohttp import web
from faust.web.drivers.aiohttp import Web

from liontrack_stream.kafka.exits import StartError
from liontrack_stream.settings import SettingsError
from liontrack_stream.views import (
    dashboard,
    explain,
    export,
    geojson,
    health,
    ingest,
    lions,
    live,
    me,
    openapi,
    pipeline,
    prometheus,
    quality,
    reports,
    stream,
    users,
    web_files,
)
from liontrack_stream.views.call import answering
from liontrack_stream.views.certificate import renew_certificate
from liontrack_stream.views.database import Database
from liontrack_stream.views.export_response import EXPORTS, Exports
from liontrack_stream.views.health import READINESS, Readiness
from liontrack_stream.views.http_server import server_options
from liontrack_stream.views.live import look_up
from liontrack_stream.views.manners import add_manners
from liontrack_stream.views.openapi import DOCUMENT, document
from liontrack_stream.views.pace import Pace
from liontrack_stream.views.probes import worker_probes
from liontrack_stream.views.prometheus import FIGURES, Figures, worker_measure
from liontrack_stream.views.pushes import PUSHES, Pushes
from liontrack_stream.views.routes import Route
from liontrack_stream.views.site import SITE, Site
from liontrack_stream.views.size_limits import BODY_LIMITS, BODY_MAX_BYTES
from liontrack_stream.views.stream_hub import HUB, Hub
from liontrack_stream.views.worker_loop import in_loop

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp

# `/` comes first: Faust adds a page of its own there, and the first one answers.
ROUTES: tuple[Route, ...] = (
    *web_files.ROUTES,
    *geojson.ROUTES,  # before the lions: none is named "positions"
    *lions.ROUTES,
    *live.ROUTES,
    *users.ROUTES,
    *reports.ROUTES,
    *dashboard.ROUTES,
    *quality.ROUTES,
    *pipeline.ROUTES,
    *me.ROUTES,
    *explain.ROUTES,
    *export.ROUTES,
    *stream.ROUTES,
    *ingest.ROUTES,
    *health.ROUTES,
    *prometheus.ROUTES,
    *openapi.ROUTES,
)


def attach(web_app: web.Application, site: Site) -> None:
    """Add routes, manners, and the life of the site's connections to an application."""
    web_app[SITE] = site
    web_app[READINESS] = Readiness(site.probes)
    web_app[FIGURES] = Figures(site.database)
    web_app[EXPORTS] = Exports(site.settings)
    web_app[HUB] = Hub(site)
    web_app[DOCUMENT] = document(ROUTES)
    web_app[PUSHES] = Pushes(site.settings)
    web_app[BODY_LIMITS] = {
        (route.method, route.path): site.settings.ingest_body_max_bytes if route.body is not None else BODY_MAX_BYTES
        for route in ROUTES
        if not route.reads
    }
    for route in ROUTES:
        if route.reads:
            web_app.router.add_get(route.path, answering(route))
        else:
            web_app.router.add_route(route.method, route.path, answering(route))
    add_manners(web_app, site.settings)

    async def open_database(_: web.Application) -> None:
        await site.database.open()

    async def break_off(_: web.Application) -> None:
        web_app[EXPORTS].break_off()
        web_app[HUB].end()

    async def disconnect(_: web.Application) -> None:
        web_app[EXPORTS].close()
        await asyncio.gather(site.database.close(), web_app[PUSHES].close())

    web_app.on_startup.append(open_database)
    web_app.on_shutdown.append(break_off)
    web_app.on_cleanup.append(disconnect)


def register(app: LionTrackApp) -> None:
    """Serve the routes from a worker's web server."""
    pace = Pace(lambda: 2 * app.lanes.waiting_records > app.settings.batch_max_records)
    database = Database(app.settings, pace)
    site = Site(
        settings=app.settings,
        database=database,
        bind=lambda: str(app.conf.web_bind),  # the command line may differ from the settings
        live=lambda lion_id: in_loop(app.loop, partial(look_up, app, lion_id)),
        probes=worker_probes(app, database),
        measure=worker_measure(app),
        worker_state=pipeline.worker_state(app),
    )
    server = cast(Web, app.web)
    web_app = server.web_app
    server._runner = web.AppRunner(web_app, **server_options())  # Faust's own has other limits
    attach(web_app, site)
    if app.conf.web_ssl_context is not None:
        renew_certificate(web_app, app.settings, app.conf.web_ssl_context)

    async def refuse_weak_secret(_: web.Application) -> None:
        try:
            app.settings.require_jwt_secret()
        except SettingsError as error:
            if not app.settings.liontrack_demo:
                app.loop.call_soon_threadsafe(app.fail, StartError(str(error)))

    web_app.on_startup.append(refuse_weak_secret)
