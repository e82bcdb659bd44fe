"""Settling fixes: drawn by hand, small enough to check by eye.

A degree of latitude is about 110.6 km: 0.01° in 30 minutes is 2.2 km/h, 0.5° is 110 km/h.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liontrack_stream.core.fixes import FUTURE, NOT_VISIBLE, SPIKE, ZERO_ZERO, Fixes, empty, own_flags
from liontrack_stream.core.geo import HOUR_US, MINUTE_US
from liontrack_stream.core.settle import Settled, settle

NOON_US = 1_292_760_000_000_000


def fixes(*points: tuple[float, float], stored: bool = False, flags: int = 0) -> Fixes:
    """New fixes of lion 0: (minutes after noon, degrees of latitude north of -21)."""
    made = empty(len(points))
    made["time_us"] = [NOON_US + round(minutes * MINUTE_US) for minutes, _ in points]
    made["lat"] = [-21 + north for _, north in points]
    made["lng"], made["flags"] = 22.0, flags
    made["offset"] = np.arange(len(points))
    made["row"] = -1 if stored else np.arange(len(points))
    return made


def closed(*parts: Fixes) -> Settled:
    nothing_beyond = np.zeros(1, bool)
    return settle(np.concatenate(parts), nothing_beyond, nothing_beyond)


def spikes(settled: Settled) -> list[bool]:
    return [bool(flag & SPIKE) for flag in settled.fixes["flags"]]


def test_a_spike_is_fast_both_ways() -> None:
    """12:00 ●─────● 12:30   ● 13:00 far away   ● 13:30 back."""
    settled = closed(fixes((0, 0), (30, 0.01), (60, 0.6), (90, 0.02)))
    assert spikes(settled) == [False, False, True, False]
    assert settled.fixes["step_mm"][2] == -1
    assert settled.fixes["step_mm"][3] == pytest.approx(1_107_000, rel=0.01)  # from 12:30, over the spike


def test_a_jump_that_stays_is_no_spike() -> None:
    assert spikes(closed(fixes((0, 0), (30, 0.6), (60, 0.6)))) == [False, False, False]


def test_first_and_last_fix_are_never_spikes() -> None:
    assert spikes(closed(fixes((0, 5), (30, 0), (60, 0), (90, 5)))) == [False, False, False, False]


def test_a_late_fix_clears_its_neighbour() -> None:
    before = closed(fixes((0, 0), (30, 0), (60, 0.6), (90, 0)))
    assert spikes(before) == [False, False, True, False]
    stored = before.fixes.copy()
    stored["row"] = -1
    after = closed(stored, fixes((75, 0.6)))
    assert spikes(after) == [False, False, False, False, False]
    assert after.changed.tolist() == [False, False, True, True, True]  # the last one: its step starts elsewhere


def test_no_step_over_more_than_four_hours() -> None:
    settled = closed(fixes((0, 0), (240, 0.01), (481, 0.02)))
    assert settled.fixes["step_mm"].tolist()[0] == -1
    assert settled.fixes["step_mm"].tolist()[1] > 0
    assert settled.fixes["step_mm"].tolist()[2] == -1


def test_the_lower_record_holds_the_identity_whatever_came_first() -> None:
    held, new = fixes((0, 0.1), stored=True), fixes((0, 0.2))
    held["offset"], new["offset"] = 7, 3
    settled = closed(held, new)
    assert settled.fixes["lat"].tolist() == [-20.8]
    assert settled.losers["offset"].tolist() == [7]
    assert settled.was_accepted.tolist() == [True]


def test_an_open_end_keeps_what_is_stored() -> None:
    stored = fixes((0, 0), (30, 0), (60, 0), stored=True)
    stored["flags"][0] = SPIKE
    settled = settle(np.concatenate((stored, fixes((90, 0)))), np.ones(1, bool), np.zeros(1, bool))
    assert spikes(settled) == [True, False, False, False]


def test_own_flags() -> None:
    lat, lng = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 1.0, 1.0])
    appended = np.full(4, NOON_US)
    times = np.array([NOON_US, NOON_US, NOON_US, NOON_US + HOUR_US])
    visible = np.array([True, True, False, True])
    assert own_flags(lat, lng, times, appended, visible).tolist() == [ZERO_ZERO, 0, NOT_VISIBLE, FUTURE]


_FIXES = st.lists(
    st.tuples(
        st.integers(0, 1),  # lion
        st.integers(0, 40),  # half hours, some of them repeated
        st.sampled_from([0.0, 0.01, 0.6]),  # degrees
        st.sampled_from([0, 0, 0, FUTURE]),
        st.integers(0, 2),  # which part it comes with
    ),
    min_size=1,
    max_size=14,
)


@given(_FIXES)
def test_parts_settle_as_all_at_once(drawn: list[tuple[int, int, float, int, int]]) -> None:
    made = empty(len(drawn))
    for column, values in zip(("lion", "time_us", "lat", "flags"), zip(*drawn, strict=True), strict=False):
        made[column] = values
    made["time_us"] = NOON_US + made["time_us"] * 30 * MINUTE_US
    made["offset"], part = np.arange(len(drawn)), np.array([draw[-1] for draw in drawn])
    whole = np.zeros(2, bool)

    def settled(stored: Fixes, new: Fixes) -> Fixes:
        parts = [side[side["lion"] == lion] for lion in (0, 1) for side in (stored, new)]
        return settle(np.concatenate(parts), whole, whole).fixes

    stored = empty()
    for number in (2, 0, 1):
        new = made[part == number]
        if len(new):
            stored = settled(stored, new).copy()
            stored["row"] = -1
    at_once = settled(empty(), made)
    at_once["row"] = -1
    assert stored.tolist() == at_once.tolist()
