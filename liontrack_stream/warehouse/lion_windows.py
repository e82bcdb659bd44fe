"""``gold.lion_windows``: writing the windows that a round changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liontrack_stream.contract.times import iso
from liontrack_stream.core.fixes import FIX, Fixes
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.core.windows import WINDOW_US, LionWindows
from liontrack_stream.warehouse.copying import Rows, copy_rows
from liontrack_stream.warehouse.day_partitions import execute_by_period, fetch_by_period
from liontrack_stream.warehouse.revisions import Cause
from liontrack_stream.warehouse.work import BatchWork

CauseOf = Callable[[str, int], Cause | None]  # of a lion's window
_BOX = ("min_lat", "max_lat", "min_lng", "max_lng")
_POINT = ["time_us", "lat", "lng"]
_PACKED_POINT = np.dtype([(name, FIX[name]) for name in _POINT])  # kept for each lion until the live table has it
_NUMBERS = ("start_us", "fixes", "sum_lat_e9", "sum_lng_e9", *_BOX)
_TOLD = (
    *("fixes", "mean_lat", "mean_lng", "first_lat", "first_lng", "last_lat", "last_lng"),
    *_BOX,
)


async def write(work: BatchWork, lion_ids: list[str], windows: LionWindows, cause_of: CauseOf | None = None) -> None:
    """Write changed windows: those that exist are deleted first, then all that hold a fix are copied in.

    ``cause_of``: why a window that had been told of changes, None where nobody had been.
    """
    if not work.gold:
        return
    gone_lion = np.concatenate((windows.lion[windows.existed], windows.vanished_lion))
    gone_start = np.concatenate((windows.start_us[windows.existed], windows.vanished_start_us))
    if len(gone_lion):
        starts = gone_start.tolist()
        gone = starts, [lion_ids[n] for n in gone_lion.tolist()], starts
        if cause_of is None:
            await execute_by_period(work, "gold/lion_windows_delete", *gone)
        else:
            former = await fetch_by_period(work, "gold/lion_windows_take", *gone)
            _note(work, lion_ids, windows, former, cause_of)
    elif cause_of is not None:
        _note(work, lion_ids, windows, [], cause_of)
    await copy_rows(work.connection, "gold", "lion_windows", _rows(lion_ids, windows))
    days = np.unique(np.concatenate((windows.start_us, gone_start)) // DAY_US)
    work.touched("gold", "lion_windows", days.tolist())


def _note(work: BatchWork, lion_ids: list[str], windows: LionWindows, former: Sequence[Any], cause_of: CauseOf) -> None:
    """Note the revisions among changed windows."""
    before = {(row["lion_id"], row["window_start"]): row for row in former}
    ids = [lion_ids[n] for n in windows.lion.tolist()]
    after = {cell: i for i, cell in enumerate(zip(ids, windows.start_us.tolist(), strict=True))}
    for cell in before.keys() | after.keys():
        cause = cause_of(*cell)
        if cause is not None or work.revisions.has("gold.lion_windows", *cell):
            was = _told(before[cell]) if cell in before else None
            now = _now(windows, after[cell]) if cell in after else None
            work.revisions.note("gold.lion_windows", *cell, was, now, cause)


def _told(row: Any) -> dict[str, Any]:
    """A stored window as a revision shows it."""
    times = {name: iso(row[name], "microseconds") for name in ("first_time", "last_time")}
    return {name: row[name] for name in _TOLD} | times


def _now(windows: LionWindows, i: int) -> dict[str, Any]:
    """A new window in the same shape."""
    window = _one_as_told(windows, i)
    sides = {f"{side}_{part}": window[side][part] for side in ("first", "last") for part in ("lat", "lng")}
    times = {f"{side}_time": iso(getattr(windows, side)["time_us"][i], "microseconds") for side in ("first", "last")}
    return {name: (window | sides)[name] for name in _TOLD} | times


def _rows(lion_ids: list[str], windows: LionWindows) -> Rows:
    count = len(windows.lion)
    rows = Rows(count).text("lion_id", [lion_ids[n] for n in windows.lion.tolist()])
    rows.timestamp("window_start", windows.start_us).int4("fixes", windows.fixes)
    rows.int8("sum_lat_e9", windows.sum_lat_e9).int8("sum_lng_e9", windows.sum_lng_e9)
    rows.float8("mean_lat", windows.sum_lat_e9 / windows.fixes / 1e9)
    rows.float8("mean_lng", windows.sum_lng_e9 / windows.fixes / 1e9)
    for side, fix in (("first", windows.first), ("last", windows.last)):
        rows.timestamp(f"{side}_time", fix["time_us"]).float8(f"{side}_lat", fix["lat"]).float8(
            f"{side}_lng", fix["lng"]
        )
    rows.float8("min_lat", windows.min_lat).float8("max_lat", windows.max_lat)
    return rows.float8("min_lng", windows.min_lng).float8("max_lng", windows.max_lng)


async def tell_live(
    work: BatchWork, lion_ids: list[str], windows: LionWindows, last_us: Sequence[int | None], moved: Sequence[int]
) -> None:
    """Tell the window of each lion's last accepted fix, where this round may have changed it; None where there is none.

    Those among ``windows`` are told as functions: most change again before anybody looks at them.

    ``last_us`` per lion of the round; ``moved`` the lions whose last fix had to be read anew: it may lie in a window
    that this round has let be.
    """
    starts_us = [us if us is None else us // WINDOW_US * WINDOW_US for us in last_us]
    live: dict[str, Callable[[], dict[str, Any]] | None] = {lion_ids[n]: None for n in moved}
    newest = np.flatnonzero(np.diff(windows.lion, append=-1))
    of_last = np.array([-1 if us is None else us for us in starts_us], np.int64)[windows.lion[newest]]
    told = windows.take(newest[windows.start_us[newest] == of_last])
    told.first, told.last = told.first[_POINT].astype(_PACKED_POINT), told.last[_POINT].astype(_PACKED_POINT)
    for i, lion in enumerate(told.lion.tolist()):
        live[lion_ids[lion]] = partial(_one_as_told, told, i)
    let_be = {
        lion_ids[n]: start_us for n in moved if live[lion_ids[n]] is None and (start_us := starts_us[n]) is not None
    }
    if let_be:
        starts = list(let_be.values())
        for row in await fetch_by_period(work, "gold/lion_windows_stored", starts, list(let_be), starts):
            live[row["lion_id"]] = partial(_stored_as_told, row)
    work.live.update(live)


def _one_as_told(windows: LionWindows, i: int) -> dict[str, Any]:
    return next(_as_told(windows, np.array([i])))


def _stored_as_told(row: Any) -> dict[str, Any]:
    """A stored window as the live table has it."""
    points = {
        side: {"time": iso(row[f"{side}_time"]), "lat": row[f"{side}_lat"], "lng": row[f"{side}_lng"]}
        for side in ("first", "last")
    }
    numbers = {name: row[name] for name in ("fixes", "mean_lat", "mean_lng", *_BOX)}
    return {"window_start": iso(row["window_start"]), **numbers, **points}


def _as_told(windows: LionWindows, chosen: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    """Some of the windows as the live table has them."""
    columns = {name: getattr(windows, name)[chosen].tolist() for name in _NUMBERS}
    first, last = _points(windows.first.take(chosen)), _points(windows.last.take(chosen))
    for start_us, fixes, lat_e9, lng_e9, *box in zip(*columns.values(), strict=True):
        yield {
            "window_start": iso(start_us),
            "fixes": fixes,
            "mean_lat": lat_e9 / fixes / 1e9,
            "mean_lng": lng_e9 / fixes / 1e9,
            "first": next(first),
            "last": next(last),
            **dict(zip(_BOX, box, strict=True)),
        }


def _points(fixes: Fixes) -> Iterator[dict[str, Any]]:
    for time_us, lat, lng in zip(*(fixes[name].tolist() for name in ("time_us", "lat", "lng")), strict=True):
        yield {"time": iso(time_us), "lat": lat, "lng": lng}
