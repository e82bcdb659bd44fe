"""Fixes as one structured array: the shape that the position rules work on.

A row's ``row`` is the index of its event in the batch, or -1 for a fix that the warehouse already holds.

Choose rows by ``fixes.take(places)``: numpy copies them as bytes then, 5 to 18 times as fast as ``fixes[places]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

ZERO_ZERO, NOT_VISIBLE, FUTURE, SPIKE, DELETED = 1, 2, 4, 8, 16
FLAGS = {"zero_zero": ZERO_ZERO, "not_visible": NOT_VISIBLE, "future": FUTURE, "spike": SPIKE, "deleted": DELETED}
FUTURE_TOLERANCE_US = 10 * 60 * 1_000_000
NO_STEP = -1

FIX = np.dtype(
    [
        ("lion", np.int32),
        ("time_us", np.int64),
        ("lat", np.float64),
        ("lng", np.float64),
        ("flags", np.uint8),
        ("step_mm", np.int64),
        ("append_us", np.int64),
        ("partition", np.int32),
        ("offset", np.int64),
        ("hash", np.int64),
        ("row", np.int32),
    ]
)

Fixes: TypeAlias = NDArray[Any]  # of dtype FIX


def empty(count: int = 0) -> Fixes:
    """``count`` fixes, unfilled, none of them with a step."""
    fixes = np.zeros(count, FIX)
    fixes["step_mm"] = NO_STEP
    return fixes


def joined(parts: Sequence[Fixes | bytes]) -> Fixes:
    """Fixes, or their bytes, one after the other: numpy's concatenate compares all parts' types field by field."""
    return np.frombuffer(bytearray().join(parts), FIX)  # type: ignore[arg-type]  # arrays are buffers


def pieces(fixes: Fixes, bounds: Sequence[int]) -> list[Fixes]:
    """Copies of the fixes between neighbouring bounds, read-only; as bytes, for numpy copies fixes field by field."""
    data, size = fixes.tobytes(), FIX.itemsize
    return [np.ndarray(end - start, FIX, data[start * size : end * size]) for start, end in pairwise(bounds)]


def of_lions(fixes: Fixes, lions: NDArray[np.int64]) -> Fixes:
    """The fixes of some lions, by their numbers in order; numbered anew by their places among these."""
    number = np.full(int(fixes["lion"].max(initial=-1)) + 1, -1, np.int32)
    number[lions] = np.arange(len(lions))
    theirs = number[fixes["lion"]]
    places = np.flatnonzero(theirs >= 0)
    chosen = fixes.take(places)
    chosen["lion"] = theirs[places]
    return chosen


def flag_names(flags: int) -> list[str]:
    """The names of a fix's flags, as silver.flag_names() gives them."""
    return [name for name, bit in FLAGS.items() if flags & bit]


def own_flags(lat: Any, lng: Any, time_us: Any, append_us: Any, visible: Any) -> NDArray[np.uint8]:
    """The flags a fix has by itself, before it is compared with its neighbours.

    Parameters
    ----------
    lat, lng, time_us, append_us
        Arrays of one length; degrees and microseconds.
    visible
        A boolean array, false where the event said ``visible=false``.
    """
    flags = np.zeros(len(time_us), np.uint8)
    flags[(lat == 0.0) & (lng == 0.0)] |= ZERO_ZERO
    flags[~visible] |= NOT_VISIBLE
    flags[time_us > append_us + FUTURE_TOLERANCE_US] |= FUTURE
    return flags
