"""Reading stored fixes within few partitions.

All fixes of a lion's [from, to) and the next three candidates on either side; those are looked for within a day
first, and further away only for lions that have fixes there::

         first fix                from          to              last accepted fix: the last candidate
    ─────────┼────────────┬────────┼────────────┼────────┬──────────────┼─────►
             │◄ ×14 each ─┤◄─ 1 d ─┤ everything ├─ 1 d ─►├─ ×14 each ──►│
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from liontrack_stream.core.geo import DAY_US
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.work import BatchWork

MARGIN_CANDIDATES = 3
_MARGIN_US = DAY_US
_WIDER = 14
_STATEMENT_US = 60 * DAY_US  # lions whose ranges lie further apart are read by statements of their own


@dataclass(frozen=True, slots=True)
class Wanted:
    """A lion's range, and where its fixes are: from the first to the last stored one, candidates up to the accepted."""

    lion_id: str
    from_us: int
    to_us: int
    first_us: int
    last_us: int
    last_accepted_us: int | None

    @property
    def low_us(self) -> int:
        """No candidate before the range is earlier."""
        return self.from_us if self.last_accepted_us is None else min(self.first_us, self.from_us)

    @property
    def high_us(self) -> int:
        """No candidate after the range is as late."""
        return self.to_us if self.last_accepted_us is None else max(self.last_accepted_us + 1, self.to_us)


@dataclass(slots=True)
class Found:
    """Rows (time_us, lat, lng, flags, step_mm, append_us, partition, offset, content_hash), nearest margins first."""

    inside: list[tuple[Any, ...]]
    before: list[tuple[Any, ...]]
    after: list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Search:
    """What one statement looks at for one lion: all of [from, to), candidates of [floor, from) and of [to, ceiling)."""

    place: int
    lion_id: str
    floor_us: int
    from_us: int
    to_us: int
    ceiling_us: int
    inside: tuple[int, int]  # [from, to) as far as there are fixes

    @property
    def span(self) -> tuple[int, int]:
        """The times that are looked at; nothing where the end is not after the start."""
        sides = [(self.floor_us, self.from_us), (self.to_us, self.ceiling_us), self.inside]
        looked_at = [(low, high) for low, high in sides if low < high]
        return min((low for low, _ in looked_at), default=0), max((high for _, high in looked_at), default=0)


async def read_fixes(work: BatchWork, wanted: Sequence[Wanted]) -> list[Found]:
    """The stored fixes of each wanted range with up to three candidates on either side."""
    found = [Found([], [], []) for _ in wanted]
    searches = [_first_search(place, want) for place, want in enumerate(wanted)]
    while searches:
        for near in _near(searches):
            await _read(work, near, found)
        searches = [wider for one in searches for wider in _wider(one, wanted[one.place], found[one.place])]
    return found


async def read_last_known(work: BatchWork, wanted: Sequence[Wanted]) -> list[tuple[Any, ...]]:
    """Each lion's last accepted fix and last accepted name: (time_us, lat, lng, name_us, name), None for none."""
    known: list[list[Any]] = [[None] * 5 for _ in wanted]
    searches = []
    for place, want in enumerate(wanted):
        top = want.last_us if want.last_accepted_us is None else want.last_accepted_us
        floor = max(want.first_us, top - _MARGIN_US)
        searches.append(_Search(place, want.lion_id, floor, 0, 0, 0, (floor, want.last_us + 1)))
    while searches:
        for near in _near(searches):
            lows, highs = zip(*(one.inside for one in near), strict=True)
            bounds = list(lows), list(highs), min(lows), max(highs)
            ids = [one.lion_id for one in near]
            for n, *row in await work.connection.fetch(query("silver/lion_last_known"), ids, *bounds):
                mine = known[near[n].place]
                known[near[n].place] = [
                    *(row[:3] if mine[0] is None else mine[:3]),
                    *(row[3:] if mine[3] is None else mine[3:]),
                ]
        searches = [wider for one in searches for wider in _earlier(one, wanted[one.place], known[one.place])]
    return [tuple(row) for row in known]


def _first_search(place: int, want: Wanted) -> _Search:
    floor = max(want.low_us, want.from_us - _MARGIN_US)
    ceiling = min(want.high_us, want.to_us + _MARGIN_US)
    inside = max(want.from_us, want.first_us), min(want.to_us, want.last_us + 1)
    return _Search(place, want.lion_id, floor, want.from_us, want.to_us, ceiling, inside)


def _wider(one: _Search, want: Wanted, found: Found) -> Iterator[_Search]:
    """The next searches of a side that lacks candidates and may have some."""
    if one.floor_us > want.low_us and one.floor_us < one.from_us and len(found.before) < MARGIN_CANDIDATES:
        floor = max(want.low_us, one.floor_us - _WIDER * (one.from_us - one.floor_us))
        yield _Search(one.place, one.lion_id, floor, one.floor_us, one.floor_us, one.floor_us, (0, 0))
    if one.ceiling_us < want.high_us and one.ceiling_us > one.to_us and len(found.after) < MARGIN_CANDIDATES:
        ceiling = min(want.high_us, one.ceiling_us + _WIDER * (one.ceiling_us - one.to_us))
        yield _Search(one.place, one.lion_id, one.ceiling_us, one.ceiling_us, one.ceiling_us, ceiling, (0, 0))


def _earlier(one: _Search, want: Wanted, known: Sequence[Any]) -> Iterator[_Search]:
    low, high = one.inside
    if low > want.first_us and (known[0] is None or known[3] is None):
        floor = max(want.first_us, low - _WIDER * (high - low))
        yield _Search(one.place, one.lion_id, floor, 0, 0, 0, (floor, low))


def _near(searches: Sequence[_Search]) -> Iterator[list[_Search]]:
    """Searches in groups that look at neighbouring times; those that look at nothing are left out."""
    group: list[_Search] = []
    start = end = 0
    for one in sorted(searches, key=lambda one: one.span):
        low, high = one.span
        if low >= high:
            continue
        if group and max(end, high) - start > max(_STATEMENT_US, high - low):
            yield group
            group = []
        start, end = (min(start, low), max(end, high)) if group else (low, high)
        group.append(one)
    if group:
        yield group


async def _read(work: BatchWork, searches: Sequence[_Search], found: list[Found]) -> None:
    ids = [one.lion_id for one in searches]
    floors, froms = [one.floor_us for one in searches], [one.from_us for one in searches]
    tos, ceilings = [one.to_us for one in searches], [one.ceiling_us for one in searches]
    lows, highs = zip(*([one.inside for one in searches if one.inside[0] < one.inside[1]] or [(0, 0)]), strict=True)
    bounds = min(lows), max(highs), min(floors), max(froms), min(tos), max(ceilings)
    sql = query("silver/positions_context")
    for n, side, *fix in await work.connection.fetch(sql, ids, floors, froms, tos, ceilings, *bounds):
        mine = found[searches[n].place]
        rows = (mine.before, mine.inside, mine.after)[side + 1]
        if not side or len(rows) < MARGIN_CANDIDATES:
            rows.append(tuple(fix))
