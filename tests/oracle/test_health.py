"""The oracle's day metrics, by hand."""

from __future__ import annotations

from datetime import date

import pytest

from tests.support.oracle import compute
from tests.support.oracle.health import (
    frequency_part,
    health_score,
    health_status,
    month_of_weights,
    weight_part,
    weight_trend,
)
from tests.support.records import fix, weight


def test_trend_is_the_median_slope_against_a_fifth_of_a_percent_of_the_median():
    assert weight_trend([(0, 180.0), (1, 181.0)]) == "unknown"
    assert weight_trend([(0, 180.0), (1, 181.0), (2, 182.0)]) == "gaining"  # 1 / 181 = 0.55 % a day
    assert weight_trend([(0, 182.0), (1, 181.0), (2, 180.0)]) == "losing"
    assert weight_trend([(0, 180.0), (10, 181.0), (20, 182.0)]) == "stable"  # 0.1 / 181 = 0.06 %
    assert weight_trend([*((day, 180.0) for day in range(4)), (4, 400.0)]) == "stable"  # 6 slopes of 10 are 0


def test_weights_look_back_29_days_and_the_day_itself():
    """
    ::

        day     0 ........ 1 ............ 30
        kg    100        200             200      seen from day 30: days 1–30
    """
    weights = {0: [100.0], 1: [200.0], 30: [200.0]}
    assert month_of_weights(weights, 30) == [(1, 200.0), (30, 200.0)]
    assert month_of_weights(weights, 29) == [(0, 100.0), (1, 200.0)]


def test_weight_part():
    assert weight_part([]) is None
    assert weight_part([(0, 200.0), (1, 200.0), (2, 180.0)]) == pytest.approx(0.5)  # 20 of 40 kg
    assert weight_part([(0, 200.0), (1, 200.0), (2, 100.0)]) == 0
    assert weight_part([(0, 200.0)]) == 1


def test_frequency_part_looks_back_30_days_before_the_day():
    assert frequency_part({}, 30) is None
    assert frequency_part({30: 24}, 30) == 0.5  # of 48
    assert frequency_part({0: 10, 30: 5}, 30) == 0.5
    assert frequency_part({0: 10, 31: 5}, 31) == 5 / 48  # day 0 is 31 days ago
    assert frequency_part({0: 10}, 30) == 0
    assert frequency_part({0: 10, 1: 20, 2: 4}, 2) == pytest.approx(4 / 15)
    assert frequency_part({0: 1, 1: 20}, 1) == 1


@pytest.mark.parametrize(
    ("parts", "score"),
    [
        ((None, None, None), None),
        ((1, 1, 1), 100),
        ((1, 0.5, 0), 65),
        ((None, 0.5, 1), 70),  # (0.15 + 0.2) / 0.5
        ((0.5, None, None), 50),
        ((1, 1, 0), 80),
    ],
)
def test_score_over_the_known_parts(parts, score):
    assert health_score(*parts) == score


def test_status_bands():
    assert [health_status(score) for score in (None, 80.000001, 80, 60, 59.999999)] == [
        "unknown",
        "excellent",
        "good",
        "good",
        "needs_attention",
    ]


def still(count, hours=1, lat=-21.5):
    return [fix("a", f"2025-03-02T{i * hours:02}:00:00", lat) for i in range(count)]


def metrics(records, day=date(2025, 3, 2)):
    return compute(records)["gold.lions_metrics"][("a", day)]


def test_five_fixes_in_one_place_are_stationary():
    assert metrics(still(4))["stationary"] is False
    assert metrics(still(5))["stationary"] is True
    assert metrics([*still(5), fix("a", "2025-03-02T04:30:00", -21.51)])["stationary"] is False


def test_stationary_looks_back_24_hours_from_the_days_last_fix_excluding_the_edge():
    """
    ::

        Mar 1 08:00        Mar 2 08:00 = last fix
          (]------ 24 h ------]         a fix exactly 24 h earlier is outside
    """
    four = [fix("a", f"2025-03-02T0{hour}:00:00") for hour in (2, 4, 6, 8)]
    assert metrics([*four, fix("a", "2025-03-01T08:00:00")])["stationary"] is False
    assert metrics([*four, fix("a", "2025-03-01T08:00:00.000001")])["stationary"] is True
    assert (
        metrics([*four, fix("a", "2025-03-01T08:00:00.000001"), fix("a", "2025-03-01T09:00:00", -21.51)])["stationary"]
        is False
    )


def test_a_day_exists_by_a_fix_or_a_valid_weight():
    rows = compute(
        [
            weight("w1", "a", "2025-03-01", 190),
            weight("w2", "a", "2025-03-01", 200_000, unit="g"),
            weight("w3", "a", "2025-03-03", 501),
            fix("a", "2025-03-02T00:00:00"),
            fix("a", "2025-03-04T00:00:00", visible=False),
        ]
    )["gold.lions_metrics"]
    assert sorted(day for _, day in rows) == [date(2025, 3, 1), date(2025, 3, 2)]
    first, second = rows[("a", date(2025, 3, 1))], rows[("a", date(2025, 3, 2))]
    assert (first["avg_weight"], first["min_weight"], first["max_weight"], first["weight_count"]) == (195, 190, 200, 2)
    assert (first["health_score"], first["tracking_frequency"], first["stationary"], first["distance_m"]) == (
        100,
        0,
        None,
        None,
    )
    assert (second["avg_weight"], second["distance_m"]) == (None, None)
    assert second["health_score"] == round(100 * (0.5 + 0.3 / 48 + 0.2), 6)


def test_pounds_and_grams_become_kilograms():
    rows = compute(
        [weight("w1", "a", "2025-03-01", 400, unit="lb"), weight("w2", "a", "2025-03-01", 180_500, unit="g")]
    )
    kilograms = {key[0]: row["weight"] for key, row in rows["silver.weight_history"].items()}
    assert kilograms == {"w1": 181.436948, "w2": 180.5}
