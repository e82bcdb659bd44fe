"""The API's bench in small: it measures all it is for, and nothing is lost. No times are judged."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from liontrack_stream.settings import Settings
from tests.bench.api.bench import ApiBench, visible
from tests.bench.api.found import Found, Sizes, lines, percentile, summary
from tests.bench.api.wrk import Load, found, read
from tests.support.stack import environment_of

SIZES = Sizes(
    lions=20, fixes=10_000, events_per_s=400.0, requests_per_s=20.0, seconds=2.0, backlog=60_000, slice_s=1.0, pairs=1
)


@pytest.mark.skipif(found() is None, reason="wrk is not installed")
def test_small_api_bench_measures_everything_and_loses_nothing(settings: Settings, tmp_path: Path) -> None:
    result = ApiBench(settings, environment_of(settings), tmp_path).run(SIZES)

    assert result.problems == []
    assert result.fixes >= SIZES.fixes
    assert result.statuses == {"200": 100}
    assert len(result.latencies_ms) == 100
    assert result.visible_ms
    assert min(result.visible_ms) > 0
    assert result.never_seen == 0
    assert result.quiet
    text = "\n".join(lines(result))
    assert "rows made by SQL" in text
    assert "Nothing lost." in text
    assert summary(result)["problems"] == []


def test_visible_is_counted_of_what_a_list_can_show() -> None:
    """
    ::

        sent       1:00 at 0 s   2:00 at 1 s (not accepted)   0:30 at 2 s (late)   3:00 at 3 s   4:00 at 9 s
        shown      1:00 at 0.5 s                                                    3:00 at 3.2 s
    """

    def moment(hour: int, minute: int = 0) -> str:
        return f"2025-01-01T{hour:02}:{minute:02}:00.000Z"

    sent = [(0.0, moment(1)), (1.0, moment(2)), (2.0, moment(0, 30)), (3.0, moment(3)), (9.0, moment(4))]
    accepted = {
        ("a", datetime(2025, 1, 1, hour, minute, tzinfo=UTC)) for hour, minute in ((1, 0), (0, 30), (3, 0), (4, 0))
    }
    seen = [("b", moment(9), 0.1), ("a", moment(1), 0.5), ("a", moment(3), 3.2)]
    times, never = visible([("a", text, due) for due, text in sent], seen, accepted)
    assert times == pytest.approx([500.0, 200.0])
    assert never == 1


def test_bars() -> None:
    good = Found(
        SIZES, latencies_ms=[5.0] * 99 + [24.9], statuses={"200": 100}, visible_ms=[499.0], quiet=[10.0], asked=[8.0]
    )
    assert good.enough
    assert "All bars reached." in "\n".join(lines(good))
    good.asked = [7.9]
    assert good.missed == ["ingestion with wrk: at least 0.8 of that without"]
    nothing = Found(SIZES)
    assert len(nothing.missed) == 4, "what was not measured is not reached"
    assert "MISSED" in "\n".join(lines(nothing))
    assert percentile(range(1, 101), 0.99) == 100


def test_what_wrk_says() -> None:
    text = "  2400 requests in 8.01s, 600.00MB read\n  Non-2xx or 3xx responses: 12\nRequests/sec:    299.63\n"
    assert read(text) == Load(2400, 12, 8.01)
    assert read("  9 requests in 1.50m, 1MB read") == Load(9, 0, 90.0)
