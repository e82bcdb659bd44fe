"""Which new fix changed which window or day of a lion, where somebody had been told of it (see ``revisions``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liontrack_stream.core.fixes import Fixes
from liontrack_stream.core.geo import DAY_US, Ints, Mask
from liontrack_stream.core.health import LOOKBACK_DAYS
from liontrack_stream.core.settle import Settled
from liontrack_stream.core.windows import WINDOW_US
from liontrack_stream.warehouse.revisions import LATE, SETTLED, Cause


@dataclass(frozen=True, slots=True)
class _Lion:
    """A lion's changed fixes by time; for each the offset of the new fix next to it, and whether that one is late."""

    told_us: int
    time_us: Ints
    offset: Ints
    late: Mask

    def cause(self, affects: Mask, closed: bool) -> Cause | None:
        late = affects & self.late
        if late.any():
            return Cause(LATE, frozenset(self.offset[late].tolist()))
        return Cause(SETTLED, frozenset(self.offset[affects].tolist())) if closed and affects.any() else None


class LionCauses:
    """Causes of one round's changes, by lion id; ``told_us``: each lion's last accepted fix before the batch."""

    def __init__(self, settled: Settled, lion_ids: Sequence[str], told_us: Sequence[int | None]) -> None:
        self._lions: dict[str, _Lion] = {}
        told = np.array([-1 if us is None else us for us in told_us], np.int64)
        rows = settled.fixes.take(np.flatnonzero(settled.changed))
        early = rows["time_us"] // WINDOW_US < told[rows["lion"]] // WINDOW_US
        for n in np.unique(rows["lion"][early]).tolist():
            mine = rows[rows["lion"] == n]
            self._lions[lion_ids[n]] = _nearest_fresh(mine, int(told[n]))

    def __bool__(self) -> bool:
        """False nearly always: fixes that come in order revise nothing."""
        return bool(self._lions)

    def of_window(self, lion_id: str, start_us: int) -> Cause | None:
        """Why a window changed; None where nobody had been told of it."""
        lion = self._lions.get(lion_id)
        if lion is None or start_us > lion.told_us:
            return None
        closed = start_us // WINDOW_US < lion.told_us // WINDOW_US
        return lion.cause(lion.time_us // WINDOW_US == start_us // WINDOW_US, closed)

    def of_day(self, lion_id: str, day: int) -> Cause | None:
        """Why a day's row changed; None where nobody had been told of it."""
        lion = self._lions.get(lion_id)
        if lion is None or day > lion.told_us // DAY_US:
            return None
        changed = lion.time_us // DAY_US
        return lion.cause((changed <= day) & (day <= changed + LOOKBACK_DAYS), day < lion.told_us // DAY_US)


def _nearest_fresh(mine: Fixes, told_us: int) -> _Lion:
    """Each changed fix with the new fix nearest in time: itself, or the one that settled it."""
    fresh = mine[mine["row"] >= 0]
    after = np.minimum(np.searchsorted(fresh["time_us"], mine["time_us"]), len(fresh) - 1)
    before = np.maximum(after - 1, 0)
    to_before = np.abs(mine["time_us"] - fresh["time_us"][before])
    to_after = np.abs(fresh["time_us"][after] - mine["time_us"])
    nearest = fresh[np.where(to_before < to_after, before, after)]
    late = nearest["time_us"] // WINDOW_US < told_us // WINDOW_US
    return _Lion(told_us, mine["time_us"], nearest["offset"], late)
