"""Health and trend: figures small enough to compute by hand."""

from __future__ import annotations

import pytest

from liontrack_stream.core.health import LionDay, Outlook, health_score, settle_days, weight_part, weight_trend


@pytest.mark.parametrize(
    ("weights", "trend"),
    [
        ([], "unknown"),
        ([(0, 100.0), (1, 101.0)], "unknown"),
        ([(0, 100.0), (1, 100.1), (2, 100.2)], "stable"),
        ([(0, 100.0), (1, 101.0), (2, 102.0)], "gaining"),
        ([(0, 102.0), (1, 101.0), (2, 100.0)], "losing"),
        ([(0, 100.0), (1, 101.0), (2, 102.0), (3, 20.0), (4, 104.0)], "gaining"),  # one outlier moves no median
    ],
)
def test_weight_trend(weights: list[tuple[int, float]], trend: str) -> None:
    assert weight_trend(weights) == trend


def test_score_of_all_parts() -> None:
    # W = 1 - |90-100|/(0.2*100) = 0.5; F = 24/48; M = 1: 100·(0.25 + 0.15 + 0.2)
    day = LionDay(fixes=24, stationary=False)
    assert weight_part([100.0, 110.0, 90.0]) == pytest.approx(0.5)
    assert health_score(day, Outlook(0, None, "stable", 0.5, 48)) == pytest.approx(60.0)


def test_parts_that_are_unknown_leave_the_score_to_the_others() -> None:
    nothing = Outlook(0, None, "unknown", weight_part([]), None)
    assert health_score(LionDay(), nothing) is None
    assert health_score(LionDay(weight_count=1), Outlook(0, None, "unknown", weight_part([180.0]), None)) == 100.0
    assert health_score(LionDay(fixes=48, stationary=True), nothing) == pytest.approx(60.0)  # F = 1, M = 0


def test_a_late_day_revises_the_thirty_days_that_look_back_on_it_and_no_others() -> None:
    days = {day: LionDay(fixes=48, stationary=False) for day in range(100)}
    assert sorted(settle_days(days, [40])) == list(range(40, 71))
