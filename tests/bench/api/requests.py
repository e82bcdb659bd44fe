"""``python -m tests.bench.api.requests``: asks one address at a constant rate, whatever the answers take.

A request is sent when its time has come, not when the one before it is answered, and its latency counts from that
time: a server that stalls for a second is seen by every request of that second. The asker shares the machine with who
is asked, so it does no more than it must: bytes of HTTP/1.1 over connections that stay open.

Prints ``ready``, waits for a line on stdin, asks, and prints one line of JSON: ``{"latencies_s": [...], "statuses",
"seen": [[lion_id, updated_at, moment], ...]}``; ``seen`` has the first answer that showed an update of a watched lion.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

_WARM_UP_S = 1.0
_ANSWERED_WITHIN_S = 30.0
_SHIFT_MAX = 5_000  # bytes; numbers' lengths move a lion in the list
_HEAD_END, _LENGTH = b"\r\n\r\n", b"content-length:"


class Connection(asyncio.Protocol):
    """One open connection, which asks for one thing at a time.

    ``answered(connection, status, body)`` is told of each answer; a status that is no number is the reason why none
    came. The connection is usable again unless ``closed``.
    """

    def __init__(self, answered: Callable[[Connection, str, bytes], None]) -> None:
        self._answered = answered
        self._parts: list[bytes] = []
        self._missing = -1  # bytes; -1: the head is not whole yet
        self._transport: asyncio.Transport | None = None
        self.due = 0.0
        self.closed = self._waits = False

    def ask(self, request: bytes, due: float) -> None:
        """Send a request that was due at a moment of the monotonic clock."""
        assert self._transport is not None
        self.due, self._waits, self._parts, self._missing = due, True, [], -1
        self._transport.write(request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            data = b"".join((*self._parts, data))
            end = data.find(_HEAD_END)
            self._parts = [data]
            if end < 0:
                return
            head = data[:end].lower()
            start = head.find(_LENGTH)
            length = int(head[start + len(_LENGTH) :].partition(b"\r\n")[0]) if start >= 0 else 0
            self._missing = length - (len(data) - end - len(_HEAD_END))
        else:
            self._parts.append(data)
            self._missing -= len(data)
        if self._missing <= 0:
            self._end(self._parts[0][9:12].decode(), b"".join(self._parts))

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._end(type(error).__name__ if error else "closed", b"")

    def _end(self, status: str, answer: bytes) -> None:
        if self._waits:
            self._waits = False
            self._answered(self, status, answer)


class Asking:
    """One run of requests."""

    def __init__(self, url: str, headers: list[str], watched: list[str]) -> None:
        parts = urlsplit(url)
        lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *headers]
        self._request = "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
        self._host, self._port = parts.hostname, parts.port
        self._idle: list[Connection] = []
        self._asked = 0
        self._all_answered = asyncio.Event()
        self._marks = {lion_id: f'"lion_id":"{lion_id}"'.encode() for lion_id in watched}
        self._places: Counter[str] = Counter()
        self._last: dict[str, bytes] = {}
        self.latencies_s: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.seen: list[tuple[str, str, float]] = []

    async def run(self, rate: float, seconds: float) -> None:
        """Ask at the rate for so long, and wait for the answers."""
        began, loop, opening = time.monotonic(), asyncio.get_running_loop(), set()
        for n in range(int(rate * seconds)):
            due = began + n / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._asked += 1
            while self._idle and self._idle[-1].closed:
                self._idle.pop()
            if self._idle:
                self._idle.pop().ask(self._request, due)
            else:
                task = loop.create_task(self._ask_anew(due))
                opening.add(task)
                task.add_done_callback(opening.discard)
        self._all_answered.clear()
        if len(self.latencies_s) < self._asked:
            async with asyncio.timeout(_ANSWERED_WITHIN_S):
                await self._all_answered.wait()

    async def _ask_anew(self, due: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(lambda: Connection(self._take), self._host, self._port)
        except OSError as error:
            self._note(due, type(error).__name__, b"")
        else:
            connection.ask(self._request, due)

    def _take(self, connection: Connection, status: str, answer: bytes) -> None:
        if not connection.closed:
            self._idle.append(connection)
        self._note(connection.due, status, answer)

    def _note(self, due: float, status: str, answer: bytes) -> None:
        moment = time.monotonic()
        self.latencies_s.append(moment - due)
        self.statuses[status] += 1
        self._look(answer, moment)
        if len(self.latencies_s) == self._asked:
            self._all_answered.set()

    def _look(self, answer: bytes, moment: float) -> None:
        for lion_id, mark in self._marks.items():
            at = answer.find(mark, max(0, self._places[lion_id] - _SHIFT_MAX))  # about where it was
            if at < 0:
                at = answer.find(mark)
            if at < 0:
                continue
            self._places[lion_id] = at
            at = answer.find(b'"updated_at":"', at) + 14
            updated = answer[at : answer.find(b'"', at)]
            if updated > self._last.get(lion_id, b""):
                self._last[lion_id] = updated
                self.seen.append((lion_id, updated.decode(), moment))


async def ask(options: argparse.Namespace) -> dict[str, Any]:
    """Warm up, wait for the signal, and ask."""
    await Asking(options.url, options.header, []).run(options.rate, _WARM_UP_S)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    asking = Asking(options.url, options.header, options.watched.split(",") if options.watched else [])
    await asking.run(options.rate, options.seconds)
    return {"latencies_s": asking.latencies_s, "statuses": asking.statuses, "seen": asking.seen}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--watched", default="", help="lion ids, comma-separated")
    options = parser.parse_args()
    gc.freeze()
    report = memoryview(json.dumps(uvloop.run(ask(options))).encode())
    while report:  # after uvloop a full pipe takes a part, and print loses the rest
        report = report[os.write(sys.stdout.fileno(), report) :]


if __name__ == "__main__":
    main()
