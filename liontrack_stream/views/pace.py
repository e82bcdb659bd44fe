"""Storing comes first: while a backlog is being stored, requests get a share of one core, and wait for their turn.

::

    turns     │              │                            │
              ▓▓             ▓▓▓▓                         ▓▓        work: CPU of this thread, and statements' time
              └─ 1 / SHARE ─►└─── of what was worked ────►└─►       at most WAIT_MAX_S away: the API stays alive
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic, thread_time

SHARE = 0.2
WAIT_MAX_S = 1.0


class Pace:
    """When the next request may begin. For one event loop.

    Parameters
    ----------
    has_backlog
        Whether so much waits to be stored that requests have to wait, too.
    clock, cpu
        Seconds: of the wall, and of CPU that this thread has used.
    """

    def __init__(
        self,
        has_backlog: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = monotonic,
        cpu: Callable[[], float] = thread_time,
    ) -> None:
        self._has_backlog, self._clock, self._cpu = has_backlog, clock, cpu
        self._cpu_s = cpu()
        self._database_s = 0.0
        self._turn_s = 0.0  # of the request before

    def asked_database(self, seconds: float) -> None:
        """Count a statement's time as work."""
        self._database_s += seconds

    async def turn(self) -> None:
        """Return when a request may begin: at once, unless there is a backlog and others have just been answered."""
        cpu_s, now_s = self._cpu(), self._clock()
        work_s = cpu_s - self._cpu_s + self._database_s
        self._cpu_s, self._database_s = cpu_s, 0.0
        turn_s = now_s
        if self._has_backlog():
            turn_s = min(max(now_s, self._turn_s + work_s / SHARE), now_s + WAIT_MAX_S)
        self._turn_s = turn_s
        if turn_s > now_s:
            await asyncio.sleep(turn_s - now_s)
