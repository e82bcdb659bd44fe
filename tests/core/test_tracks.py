"""Walks and boxes, without a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from liontrack_stream.core.tracks import Fix, bounding_box, distance_m, walks_of

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def fix(hours: float, lng: float, lat: float = -20.0) -> Fix:
    return Fix(START + hours * HOUR, lat, lng)


def test_a_gap_of_more_than_four_hours_ends_a_walk() -> None:
    walks = walks_of([fix(0, 20), fix(4, 21), fix(8.001, 22), fix(9, 23), fix(20, 24)], stays=True)
    assert [[lng for lng, _ in walk.positions] for walk in walks] == [[20, 21], [22, 23]]
    assert walks[0].times == [START, START + 4 * HOUR]


@pytest.mark.parametrize("side", [1, -1])
def test_the_antimeridian_cuts_a_walk(side: int) -> None:
    """Time and latitude at the cut are those of its share of the step."""
    walks = walks_of([fix(0, 179.0 * side, -20), fix(1, -177.0 * side, -24), fix(2, -176.0 * side, -24)], stays=True)
    assert [walk.positions for walk in walks] == [
        [[179.0 * side, -20], [180.0 * side, -21]],
        [[-180.0 * side, -21], [-177.0 * side, -24], [-176.0 * side, -24]],
    ]
    assert walks[0].times[-1] == walks[1].times[0] == START + HOUR / 4


@pytest.mark.parametrize("edge", [180.0, -180.0])
def test_fixes_on_the_antimeridian(edge: float) -> None:
    walks = walks_of([fix(0, 179), fix(1, edge), fix(2, -179)], stays=True)
    assert [[lng for lng, _ in walk.positions] for walk in walks] == [[179, 180], [-180, -179]]


def test_from_one_edge_to_the_other_is_no_step() -> None:
    walks = walks_of([fix(0, 179), fix(1, 180), fix(2, -180), fix(3, -179)], stays=True)
    assert [[lng for lng, _ in walk.positions] for walk in walks] == [[179, 180], [-180, -180, -179]]


def test_a_stay_is_told_once_on_a_grid() -> None:
    stay = [fix(n, 20.1) for n in range(10)] + [fix(10, 20.2), fix(11, 20.1)]
    (walk,) = walks_of(stay, stays=False)
    assert [lng for lng, _ in walk.positions] == [20.1, 20.2, 20.1]
    (exact,) = walks_of(stay, stays=True)
    assert len(exact.times) == 12
    assert walks_of(stay[:10], stays=False) == []


def test_distance_begins_at_the_first_fix() -> None:
    assert distance_m([5_000, 1_000, None, 250]) == 1.25
    assert distance_m([5_000, None]) is None
    assert distance_m([]) is None


@pytest.mark.parametrize(
    ("lngs", "west", "east"),
    [
        ([20], 20, 20),
        ([20, 24], 20, 24),
        ([-50, 24], -50, 24),
        ([179, -179], 179, -179),
        ([179, 180, -180, -179], 179, -179),
        ([180], 180, 180),
        ([170, 180], 170, 180),
        ([-180, -170], -180, -170),
    ],
)
def test_boxes(lngs: list[float], west: float, east: float) -> None:
    assert bounding_box([[lng, lat] for lng in lngs for lat in (-3, 4)]) == [west, -3, east, 4]
