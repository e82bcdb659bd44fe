"""An export as a response that is sent while its rows are read.

::

    PostgreSQL ── COPY ──► block ── thread: format, gzip ──► client
               ◄── waits ──       ◄──────── waits ─────────

A block is in memory, no more: a slow client makes PostgreSQL wait. A client that goes away ends the statement. What
fails before the first byte is an ordinary error; after it the connection is cut: no short file passes for a whole one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiohttp import web
from mode import get_logger

from liontrack_stream.settings import Settings
from liontrack_stream.views.call import Call
from liontrack_stream.views.compression import takes_gzip
from liontrack_stream.views.errors import ApiError
from liontrack_stream.views.export_formats import Encoder, Format, Gzip
from liontrack_stream.warehouse.export_rows import Export, Question, open_export

logger = get_logger(__name__)

RETRY_AFTER_S = 15
_LOOK_S = 0.25  # how soon a client's leaving is noticed while nothing is sent


class Exports:
    """The exports that run in this worker: no more than the settings allow, in threads of their own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._tasks: set[asyncio.Task[Any] | None] = set()
        self._threads = ThreadPoolExecutor(settings.export_concurrency_max, "export")

    @property
    def running(self) -> int:
        """How many run."""
        return len(self._tasks)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """A place among those that run; 429 where there is none."""
        most = self.settings.export_concurrency_max
        if self.running >= most:
            raise ApiError(
                429,
                "Too many exports",
                f"{most} exports are running, and no more may at the same time. Try again later.",
                {"Retry-After": str(RETRY_AFTER_S)},
            )
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def in_thread(self, step: Callable[[], bytes]) -> bytes:
        """What a step of an encoder returns."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, step)

    def break_off(self) -> None:
        """End those that run: a worker that stops waits for no slow client."""
        for task in list(self._tasks):
            if task is not None:
                task.cancel()

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


EXPORTS = web.AppKey("exports", Exports)


async def send(call: Call, question: Question, form: Format, headers: Mapping[str, str]) -> web.StreamResponse:
    """The response, sent to its end.

    Raises
    ------
    ApiError, OSError, asyncpg.PostgresError, or one of `trouble.LOST`
        Before the first byte.
    """
    request, exports = call.request, call.request.app[EXPORTS]
    response = web.StreamResponse(headers={**_headers(call, question, form), **headers})
    if request.method == "HEAD":
        await response.prepare(request)
        return response
    download = _Download(call, exports, response, form)
    with exports.slot():
        try:
            async with asyncio.timeout(exports.settings.export_timeout_s) as limit, _while_connected(request):
                async with open_export(exports.settings, question, form.cells) as export:
                    await download.rows(export, question.table.name)
                await download.end()
        except Exception as error:
            if response.prepared:
                _cut(request, error)
            elif limit.expired():
                raise _too_slow(exports.settings) from None
            else:
                raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not _gone(request) or task is None:
                _cut(request, "the worker stops")
                raise
            task.uncancel()
            logger.info("%s: the client went away", request.path)
    return response


class _Download:
    """Rows on their way: gathered into blocks, formatted in a thread, written; nothing before the first block."""

    def __init__(self, call: Call, exports: Exports, response: web.StreamResponse, form: Format) -> None:
        self._call, self._exports, self._response, self._form = call, exports, response, form
        self._gathered: list[bytes] = []
        self._size = 0
        self._head = b""
        self._encoder: Encoder

    async def rows(self, export: Export, table: str) -> None:
        """Send all rows."""
        columns = await export.columns()
        encoder = self._form.encoder(columns, table, self._call.now)
        self._encoder = Gzip(encoder) if "Content-Encoding" in self._response.headers else encoder
        self._head = self._encoder.head()
        await export.copy(await export.cells(columns), self._form.copy, self._take)
        await self._send_block()

    async def end(self) -> None:
        """Send what comes after them: only who gets this has a whole file."""
        await self._write(await self._exports.in_thread(self._encoder.tail))
        await self._response.write_eof()

    async def _take(self, rows: bytes) -> None:
        self._gathered.append(rows)
        self._size += len(rows)
        if self._size >= self._form.block_bytes:
            await self._send_block()

    async def _send_block(self) -> None:
        if self._gathered:
            parts, self._gathered, self._size = self._gathered, [], 0
            await self._write(await self._exports.in_thread(lambda: self._encoder.block(b"".join(parts))))

    async def _write(self, data: bytes) -> None:
        if not self._response.prepared:
            await self._response.prepare(self._call.request)
            data = self._head + data
        if data:
            await self._response.write(data)


@asynccontextmanager
async def _while_connected(request: web.Request) -> AsyncIterator[None]:
    """Cancels what is inside when the client goes away, also while there is nothing to send."""
    task = asyncio.current_task()
    assert task is not None

    async def watch() -> None:
        while not _gone(request):  # noqa: ASYNC110 - aiohttp tells no handler of it
            await asyncio.sleep(_LOOK_S)
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    finally:
        watcher.cancel()


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _cut(request: web.Request, why: Exception | str) -> None:
    """Cut the connection, so that the client sees a transfer that broke off."""
    if request.transport is None or _gone(request):
        logger.info("%s: the client went away", request.path)
        return
    logger.warning("%s broke off: %r", request.path, why)
    request.transport.abort()


def _too_slow(settings: Settings) -> ApiError:
    return ApiError(
        503, "Service unavailable", f"The export took longer than EXPORT_TIMEOUT_S={settings.export_timeout_s:g}."
    )


def _headers(call: Call, question: Question, form: Format) -> dict[str, str]:
    name = f"{question.table.name}-{call.now:%Y%m%dT%H%M%SZ}.{form.suffix}"
    headers = {
        "Content-Type": form.media_type,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Vary": "Authorization, Accept-Encoding",
    }
    if form.compressible and takes_gzip(call.request):
        headers["Content-Encoding"] = "gzip"
    return headers
