"""How fast a replay may go, and how far it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_FASTER = "a higher --rate-limit or none, a larger BATCH_MAX_RECORDS, or fewer events, would let it catch up"
_PATIENCE_S = 10.0  # before it is said that nothing gets nearer


class Pace:
    """Spreads records over time: at most ``records_per_s`` on average; None: as fast as it goes."""

    def __init__(self, records_per_s: float | None = None) -> None:
        self._records_per_s = records_per_s
        self._next_at = 0.0

    def batch_records(self, usual: int) -> int:
        """How large a batch may be: no more than a second's worth."""
        return usual if self._records_per_s is None else max(1, min(usual, int(self._records_per_s)))

    async def wait(self, records: int) -> None:
        """Wait until it is the turn of so many records."""
        if self._records_per_s is None:
            return
        now = time.monotonic()
        turn = max(now, self._next_at)
        self._next_at = turn + records / self._records_per_s
        await asyncio.sleep(turn - now)


class Estimate:
    """Says what is done and how long the rest takes, by the rate since it was made, or that there is no end to it."""

    def __init__(
        self, total: Callable[[], int], left: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total, self._left, self._clock = total, left, clock
        self._began_s, self._left_at_first = clock(), left()

    def sentence(self) -> str:
        """E.g. ``1,200 of 5,000 records, 400/s, 10 s left``; the rate is that by which less is left."""
        left, total = self._left(), self._total()
        seconds = self._clock() - self._began_s
        rate = (self._left_at_first - left) / seconds if seconds > 0 else 0.0
        if rate > 0:
            ends = f", {rate:,.0f}/s, {left / rate:,.0f} s left"
        elif seconds > _PATIENCE_S and left:
            ends = f", falling behind: new ones come faster, {left:,} left ({_FASTER})"
        else:
            ends = ""
        return f"{total - left:,} of {total:,} records{ends}"
