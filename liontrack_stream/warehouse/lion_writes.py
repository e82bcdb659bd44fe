"""What settled fixes change of a lion, written: stored fixes' flags and steps, lion-days, and the lion's own row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter

import numpy as np
import pyarrow as pa
from msgspec.structs import replace

from liontrack_stream.contract.events import Position, to_json
from liontrack_stream.core.fixes import Fixes
from liontrack_stream.core.health import LOOKBACK_DAYS, LionDay
from liontrack_stream.core.windows import DayFacts
from liontrack_stream.warehouse.copying import Rows
from liontrack_stream.warehouse.day_partitions import execute_by_period
from liontrack_stream.warehouse.lion_days import END_DAY, CauseOf, Days, DaysOf, write_days
from liontrack_stream.warehouse.lion_states import LionState, load_missing_days
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.stored_fixes import Wanted, read_last_known
from liontrack_stream.warehouse.work import BatchWork

_head = attrgetter(  # as lions_upsert takes them
    "lion_id",
    "name",
    "name_us",
    "lat",
    "lng",
    "last_us",
    "fixes",
    "accepted",
    "first_fix_us",
    "last_fix_us",
)
_NO_DAY = LionDay()


def position_rows(work: BatchWork, new: Fixes) -> Rows:
    """New fixes as rows of silver.positions."""
    columns, places = work.columns(Position), new["row"]
    rows = Rows(len(new)).timestamp("event_time", new["time_us"]).float8("lat", new["lat"]).float8("lng", new["lng"])
    rows.int2("flags", new["flags"]).int4("partition", new["partition"]).int8("offset", new["offset"])
    rows.timestamp("append_time", new["append_us"]).int8("content_hash", new["hash"])
    for column in ("confidence", "accuracy", "altitude", "dop", "temperature"):
        rows.float8(column, work.floats(Position, column)[places])
    rows.boolean("visible", [columns["visible"][place] for place in places.tolist()]).int8(
        "step_mm", new["step_mm"], new["step_mm"] < 0
    )
    chosen = pa.array(places)
    for column in ("lion_id", "name", "source", "event_id"):
        rows.text(column, work.texts(Position, column).take(chosen))
    extras = [columns["extra"][place] for place in places.tolist()]
    return rows.json("metadata", [None if extra is None else to_json(extra) for extra in extras])


async def write_resettled(work: BatchWork, lion_ids: Sequence[str], changed: Fixes) -> None:
    """Write the flags and steps of stored fixes; ``lion_ids`` by the fixes' lion numbers."""
    if len(changed):
        steps = [None if step < 0 else step for step in changed["step_mm"].tolist()]
        names = [lion_ids[n] for n in changed["lion"].tolist()]
        times = changed["time_us"].tolist()
        await execute_by_period(
            work, "silver/positions_resettle", times, names, times, changed["flags"].tolist(), steps
        )


async def write_facts(
    work: BatchWork, states: Sequence[LionState], facts: DayFacts, cause_of: CauseOf | None = None
) -> None:
    """Settle and write the lion-days, and keep them in the states; ``facts.lion`` numbers the states."""
    if not work.gold:
        return
    bounds = np.searchsorted(facts.lion, np.arange(len(states) + 1)).tolist()
    days = facts.day.tolist()
    first_days = [days[start] - LOOKBACK_DAYS if start < end else END_DAY for start, end in pairwise(bounds)]
    await load_missing_days(work, states, first_days)
    changed = lion_days(facts, bounds, [state.days for state in states])
    stored = [DaysOf(state.lion_id, state.days, state.outlook) for state in states]
    for state, now in zip(states, await write_days(work, stored, changed, cause_of), strict=True):
        state.days, state.outlook = now.days, now.outlook


def lion_days(facts: DayFacts, bounds: Sequence[int], stored: Sequence[Days]) -> list[Days]:
    """Each lion's days that the facts are of, with what is stored of them; its facts lie between two bounds."""
    columns = (facts.fixes, facts.distance_mm, facts.max_speed_kmh, facts.last_us, facts.stationary)
    values = list(zip(facts.day.tolist(), zip(*(column.tolist() for column in columns), strict=True), strict=True))
    return [
        {
            day: _lion_day(known.get(day, _NO_DAY), *value)
            for day, value in values[start:end]
            if value[0] or day in known
        }
        for known, start, end in zip(stored, bounds[:-1], bounds[1:], strict=True)
    ]


def _lion_day(
    stored: LionDay, fixes: int, distance_mm: int, max_speed_kmh: float, last_us: int, stationary: bool
) -> LionDay:
    moved = distance_mm >= 0
    return replace(
        stored,
        fixes=fixes,
        distance_mm=distance_mm if moved else None,
        max_speed_kmh=max_speed_kmh if moved else None,
        last_us=last_us if fixes else None,
        stationary=stationary if fixes else None,
    )


async def reread_heads(work: BatchWork, states: Sequence[LionState]) -> None:
    """Read the last accepted fix and name of lions whose former ones may no longer count."""
    stored = [state for state in states if state.first_fix_us is not None]
    wanted = [
        Wanted(state.lion_id, 0, 0, state.first_fix_us or 0, state.last_fix_us or 0, state.last_us) for state in stored
    ]
    for state, known in zip(stored, await read_last_known(work, wanted), strict=True):
        state.last_us, state.lat, state.lng, state.name_us, state.name = known


async def write_lions(work: BatchWork, states: Sequence[LionState]) -> None:
    """Write the lions' own rows; every write raises their revision, and nobody else's can while they are locked."""
    await work.connection.execute(query("silver/lions_upsert"), *zip(*map(_head, states), strict=True))
    for state in states:
        state.revision += 1
    work.touched("silver", "lions")
