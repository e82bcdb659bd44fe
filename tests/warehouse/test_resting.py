"""Lions that are known to rest by the box of their head: whoever is said to has stayed within 50 m for 24 h."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liontrack_stream.core.fixes import empty
from liontrack_stream.core.geo import DAY_US, distance_m
from liontrack_stream.core.health import LionDay
from liontrack_stream.core.windows import STATIONARY_RADIUS_M
from liontrack_stream.warehouse.herd import HEAD, Heads, Herd, Points, enclose, points_of, rest
from liontrack_stream.warehouse.lion_states import LionState, Span

NOW_US = 20_000 * DAY_US
METRE_DEG = 1 / 111_195


@st.composite
def places(draw: st.DrawFn) -> list[tuple[float, float]]:
    """Points within some 60 m of one another: anywhere on Earth, often at its poles and its date line."""
    lat = draw(st.one_of(st.sampled_from([0.0, 79.9999, 80.0, -85.0, 89.9999, -90.0]), st.floats(-90, 90)))
    lng = draw(st.one_of(st.sampled_from([180.0, -180.0, 179.99999, 0.0]), st.floats(-180, 180)))
    reach = draw(st.sampled_from([1.0, 15.0, 30.0, 60.0])) * METRE_DEG
    wider = reach / max(0.001, np.cos(np.radians(lat)))
    drawn = draw(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=2, max_size=8))
    return [
        (min(90.0, max(-90.0, lat + north * reach)), (lng + east * wider + 540.0) % 360.0 - 180.0)
        for north, east in drawn
    ]


def boxed(points: list[tuple[float, float]], hours_ago: list[float] | None = None) -> tuple[Heads, Points]:
    """The head of a lion that was at these places, the last one now; its last point."""
    lat, lng = (np.array(side) for side in zip(*points, strict=True))
    time_us = NOW_US - (np.array(hours_ago or [0.0] * len(points)) * 3.6e9).astype(np.int64)
    heads = np.zeros(1, HEAD)
    heads["last_us"], heads["south"], heads["west"] = NOW_US, np.inf, np.inf
    heads["north"], heads["east"] = -np.inf, -np.inf
    enclose(heads, np.zeros(len(points), np.int64), (time_us, lat, lng))
    return heads, (time_us[-1:], lat[-1:], lng[-1:])


@settings(max_examples=600, deadline=None)
@given(points=places())
def test_whoever_rests_by_the_box_has_been_within_50_m(points: list[tuple[float, float]]) -> None:
    heads, last = boxed(points)
    lat, lng = (np.array(side) for side in zip(*points, strict=True))
    metres = distance_m(lat, lng, np.full(len(lat), last[1][0]), np.full(len(lng), last[2][0]))
    if rest(heads, last)[0]:
        assert metres.max() <= STATIONARY_RADIUS_M
        within = (heads["south"] <= lat) & (lat <= heads["north"]) & (heads["west"] <= lng) & (lng <= heads["east"])
        assert within.all()


@pytest.mark.parametrize(
    ("points", "rests"),
    [
        ([(-24.0, 20.0), (-24.0002, 20.0002)], True),  # 30 m
        ([(-24.0, 20.0), (-24.0, 20.0), (-24.0004, 20.0004)], False),  # 60 m
        ([(-24.0, 20.0), (-24.0003, 20.0), (-24.0, 20.0003)], True),
        ([(-24.0, 20.0), (-24.0003, 20.0), (-24.00015, 20.00055)], False),  # 56 m from the second
        ([(0.0, 179.9999), (0.0, -179.9999)], False),  # a box around the world is not looked at
        ([(0.0, 179.9999), (0.0, 0.0), (0.0, -179.9999)], False),
        ([(89.9999, 20.0), (89.9999, 20.001)], False),  # nor are the poles
    ],
)
def test_a_box_is_small_and_around_the_last_point(points: list[tuple[float, float]], rests: bool) -> None:
    heads, last = boxed(points)
    assert rest(heads, last)[0] == rests


def test_older_points_are_left_out_and_a_box_without_limits_decides_nothing() -> None:
    far_away, here = (-25.0, 20.0), (-24.0, 20.0)
    assert rest(*boxed([far_away, here, here], [24.0, 23.9, 0.0]))[0]
    assert not rest(*boxed([far_away, here, here], [23.9, 1.0, 0.0]))[0]
    heads, last = boxed([here, here])
    heads["south"], heads["north"], heads["west"], heads["east"] = -np.inf, np.inf, -np.inf, np.inf
    assert not rest(heads, last)[0]


@pytest.mark.parametrize(
    ("tail_from_us", "later", "known"),
    [
        (NOW_US - DAY_US, b"", True),
        (NOW_US - DAY_US + 1, b"", False),  # less than 24 h of it are known
        (NOW_US - DAY_US, b"fixes", False),  # some are not in the tail yet
        (None, b"", False),
    ],
)
def test_a_head_has_a_box_only_where_all_of_24_h_is_known(tail_from_us: int | None, later: bytes, known: bool) -> None:
    here = empty(1)
    here["time_us"], here["lat"], here["lng"] = NOW_US, -24.0, 20.0
    state = LionState("nala", revision=1, last_us=NOW_US, last_fix_us=NOW_US, lat=-24.0, lng=20.0, later=later)
    state.tail = None if tail_from_us is None else Span(here, tail_from_us, NOW_US + DAY_US, False, False)
    state.days, state.days_from = {NOW_US // DAY_US: LionDay(fixes=5)}, 0
    herd = Herd()
    herd.put_states([state])
    heads = herd.find(["nala"]).heads
    assert heads["revision"][0] == 1
    assert rest(heads, points_of(heads, "last_us"))[0] == known
