"""A renewed certificate is served without a restart: its files are looked at every few seconds."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from aiohttp import web
from mode import get_logger

from liontrack_stream.secure_links import LinkError, renew_web_context, stamp
from liontrack_stream.settings import Settings

logger = get_logger(__name__)

LOOK_EVERY_S = 5.0


def renew_certificate(
    web_app: web.Application, settings: Settings, context: ssl.SSLContext, look_every_s: float = LOOK_EVERY_S
) -> None:
    """While the application runs, have new clients served with what the files hold; who is connected stays so."""
    files = (settings.web_tls_cert_file, settings.web_tls_key_file)
    tasks: list[asyncio.Task[None]] = []

    async def watch() -> None:
        served = looked_at = tuple(map(stamp, files))
        while True:
            await asyncio.sleep(look_every_s)
            now = tuple(map(stamp, files))
            if now == served or now != looked_at:  # as before, or still being written: looked at once more
                looked_at = now
                continue
            try:
                renew_web_context(context, settings)
            except LinkError as error:
                logger.warning("The certificate of before is still served: %s", error)
            else:
                logger.info("The renewed certificate is served")
            served = now

    async def begin(_: web.Application) -> None:
        tasks.append(asyncio.create_task(watch(), name="renew certificate"))

    async def end(_: web.Application) -> None:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    web_app.on_startup.append(begin)
    web_app.on_cleanup.append(end)
