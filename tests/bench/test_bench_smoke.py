"""The bench in small: every contender gets to its end, and nothing is lost. No times are judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from liontrack_stream.settings import Settings
from tests.bench.bench import Bench
from tests.bench.checks import job_problems
from tests.bench.engines import JOBS
from tests.bench.machine import describe
from tests.bench.plot import svg
from tests.bench.ratios import WHOLE, aims
from tests.bench.table import lines
from tests.bench.truth import Truth, Windows
from tests.support.environments import make_environment
from tests.support.needs import missing
from tests.support.stack import environment_of

EVENTS = 3_000
SAMPLE = 600
LIONS = 4  # a fortnight of their lives: windows close although they wait a week
ENVIRONMENTS = {"quix": ".venv-bench/quix", "bytewax": ".venv-bench/bytewax", "spark": ".venv-spark"}


def bench(settings: Settings, folder: Path) -> Bench:
    return Bench(settings, environment_of(settings), folder)


def test_ours_and_its_floor(settings: Settings, tmp_path: Path) -> None:
    result = bench(settings, tmp_path).run(EVENTS, SAMPLE, ("floor", "ours"), twice=False, lions=LIONS)

    result.machine = describe(settings, result)
    assert result.problems == []
    assert result.counts["bronze rows"] == result.counts["parquet bronze rows"] == EVENTS
    assert [contender.events for contender in result.contenders.values()] == [EVENTS] * 7
    assert all(c.events_per_s > 0 and c.peak_mb > 0 and c.cpu_us_per_event > 0 for c in result.contenders.values())
    assert result.contenders[WHOLE].postgres_us_per_event > 0
    assert [aim.what for aim in aims(result)] == ["whole job / serial floor", "replay / live"]
    text = "\n".join(lines(result))
    assert all(f"| {name} |" in text for name in result.contenders)
    assert "PostgreSQL: 18" in text
    assert "All match." in text
    drawn = svg(result)
    assert all(name in drawn for name in (b"LionTrack, whole", b"LionTrack, windows", b"floor: read, COPY, write"))
    assert b"<script" not in drawn


@pytest.mark.timeout(600)  # of Spark's two JVMs, beside other tests
@pytest.mark.parametrize("engine", ["faust", *ENVIRONMENTS])
def test_an_engine_loses_nothing(
    engine: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")  # starting is what takes time
    trouble = make_environment(ENVIRONMENTS[engine]) if engine in ENVIRONMENTS else None
    if trouble:
        missing(trouble)

    result = bench(settings, tmp_path).run(EVENTS, SAMPLE, (engine,), twice=False, lions=LIONS, spark_runs=1)

    assert result.problems == []
    assert list(result.contenders) == [job.name for job in JOBS if job.engine == engine]
    assert all(c.events_per_s > 0 and c.runs[0].report["versions"] for c in result.contenders.values())


def test_truth_of_a_backlog() -> None:
    """
    ::

        lion a   00:00 00:01 00:01   00:05          00:11
        lion b   00:00                                     00:30
                 └── window ─────┘   └── window ┘   └ open until 00:15
    """
    minutes = [("a", 0), ("a", 1), ("a", 1), ("a", 5), ("a", 11), ("b", 0), ("b", 30)]
    truth = Truth([lion for lion, _ in minutes], [60_000_000 * minute for _, minute in minutes])

    assert (truth.events, truth.identities, truth.sound) == (7, 6, 7)
    assert truth.windows == Windows(5, 7)
    assert truth.closed(0) == Windows(3, 5)
    assert truth.closed(0, by_lion=False) == Windows(4, 6)
    assert truth.closed(1) == Windows(0, 0)


def test_what_a_contender_loses_is_told() -> None:
    truth = Truth(["a"] * 3, [0, 0, 600_000_000])
    whole, windows = (next(job for job in JOBS if job.name == f"Bytewax, {what}") for what in ("whole", "windows"))
    right = {"events": 3, "positions": 2, "parquet": 3, "windows": 2, "fixes": 3}

    assert job_problems(whole, {"events": 3}, truth, right) == []
    assert job_problems(whole, {"events": 3}, truth, {**right, "parquet": 2}) == [
        "Bytewax, whole, parquet: 2 instead of 3"
    ]
    assert job_problems(windows, {"windows": 2, "fixes": 3}, truth, None) == []
    assert job_problems(windows, {"windows": 2, "fixes": 2}, truth, None) == ["Bytewax, windows, fixes: 2 instead of 3"]
    assert job_problems(windows, {"windows": 2, "fixes": 2, "late": 1}, truth, None) == [
        "Bytewax, windows, late: 1 instead of 0"
    ]
