"""The oracle's fixes, by hand. One degree of latitude is 110.7 km here; 0.01° is 1.107 km."""

from __future__ import annotations

import pytest

from tests.support.oracle import compute
from tests.support.oracle.positions import limit_kmh, metres
from tests.support.records import APPENDED_MS, at, fix

MINUTE = 60_000_000


def flags(*fixes):
    rows = compute(fixes)["silver.positions"]
    return [row["flags"] for _, row in sorted(rows.items())]


def test_the_geodesic_is_the_ellipsoids_not_the_spheres():
    assert metres(0, 0, 0, 1) == pytest.approx(111_319.490793, abs=1e-6)  # a degree of the equator, WGS84
    assert metres(0, 0, 1, 0) == pytest.approx(110_574.388558, abs=1e-6)  # a degree of the meridian
    assert metres(-21, 179.9999, -21, -179.9999) < 21  # the short way over the antimeridian


@pytest.mark.parametrize(
    ("dt_us", "kmh"),
    [(1, 60), (10 * MINUTE - 1, 60), (10 * MINUTE, 20), (60 * MINUTE, 10), (240 * MINUTE, 10), (240 * MINUTE + 1, 5)],
)
def test_speed_limits_at_their_edges(dt_us, kmh):
    assert limit_kmh(dt_us) == kmh


def test_own_flags():
    assert flags(fix("a", "2025-03-01T00:00:00", 0, 0)) == [1]
    assert flags(fix("a", "2025-03-01T00:00:00", 0, 1)) == [0]
    assert flags(fix("a", "2025-03-01T00:00:00", visible=False)) == [2]
    assert flags(fix("a", "2025-03-01T00:00:00", 0, 0, visible=False)) == [3]


def test_future_is_more_than_ten_minutes_ahead_of_the_append_time():
    appended = {"timestamp": int(at("2025-03-01 12:00").timestamp() * 1000)}
    assert flags(fix("a", "2025-03-01T12:10:00", where=appended)) == [0]
    assert flags(fix("a", "2025-03-01T12:10:00.000001", where=appended)) == [4]


def test_a_spike_is_fast_on_both_sides():
    """
    ::

        30 min apart      -21.5   -21.5   -20.5   -21.5   -21.5      110 km out and back
                            0       0     spike     0       0
    """
    lats = [-21.5, -21.5, -20.5, -21.5, -21.5]
    assert flags(*(fix("a", f"2025-03-01T0{i // 2}:{i % 2 * 30:02}:00", lat) for i, lat in enumerate(lats))) == [
        0,
        0,
        8,
        0,
        0,
    ]


def test_ends_have_one_neighbour_and_are_no_spikes():
    assert flags(fix("a", "2025-03-01T00:00:00", -20), fix("a", "2025-03-01T00:30:00", -21)) == [0, 0]


def test_spikes_are_judged_among_candidates_only_and_count_as_neighbours():
    """A flagged fix between hides no spike; a spike next to a spike still is its neighbour."""
    track = [(-21.5, True), (-20.5, True), (-20.4, False), (-19.5, True), (-21.5, True)]
    fixes = [fix("a", f"2025-03-01T00:{5 * i:02}:00", lat, visible=ok) for i, (lat, ok) in enumerate(track)]
    assert flags(*fixes) == [0, 8, 2, 8, 0]


def test_steps_skip_flagged_fixes_and_stop_at_four_hours():
    """
    ::

        00:00 ──30 min── 00:30(2) ──30 min── 01:00 ──4 h── 05:00 ──4 h 1 µs── 09:00:00.000001
        null             null                1107 m         0                 null
    """
    rows = compute(
        [
            fix("a", "2025-03-01T00:00:00", -21.50),
            fix("a", "2025-03-01T00:30:00", -21.90, visible=False),
            fix("a", "2025-03-01T01:00:00", -21.51),
            fix("a", "2025-03-01T05:00:00", -21.51),
            fix("a", "2025-03-01T09:00:00.000001", -21.51),
        ]
    )
    steps = [row["step_mm"] for _, row in sorted(rows["silver.positions"].items())]
    assert steps == [None, None, round(metres(-21.50, 23.5, -21.51, 23.5) * 1000), 0, None]
    assert 1_107_000 < steps[2] < 1_108_000
    (day,) = rows["gold.lions_metrics"].values()
    assert (day["distance_m"], day["tracking_frequency"]) == (steps[2] / 1000, 4)
    assert day["max_speed_kmh"] == pytest.approx(steps[2] / 1e6, rel=1e-12)  # mm in an hour


def test_the_lowest_append_time_partition_offset_wins():
    place = {"timestamp": APPENDED_MS, "partition": 1, "offset": 5}
    winner = fix("a", "2025-03-01T00:00:00", -21.5, where=place)
    same = fix("a", "2025-03-01T00:00:00.000", -21.5, where={**place, "offset": 6})
    other = fix("a", "2025-03-01T00:00:00", -21.6, where={**place, "partition": 2, "offset": 1})
    later = fix("a", "2025-03-01T00:00:00", -21.7, where={**place, "timestamp": APPENDED_MS + 1, "partition": 0})
    tables = compute([later, other, same, winner])
    ((_, row),) = tables["silver.positions"].items()
    assert (row["lat"], row["partition"], row["offset"]) == (-21.5, 1, 5)
    assert {place[1:]: row["conflict"] for place, row in tables["metadata.repeats"].items()} == {
        (1, 6): False,
        (2, 1): True,
        (0, later.offset): True,
    }


def test_windows_are_closed_at_the_start_and_open_at_the_end():
    """
    ::

        00:00            00:05           00:10
          |*    *    *|    |*
           0    2    4:59.999999
    """
    times = ["00:00:00", "00:02:00", "00:04:59.999999", "00:05:00"]
    fixes = [fix("a", f"2025-03-01T{time}", -21.5 + i / 1e6) for i, time in enumerate(times)]
    rows = compute(fixes)["gold.lion_windows"]
    first, second = (row for _, row in sorted(rows.items()))
    assert [key[1] for key in sorted(rows)] == [at("2025-03-01 00:00"), at("2025-03-01 00:05")]
    assert (first["fixes"], second["fixes"]) == (3, 1)
    assert first["mean_lat"] == -21.499999
    assert first["sum_lat_e9"] == -21_500_000_000 - 21_499_999_000 - 21_499_998_000
    assert (first["first_lat"], first["last_lat"], first["min_lat"], first["max_lat"]) == (
        -21.5,
        -21.499998,
        -21.5,
        -21.499998,
    )


def test_lions_follow_their_last_accepted_fix_and_its_latest_name():
    rows = compute(
        [
            fix("a", "2025-03-01T00:30:00", -21.6, name="Nala"),
            fix("a", "2025-03-01T00:00:00", -21.5, name="Simba"),
            fix("a", "2025-03-01T01:00:00", -21.6),
            fix("a", "2025-03-01T02:00:00", -21.5, visible=False, name="Scar"),
            fix("b", "2025-03-01T02:00:00", 0, 0, name="Mufasa"),
        ]
    )["silver.lions"]
    assert rows[("a",)]["name"] == "Nala"
    assert (rows[("a",)]["last_update"], rows[("a",)]["data_quality_score"]) == (at("2025-03-01 01:00"), 0.75)
    assert (rows[("b",)]["status"], rows[("b",)]["name"], rows[("b",)]["data_quality_score"]) == ("inferred", None, 0)
