"""Answers that many ask for, made once for all of them.

::

    age of the kept answer   0 ── FRESH_S ───────── OLD_S ──────────►
    it is given              │    at once   at once,   no: all wait for
                             │              a new one  the new one
                             │              is begun

A new one is read from Postgres, so it shows what any worker has committed. What is given is at most OLD_S old, and as
much older as reading it took; its ``timestamp`` is the time it was read for.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from time import monotonic

from aiohttp import web
from mode import get_logger

logger = get_logger(__name__)

FRESH_S = 0.1
OLD_S = 0.5
KEPT_MAX = 32  # a list of a thousand lions is a quarter of a megabyte


@dataclass(frozen=True, slots=True)
class _Kept:
    body: bytes
    headers: Mapping[str, str]
    read_at: float  # when reading it began

    def response(self) -> web.Response:
        return web.Response(body=self.body, headers=self.headers)


class PreparedAnswers:
    """Keeps the answers asked for last, 200 alone. For one event loop.

    The key holds all that an answer depends on: the route, its parameters, and how the asker sees positions.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._making: dict[Hashable, asyncio.Task[_Kept]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[web.Response]]) -> web.Response:
        """The answer of this key; ``make`` reads a new one, and its error is that of all who wait for it."""
        kept = self._kept.get(key)
        age_s = float("inf") if kept is None else self._clock() - kept.read_at
        if kept is not None and age_s <= FRESH_S:
            return kept.response()
        task = self._making.get(key) or self._begin(key, make)
        if kept is not None and age_s <= OLD_S:
            return kept.response()
        return (await asyncio.shield(task)).response()  # who goes away leaves it to the others

    def _begin(self, key: Hashable, make: Callable[[], Awaitable[web.Response]]) -> asyncio.Task[_Kept]:
        read_at = self._clock()

        async def run() -> _Kept:
            made = await make()
            assert isinstance(made.body, bytes)
            kept = _Kept(made.body, dict(made.headers), read_at)
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
            return kept

        def done(task: asyncio.Task[_Kept]) -> None:
            del self._making[key]
            if not task.cancelled() and task.exception() is not None:
                logger.info("An answer is not made anew: %r", task.exception())

        task = self._making[key] = asyncio.create_task(run())
        task.add_done_callback(done)
        return task
