"""What is known of each lion before a batch: its head row, its latest fixes, its latest days.

States are kept between batches, and trusted only while ``silver.lions.revision`` is still the one they were made
at: any other writer raises it, and the state is read anew. They save reads and decide nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from itertools import accumulate, islice, pairwise
from math import isnan
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from liontrack_stream.core.fixes import NO_STEP, Fixes, empty, joined
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.core.health import LOOKBACK_DAYS, Outlook
from liontrack_stream.warehouse.herd import Heads, Herd
from liontrack_stream.warehouse.lion_days import END_DAY, Days, load_days
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.stored_fixes import MARGIN_CANDIDATES, Found, Wanted, read_fixes
from liontrack_stream.warehouse.work import BatchWork

END_US = END_DAY * DAY_US
TAIL_DAYS = 2
_MOVED = ["last_us", "lat", "lng", "day_fixes", "distance_mm", "max_speed_kmh"]  # of a head, what a state has too


class Span(msgspec.Struct, eq=False):
    """A lion's stored fixes of [from_us, to_us), and the next three candidates on either side."""

    fixes: Fixes
    from_us: int
    to_us: int
    open_start: bool  # whether more fixes may exist before these
    open_end: bool


class LionState(msgspec.Struct, eq=False):
    """One lion. ``tail`` reaches to the end of time; ``days`` is whole from ``days_from`` on, ``outlook`` of the last.

    ``later``: fixes that belong to the tail's end, as bytes. ``told_us``: the last accepted fix before the batch.
    """

    lion_id: str
    revision: int = 0
    last_us: int | None = None
    lat: float | None = None
    lng: float | None = None
    name: str | None = None
    name_us: int | None = None
    fixes: int = 0
    accepted: int = 0
    first_fix_us: int | None = None  # of all stored fixes, flagged ones included
    last_fix_us: int | None = None
    tail: Span | None = None
    later: bytes = b""
    days: Days = msgspec.field(default_factory=dict)
    days_from: int = END_DAY
    outlook: Outlook | None = None
    told_us: int | None = None

    @classmethod
    def unknown(cls, lion_id: str) -> LionState:
        """A lion that the warehouse has never heard of."""
        return cls(lion_id, tail=Span(empty(), 0, END_US, False, False), days_from=0)

    def reach(self, first: int, last: int) -> None:
        """Take in that fixes from one time to another, µs, are stored now."""
        self.first_fix_us = first if self.first_fix_us is None else min(self.first_fix_us, first)
        self.last_fix_us = last if self.last_fix_us is None else max(self.last_fix_us, last)


class LionCache:
    """The states of the lions written last; the herd keeps what moving on takes, of them as soon as they may."""

    def __init__(self, lions_max: int = 1024) -> None:
        self._states: OrderedDict[str, LionState] = OrderedDict()
        self._headless: set[str] = set()  # whose states the herd has not got since they were put here
        self._lions_max = lions_max
        self.herd = Herd()

    def revision(self, lion_id: str) -> int:
        """The revision of the state that is here; -1 where there is none."""
        state = self._states.get(lion_id)
        return -1 if state is None else state.revision

    def get(self, lion_id: str, revision: int) -> LionState | None:
        """A copy of the state of a lion at this revision, if it is here."""
        state = self._states.get(lion_id)
        if state is None or state.revision != revision:
            return None
        _lengthen_tail(state)
        state = copy(state)
        state.told_us = state.last_us
        return state

    def put(self, states: Sequence[LionState]) -> None:
        """Keep states that were committed."""
        for state in states:
            self._states[state.lion_id] = state
            self._states.move_to_end(state.lion_id)
            self._headless.add(state.lion_id)
        surplus = max(0, len(self._states) - self._lions_max)
        self.make_heads(list(islice(self._states, surplus)))
        for _ in range(surplus):
            self._states.popitem(last=False)

    def make_heads(self, lion_ids: Iterable[str]) -> None:
        """Let the herd have those of the lions whose states are here."""
        missing = self._headless.intersection(lion_ids)
        self._headless -= missing
        self.herd.put_states([self._states[lion_id] for lion_id in missing if lion_id in self._states])

    def move_on(
        self, lion_ids: Sequence[str], heads: Heads, written: Mapping[str, Sequence[Any]], fixes: Fixes
    ) -> None:
        """Bring the states that are here up to moves that were committed.

        ``written``: by lion, what `lion_moves` writes beside their heads; ``fixes``: their new ones, settled, by lion
        and time.
        """
        stored = fixes.copy()
        stored["lion"], stored["row"] = 0, -1
        data = stored.tobytes()
        bounds = pairwise(accumulate((count * stored.itemsize for count in written["new_fixes"]), initial=0))
        revisions, moved = heads["revision"].tolist(), heads[_MOVED].tolist()
        for n, (lion_id, (start, end)) in enumerate(zip(lion_ids, bounds, strict=True)):
            state = self._states.pop(lion_id, None)
            if state is not None and state.revision + 1 == revisions[n]:
                judged = written["stationary"][n], written["score"][n]
                _move(state, moved[n], data[start:end], written["new_fixes"][n], *judged)
                if written["name"][n] is not None:
                    state.name, state.name_us = written["name"][n], written["name_us"][n]
                self._states[lion_id] = state


def _move(
    state: LionState, moved: tuple[Any, ...], fixes: bytes, count: int, stationary: bool, score: float | None
) -> None:
    """Bring a state up to new fixes, all accepted, of its last day; what others may share of it stays as it was.

    ``moved``: its head's `_MOVED`.
    """
    last_us, state.lat, state.lng, day_fixes, metres, speed = moved
    state.revision += 1
    state.last_us = state.last_fix_us = last_us
    state.fixes += count
    state.accepted += count
    state.later += fixes
    day = last_us // DAY_US
    state.days = state.days | {
        day: replace(
            state.days[day],
            fixes=day_fixes,
            distance_mm=None if metres < 0 else metres,
            max_speed_kmh=None if isnan(speed) else speed,
            last_us=last_us,
            stationary=stationary,
            health_score=score,
        )
    }


def _lengthen_tail(state: LionState) -> None:
    """Put the later fixes into the tail: as one who needs it, of the many that only move on."""
    tail = state.tail
    if tail is not None and state.later:
        fixes = joined([tail.fixes, state.later])
        state.tail = Span(fixes, tail.from_us, tail.to_us, tail.open_start, tail.open_end)
    state.later = b""


async def load_revisions(work: BatchWork, lion_ids: Sequence[str]) -> dict[str, int]:
    """The revisions of those of the lions that the warehouse knows; read under their locks."""
    if not lion_ids:
        return {}
    revisions = await work.connection.fetchval(query("silver/lions_known"), lion_ids)
    known = zip(lion_ids, revisions, strict=True)
    return {lion_id: revision for lion_id, revision in known if revision is not None}


async def load_states(
    work: BatchWork, lion_ids: list[str], revisions: Mapping[str, int], cache: LionCache
) -> list[LionState]:
    """The state of each lion, without a tail where neither the cache nor a new lion gives one."""
    states = {lion_id: cache.get(lion_id, revisions[lion_id]) for lion_id in lion_ids if lion_id in revisions}
    unread = [lion_id for lion_id, state in states.items() if state is None]
    if unread:
        states |= {state.lion_id: state for state in await read_states(work, unread)}
    return [states.get(lion_id) or LionState.unknown(lion_id) for lion_id in lion_ids]


async def read_states(work: BatchWork, lion_ids: list[str]) -> list[LionState]:
    """The states of those of the lions that are known, as their rows give them."""
    states = [LionState(*head) for head in await work.connection.fetch(query("silver/lion_heads"), lion_ids)]
    for state in states:
        state.told_us = state.last_us
    return states


async def load_spans(work: BatchWork, wanted: Sequence[tuple[LionState, int, int]]) -> list[Span]:
    """For each lion's [from_us, to_us) its stored fixes."""
    stored = [
        Wanted(state.lion_id, from_us, to_us, state.first_fix_us, state.last_fix_us or 0, state.last_us)
        for state, from_us, to_us in wanted
        if state.first_fix_us is not None
    ]
    found = iter(await read_fixes(work, stored))
    nothing = Found([], [], [])
    return [
        _span(nothing if state.first_fix_us is None else next(found), from_us, to_us)
        for state, from_us, to_us in wanted
    ]


def _span(found: Found, from_us: int, to_us: int) -> Span:
    fixes = [
        (0, *fix[:4], NO_STEP if fix[4] is None else fix[4], *fix[5:], -1)
        for fix in sorted(found.before + found.inside + found.after)
    ]
    open_start, open_end = (len(side) == MARGIN_CANDIDATES for side in (found.before, found.after))
    return Span(np.array(fixes, empty().dtype), from_us, to_us, open_start, open_end)


async def load_tails(work: BatchWork, states: Sequence[LionState]) -> None:
    """Read the tails that are missing."""
    missing = [state for state in states if state.tail is None]
    starts = [0 if s.last_us is None else (s.last_us // DAY_US - TAIL_DAYS) * DAY_US for s in missing]
    spans = await load_spans(work, [(s, start, END_US) for s, start in zip(missing, starts, strict=True)])
    for state, span in zip(missing, spans, strict=True):
        state.tail = span


async def load_missing_days(work: BatchWork, states: Sequence[LionState], from_days: Sequence[int]) -> None:
    """Make ``days`` whole from each ``from_day`` on."""
    missing = [(state, day) for state, day in zip(states, from_days, strict=True) if day < state.days_from]
    found = await load_days(work, [(state.lion_id, day, END_DAY) for state, day in missing])
    for (state, day), days in zip(missing, found, strict=True):
        state.days, state.days_from = days, day


def trimmed_days(days: Days, days_from: int, last_us: int | None) -> tuple[Days, int]:
    """The days that the next fixes in order look back on, and a few more for the nearly late."""
    if last_us is None:
        return days, days_from
    start = max(days_from, last_us // DAY_US - LOOKBACK_DAYS - TAIL_DAYS - 2)
    if start > days_from:
        days = {day: row for day, row in days.items() if day >= start}
    return days, start
