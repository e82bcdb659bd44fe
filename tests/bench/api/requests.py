"""``python -m tests.bench.api.requests``: asks one address at a constant rate, whatever the answers take.

A request is sent when its time has come, not when the one before it is answered, and its latency counts from that
time: a server that stalls for a second is seen by every request of that second.

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
from typing import Any

import aiohttp
import uvloop

CONNECTIONS_MAX = 1_000
_WARM_UP_S = 1.0


class Asking:
    """One run of requests."""

    def __init__(self, session: aiohttp.ClientSession, url: str, watched: list[str]) -> None:
        self._session, self._url = session, url
        self._marks = {lion_id: f'"lion_id":"{lion_id}"'.encode() for lion_id in watched}
        self.latencies_s: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.seen: list[tuple[str, str, float]] = []
        self._last: dict[str, bytes] = {}

    async def one(self, due: float) -> None:
        """Ask, and note how long after ``due`` the whole answer was there."""
        try:
            async with self._session.get(self._url) as response:
                body = await response.read()
                status = str(response.status)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            body, status = b"", type(error).__name__
        moment = time.monotonic()
        self.latencies_s.append(moment - due)
        self.statuses[status] += 1
        self._look(body, moment)

    def _look(self, body: bytes, moment: float) -> None:
        for lion_id, mark in self._marks.items():
            at = body.find(mark)
            if at < 0:
                continue
            at = body.find(b'"updated_at":"', at) + 14
            updated = body[at : body.find(b'"', at)]
            if updated > self._last.get(lion_id, b""):
                self._last[lion_id] = updated
                self.seen.append((lion_id, updated.decode(), moment))

    async def run(self, rate: float, seconds: float) -> None:
        """Ask at the rate for so long."""
        began, waiting = time.monotonic(), set()
        for n in range(int(rate * seconds)):
            due = began + n / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self.one(due))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
        await asyncio.gather(*waiting)


async def ask(options: argparse.Namespace) -> dict[str, Any]:
    headers = dict(text.split(": ", 1) for text in options.header)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
    async with aiohttp.ClientSession(
        connector=connector, headers=headers, auto_decompress=False, skip_auto_headers=("Accept-Encoding",)
    ) as session:
        await Asking(session, options.url, []).run(options.rate, _WARM_UP_S)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        asking = Asking(session, options.url, options.watched.split(",") if options.watched else [])
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
