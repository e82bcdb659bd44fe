"""The growth bench in small: it measures both ends, and nothing is lost. No times are judged."""

from __future__ import annotations

from pathlib import Path

from liontrack_stream.settings import Settings
from tests.bench.growth import GrowthBench, lines
from tests.bench.rates import Sample, dry_from, rate
from tests.support.stack import environment_of

EVENTS = 6_000
LIONS = 10


def test_small_growth_bench_measures_both_ends_and_loses_nothing(settings: Settings, tmp_path: Path) -> None:
    result = GrowthBench(settings, environment_of(settings), tmp_path).run(EVENTS, LIONS, slice_events=1_000)

    assert result.problems == []
    assert 0 < result.full_until <= EVENTS
    assert result.first > 0
    assert result.last > 0
    weeks, for_others = EVENTS // (7 * 48 * LIONS), 2
    assert all(result.partitions[table] >= weeks + for_others for table in ("silver.positions", "gold.lion_windows"))
    text = "\n".join(lines(result))
    assert "| last / first |" in text
    assert "All match." in text


def test_rates_of_samples() -> None:
    """
    ::

        s         0    1    2    3     4     5
        part 0    -    0   10   30    40    40     dry at 4 s: 40 of it and 60 of the other are stored
        part 1    -    0   10   30    60    80
    """
    stored = [{}, {0: 0, 1: 0}, {0: 10, 1: 10}, {0: 30, 1: 30}, {0: 40, 1: 60}, {0: 40, 1: 80}]
    samples = [Sample(float(second), offsets) for second, offsets in enumerate(stored)]
    assert dry_from(samples) == 100
    assert rate(samples, 0, 20) == 20.0
    assert rate(samples, 40, 80) == 40.0
