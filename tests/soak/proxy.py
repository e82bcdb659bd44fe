"""A TCP proxy whose connections can be cut, held, slowed, refused, or lose one chosen answer."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_CHUNK = 1 << 16
_UNAVAILABLE = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class _Behaviour:
    refusing: bool = False
    unavailable: bool = False  # HTTP: every request is answered with 503
    delay_s: float = 0.0  # before each piece that passes, either way
    open: asyncio.Event = field(default_factory=asyncio.Event)
    losing: bytes | None = None  # the answer to a request with these bytes is lost
    before: bool = False  # the request itself is lost
    lost: int = 0


class Proxy:
    """Listens on a port of its own; a thread of its own carries what passes. Methods return when it is so."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._behaviour = _Behaviour()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, sock=self._socket))
        self.heal()

    def heal(self) -> None:
        """Let everything pass again."""

        def change() -> None:
            self._behaviour.open.set()
            lost = self._behaviour.lost
            self._behaviour = _Behaviour(lost=lost)
            self._behaviour.open.set()

        self._call(change)

    def cut(self) -> None:
        """End all connections at once; new ones pass."""
        self._call(self._cut)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """All connections end at once, and each new one as soon as it comes."""
        self._call(self._refuse)
        yield
        self.heal()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Nothing passes, and no connection ends before the end: as a network that is parted."""
        self._call(lambda: self._behaviour.open.clear())
        yield
        self.cut()
        self.heal()

    @contextmanager
    def slow(self, delay_s: float) -> Iterator[None]:
        """Each piece waits so long."""
        self._call(lambda: setattr(self._behaviour, "delay_s", delay_s))
        yield
        self.heal()

    @contextmanager
    def unavailable(self) -> Iterator[None]:
        """HTTP: 503 for every request."""

        def change() -> None:
            self._behaviour.unavailable = True
            self._cut()

        self._call(change)
        yield
        self.heal()

    def lose(self, request: bytes, *, before: bool = False) -> None:
        """End the connection of the next request with these bytes when its answer comes, or before it is passed on."""

        def change() -> None:
            self._behaviour.losing, self._behaviour.before = request, before

        self._call(change)

    @property
    def lost(self) -> int:
        """How many answers were lost since the beginning."""
        return self._behaviour.lost

    def close(self) -> None:
        self._call(self._refuse)
        self._call(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)

    # -- inside

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10.0)

    def _call(self, change: Callable[[], object]) -> None:
        async def run() -> None:
            change()

        self._run(run())

    def _refuse(self) -> None:
        self._behaviour.refusing = True
        self._cut()

    def _cut(self) -> None:
        for writer in self._writers:
            with suppress(OSError, RuntimeError):
                writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._behaviour.refusing:
            return writer.transport.abort()
        if self._behaviour.unavailable:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(_UNAVAILABLE)
                await writer.drain()
            writer.close()
            return None
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            return writer.transport.abort()
        self._writers |= {writer, back}
        losing = [False]
        try:
            await asyncio.gather(self._carry(reader, back, losing, True), self._carry(there, writer, losing, False))
        except (OSError, RuntimeError):
            pass
        finally:
            for one in (writer, back):
                self._writers.discard(one)
                with suppress(OSError, RuntimeError):
                    one.transport.abort()
        return None

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, losing: list[bool], there: bool
    ) -> None:
        while piece := await reader.read(_CHUNK):
            await self._behaviour.open.wait()
            behaviour = self._behaviour
            if behaviour.delay_s:
                await asyncio.sleep(behaviour.delay_s)
            if there and behaviour.losing is not None and behaviour.losing in piece:
                behaviour.losing, losing[0] = None, True
                behaviour.lost += 1
                if behaviour.before:
                    raise ConnectionError
            elif not there and losing[0]:
                raise ConnectionError
            writer.write(piece)
            await writer.drain()
        writer.close()
