"""Lions, or single fixes, that their source deleted: flagged in silver, gone from gold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from liontrack_stream.core.fixes import DELETED, Fixes
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.core.settle import withdraw
from liontrack_stream.core.windows import changed_windows, day_facts, touched_days
from liontrack_stream.warehouse import lion_windows
from liontrack_stream.warehouse.deletions import Deletions, NewDeletions
from liontrack_stream.warehouse.lion_states import END_US, load_spans, read_states
from liontrack_stream.warehouse.lion_writes import reread_heads, write_facts, write_lions, write_resettled
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.revisions import DELETION, Cause
from liontrack_stream.warehouse.work import BatchWork

Limits = tuple[float, float, float, float]


def flag_deleted(deletions: Deletions, lion_ids: list[str], event_ids: Sequence[str | None], fresh: Fixes) -> None:
    """Flag the new fixes that were taken back before they arrived; ``event_ids`` by the fixes' rows."""
    named = deletions.named
    for n in [n for n, lion_id in enumerate(lion_ids) if lion_id in named]:
        for i in np.flatnonzero(fresh["lion"] == n).tolist():
            order = int(fresh["append_us"][i]), int(fresh["partition"][i]), int(fresh["offset"][i])
            if deletions.hides(order, lion_ids[n], event_ids[fresh["row"][i]]):
                fresh["flags"][i] |= DELETED


async def withdraw_fixes(work: BatchWork, gone: NewDeletions, limits_kmh: Limits) -> dict[str, int | None]:
    """Take back the stored fixes that the batch's deletions name, a lion at a time: its whole history is settled.

    Returns each such lion's last accepted fix before (µs).
    """
    times_us: dict[str, list[int]] = defaultdict(list)
    for lion_id, time_us in await gone.rows(work, "silver/positions_deleted"):
        times_us[lion_id].append(time_us)
    return {
        lion_id: await _withdraw(work, lion_id, times, Cause(DELETION, frozenset(gone.offsets_of(lion_id))), limits_kmh)
        for lion_id, times in times_us.items()
    }


async def _withdraw(work: BatchWork, lion_id: str, times_us: list[int], cause: Cause, limits_kmh: Limits) -> int | None:
    [state] = await read_states(work, [lion_id])
    [span] = await load_spans(work, [(state, 0, END_US)])
    flagged_before = int((span.fixes["flags"] != 0).sum())
    settled = withdraw(span.fixes, np.isin(span.fixes["time_us"], times_us), limits_kmh)
    changed = settled.fixes[settled.changed]
    await write_resettled(work, [lion_id], changed)
    windows = changed_windows(settled)
    await lion_windows.write(work, [lion_id], windows, lambda lion, start_us: cause)
    await write_facts(work, [state], day_facts(settled, *touched_days(settled)), lambda lion, day: cause)
    state.accepted = int(settled.accepted.sum())
    await reread_heads(work, [state])
    await write_lions(work, [state])
    moved = [0] if state.last_us != state.told_us else []
    await lion_windows.tell_live(work, [lion_id], windows, [state.last_us], moved)
    days = np.unique(changed["time_us"] // DAY_US).tolist()
    work.touched("silver", "positions", days)
    work.touched("gold", "lions_positions_history", days)
    work.count(flagged=int((settled.fixes["flags"] != 0).sum()) - flagged_before)
    return state.told_us


async def mark_deleted(work: BatchWork, deletions: Deletions) -> None:
    """Mark the lions that were deleted and of which nothing came since, and unmark those that live."""
    if deletions.entities:
        await work.connection.execute(query("silver/lions_deleted"), sorted(deletions.entities))
        work.touched("silver", "lions")
