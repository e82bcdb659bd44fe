"""The bench in small: it reports all four contenders, and nothing is lost. No times are judged."""

from __future__ import annotations

from pathlib import Path

from liontrack_stream.settings import Settings
from tests.bench.bench import Bench
from tests.bench.table import lines
from tests.support.stack import environment_of

EVENTS = 5_000
STOCK_EVENTS = 1_000


def test_small_bench_reports_four_contenders_and_loses_nothing(settings: Settings, tmp_path: Path) -> None:
    result = Bench(settings, environment_of(settings), tmp_path).run(EVENTS, STOCK_EVENTS, twice=False)

    assert [contender.events for contender in result.contenders] == [EVENTS, STOCK_EVENTS, EVENTS, EVENTS]
    assert all(c.events_per_s > 0 and c.peak_mb > 0 and c.cpu_us_per_event > 0 for c in result.contenders)
    assert result.problems == []
    assert result.counts["bronze rows"] == result.counts["parquet bronze rows"] == EVENTS
    text = "\n".join(lines(result))
    assert all(f"| {name} |" in text for name in ("raw", "stock Faust", "LionTrack", "LionTrack replay"))
    assert "All match." in text
    assert "Replay: " in text
