"""Positions: silver fixes, 5-minute windows, lion-days and the lion's own row, from one batch.

A batch is settled in rounds. The last round holds what lies within each lion's tail, as nearly everything does; a
round before it holds one cluster of older fixes per lion: a fix from years ago does not pull in the years since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec
import numpy as np

from liontrack_stream.contract.events import Position, content_hashes
from liontrack_stream.core.fixes import Fixes, empty, joined, of_lions, own_flags
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.core.limits import SPEED_LIMITS_KMH
from liontrack_stream.core.settle import Settled, settle
from liontrack_stream.core.windows import WINDOW_US, changed_windows, day_facts, touched_days
from liontrack_stream.warehouse import lion_windows
from liontrack_stream.warehouse.copying import copy_rows
from liontrack_stream.warehouse.day_partitions import execute_by_period
from liontrack_stream.warehouse.deletions import NewDeletions, load_deletions
from liontrack_stream.warehouse.lion_advance import advance_heads, count_fixes, trimmed_tails
from liontrack_stream.warehouse.lion_deletions import Limits, flag_deleted, mark_deleted, withdraw_fixes
from liontrack_stream.warehouse.lion_moves import store_moves
from liontrack_stream.warehouse.lion_revisions import LionCauses
from liontrack_stream.warehouse.lion_states import (
    END_US,
    LionCache,
    LionState,
    Span,
    load_spans,
    load_states,
    load_tails,
    trimmed_days,
)
from liontrack_stream.warehouse.lion_writes import (
    position_rows,
    reread_heads,
    write_facts,
    write_lions,
    write_resettled,
)
from liontrack_stream.warehouse.quality_tally import tally_fixes
from liontrack_stream.warehouse.work import BatchWork

_CLUSTER_GAP_US = 3 * DAY_US
_LATE_CLUSTERS_MAX = 6


class _Round(msgspec.Struct, eq=False):
    """One lion's new fixes of one round, and the stored fixes around them (None: the lion's tail)."""

    state: LionState
    fresh: Fixes
    span: Span | None = None


async def store_positions(work: BatchWork, cache: LionCache, limits_kmh: Limits = SPEED_LIMITS_KMH) -> None:
    """Write everything that the batch's fixes change in silver and gold."""
    columns = work.columns(Position)
    gone = NewDeletions.of(work)
    lion_ids = sorted(set(columns["lion_id"]))
    if not (lion_ids or gone):
        return
    named = gone.entities.union(lion_ids)
    await work.lock(lion=named)
    fresh = _fixes(work, lion_ids)
    deletions = await load_deletions(work, named)
    flag_deleted(deletions, lion_ids, columns["event_id"], fresh)
    told_us = await withdraw_fixes(work, gone, limits_kmh)
    if lion_ids:
        others, revisions = await store_moves(work, cache, lion_ids, deletions.named, fresh, limits_kmh)
        if len(others):
            states = await load_states(work, [lion_ids[n] for n in others.tolist()], revisions, cache)
            for state in states:
                state.told_us = told_us.get(state.lion_id, state.told_us)
            await _store_fixes(work, states, of_lions(fresh, others), limits_kmh)
            work.after_commit.append(lambda: cache.put(states))
    await mark_deleted(work, deletions)


async def _store_fixes(work: BatchWork, states: list[LionState], fresh: Fixes, limits_kmh: Limits) -> None:
    _count_late(work, states, fresh)
    late, tails = _rounds(states, fresh)
    for rounds in late:
        await _store_round(work, rounds, limits_kmh)
    if tails:
        await load_tails(work, [entry.state for entry in tails])
        await _store_round(work, tails, limits_kmh)
    await write_lions(work, states)


def _fixes(work: BatchWork, lion_ids: list[str]) -> Fixes:
    """The batch's fixes, with the lions numbered in this order."""
    number = {lion_id: n for n, lion_id in enumerate(lion_ids)}
    _, places = work.events(Position)
    columns = work.columns(Position)
    fresh = empty(len(places))
    fresh["lion"] = list(map(number.__getitem__, columns["lion_id"]))
    fresh["time_us"] = work.times(Position)
    fresh["lat"], fresh["lng"] = work.floats(Position, "lat"), work.floats(Position, "lng")
    fresh["hash"] = content_hashes(columns)
    fresh["append_us"], fresh["offset"], fresh["partition"] = (
        work.append_us[places],
        work.offsets[places],
        work.partitions[places],
    )
    fresh["row"] = np.arange(len(places))
    visible = np.array([seen is not False for seen in columns["visible"]], bool)
    fresh["flags"] = own_flags(fresh["lat"], fresh["lng"], fresh["time_us"], fresh["append_us"], visible)
    return fresh.take(np.lexsort((fresh["time_us"], fresh["lion"])))


def _count_late(work: BatchWork, states: Sequence[LionState], fresh: Fixes) -> None:
    """Count fixes of an earlier window than an unflagged fix of their lion that came before them."""
    known = np.array([0 if state.last_us is None else state.last_us // WINDOW_US for state in states])
    fixes = fresh.take(np.lexsort((fresh["row"], fresh["lion"])))
    lion = fixes["lion"].astype(np.int64) << 32  # windows since the epoch fit into 32 bits
    window = lion + fixes["time_us"] // WINDOW_US
    known_before = lion + known[fixes["lion"]]
    newest = np.maximum.accumulate(np.maximum(np.where(fixes["flags"] == 0, window, lion), known_before))
    newest_before = np.maximum(known_before, np.append(0, newest[:-1]))
    work.count(late=int((window < newest_before).sum()))


def _rounds(states: Sequence[LionState], fresh: Fixes) -> tuple[list[list[_Round]], list[_Round]]:
    """Rounds of older clusters, one cluster per lion and round, and the round of the tails."""
    tail_from_us = np.array([_tail_from_us(state) for state in states], np.int64)
    older = fresh["time_us"] < tail_from_us[fresh["lion"]]
    late: list[list[_Round]] = []
    for state, mine in _by_lion(states, fresh.take(np.flatnonzero(older))):
        for depth, cluster in enumerate(_clusters(mine)):
            if depth == len(late):
                late.append([])
            late[depth].append(_Round(state, cluster, _asked(cluster)))
    return late, [_Round(state, mine) for state, mine in _by_lion(states, fresh.take(np.flatnonzero(~older)))]


def _by_lion(states: Sequence[LionState], fixes: Fixes) -> Iterator[tuple[LionState, Fixes]]:
    """The lions that have some of the fixes, with theirs."""
    bounds = np.searchsorted(fixes["lion"], np.arange(len(states) + 1)).tolist()
    for state, (start, end) in zip(states, pairwise(bounds), strict=True):
        if start < end:
            yield state, fixes[start:end]


def _tail_from_us(state: LionState) -> int:
    """The time from which on a new fix can be settled within the lion's tail."""
    if state.tail is not None:
        return state.tail.from_us + DAY_US if state.tail.from_us > 0 else 0
    return 0 if state.last_us is None else (state.last_us // DAY_US - 1) * DAY_US


def _clusters(fixes: Fixes) -> list[Fixes]:
    gaps = np.flatnonzero(np.diff(fixes["time_us"]) > _CLUSTER_GAP_US) + 1
    return np.split(fixes, gaps[:_LATE_CLUSTERS_MAX])


def _asked(cluster: Fixes) -> Span:
    first, last = int(cluster["time_us"][0]), int(cluster["time_us"][-1])
    return Span(empty(), (first // DAY_US - 1) * DAY_US, (last // DAY_US + 2) * DAY_US, True, True)


async def _store_round(work: BatchWork, rounds: list[_Round], limits_kmh: Limits) -> None:
    settled, spans = await _settle_whole(work, rounds, limits_kmh)
    states = [entry.state for entry in rounds]
    lion_ids = [state.lion_id for state in states]
    causes = LionCauses(settled, lion_ids, [state.told_us for state in states])
    await _write_fixes(work, lion_ids, settled)
    windows = changed_windows(settled)
    revising = bool(causes or work.revisions)
    await lion_windows.write(work, lion_ids, windows, causes.of_window if revising else None)
    await write_facts(work, states, day_facts(settled, *touched_days(settled)), causes.of_day if revising else None)
    moved = await _update_states(work, rounds, spans, settled)
    last_us = [entry.state.last_us for entry in rounds]
    await lion_windows.tell_live(work, lion_ids, windows, last_us, moved)


async def _settle_whole(work: BatchWork, rounds: list[_Round], limits_kmh: Limits) -> tuple[Settled, list[Span]]:
    """Settle, reading more days wherever a change reaches past what was read."""
    asked = [entry.span for entry in rounds]
    loaded = await load_spans(
        work, [(r.state, s.from_us, s.to_us) for r, s in zip(rounds, asked, strict=True) if s is not None]
    )
    found = iter(loaded)
    spans = [next(found) if span is not None else _tail(entry) for entry, span in zip(rounds, asked, strict=True)]
    while True:
        parts = [part for entry, span in zip(rounds, spans, strict=True) for part in (span.fixes, entry.fresh)]
        lengths = [len(part) for part in parts]
        fixes = joined(parts)
        fixes["lion"] = np.repeat(np.arange(len(parts)) // 2, lengths)
        open_start, open_end = (np.array([getattr(s, side) for s in spans]) for side in ("open_start", "open_end"))
        settled = settle(fixes, open_start, open_end, limits_kmh)
        short = _short_spans(settled, spans)
        if not short:
            return settled, spans
        wider = await load_spans(work, [(rounds[n].state, start, end) for n, start, end in short])
        for (n, _, _), span in zip(short, wider, strict=True):
            spans[n] = span


def _tail(entry: _Round) -> Span:
    assert entry.state.tail is not None
    return entry.state.tail


def _short_spans(settled: Settled, spans: Sequence[Span]) -> list[tuple[int, int, int]]:
    """Places of spans that miss whole days around a change, and the range that they need."""
    rows = settled.fixes.take(np.flatnonzero(settled.changed))
    lions, first = np.unique(rows["lion"], return_index=True)
    last = np.append(first[1:], len(rows))[: len(first)] - 1
    day = rows["time_us"] // DAY_US
    start, end = np.maximum(0, (day[first] - 1) * DAY_US), np.minimum(END_US, (day[last] + 2) * DAY_US)
    from_us, to_us = (np.array([getattr(span, side) for span in spans])[lions] for side in ("from_us", "to_us"))
    short = np.flatnonzero((start < from_us) | (end > to_us))
    needed = lions, np.minimum(start, from_us), np.maximum(end, to_us)
    return list(zip(*(column[short].tolist() for column in needed), strict=True))


async def _write_fixes(work: BatchWork, lion_ids: list[str], settled: Settled) -> None:
    fixes, losers = settled.fixes, settled.losers
    replaced = losers[losers["row"] < 0]
    if len(replaced):
        names = [lion_ids[n] for n in replaced["lion"].tolist()]
        times = replaced["time_us"].tolist()
        await execute_by_period(work, "silver/positions_delete", times, names, times)
    new = fixes.take(np.flatnonzero(fixes["row"] >= 0))
    await copy_rows(work.connection, "silver", "positions", position_rows(work, new))
    await write_resettled(work, lion_ids, fixes[settled.changed & (fixes["row"] < 0)])
    if len(losers):
        identities = [
            f"{lion_ids[n]}|{us}" for n, us in zip(losers["lion"].tolist(), losers["time_us"].tolist(), strict=True)
        ]
        await work.store_repeats(identities, losers["partition"], losers["offset"], losers["append_us"], losers["hash"])
    conflicts = tally_fixes(work, settled)
    flagged_now = int((fixes["flags"] != 0).sum())
    flagged_before = int(((fixes["row"] < 0) & ~settled.was_accepted).sum() + (replaced["flags"] != 0).sum())
    work.count(
        silver=len(new) - len(replaced),
        duplicates=len(losers) - conflicts,
        conflicts=conflicts,
        flagged=flagged_now - flagged_before,
    )
    days = np.unique(fixes["time_us"][settled.changed] // DAY_US).tolist()
    work.touched("silver", "positions", days)
    work.touched("gold", "lions_positions_history", days)


async def _update_states(work: BatchWork, rounds: list[_Round], spans: Sequence[Span], settled: Settled) -> list[int]:
    """Bring the lions' heads and tails up to the settled fixes; the places of those whose head was read anew."""
    states = [entry.state for entry in rounds]
    moves = count_fixes(states, settled)
    reread = [
        n
        for n, (state, moved_us) in enumerate(zip(states, moves.moved_us, strict=True))
        if moved_us >= 0 and moved_us >= min(state.last_us or 0, state.name_us or 0)
    ]
    advance_heads(states, work.columns(Position)["name"], settled)
    if rounds[0].span is None:
        for state, tail in zip(states, trimmed_tails(settled.fixes, spans, [s.last_us for s in states]), strict=True):
            state.tail = tail
    else:
        for state, changed_us in zip(states, moves.changed_us, strict=True):
            if state.tail is not None and _reaches(changed_us, state.tail):
                state.tail = None
    for state in states:
        state.days, state.days_from = trimmed_days(state.days, state.days_from, state.last_us)
    await reread_heads(work, [states[n] for n in reread])
    return reread


def _reaches(changed_us: int, tail: Span) -> bool:
    """Whether a change of older fixes concerns a tail that was kept."""
    return changed_us >= 0 and (not tail.open_start or changed_us >= int(tail.fixes["time_us"][0]))
