"""``kill -9`` under load, at random moments and at every named point; then everything has to equal the oracle."""

from __future__ import annotations

import random
import re
import signal
import time

import pytest

from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import REPOSITORY, WorkerProcess

BACK_WITHIN_S = 10.0  # issue 3, point 3: back to processing within 10 s of a restart
RANDOM_KILLS = 12
SMALL_STEPS = {  # many batches, files and cuts, many places to die at
    "BATCH_MAX_RECORDS": 40,
    "LAKE_INTERVAL_S": 0.2,
    "QUALITY_INTERVAL_S": 0.05,
}
LOAD = ["simulate", "--lions", "20", "--days", "90", "--users", "8", "--seed", "3", "--bad-fraction", "0.01"]
POINTS = sorted(
    {
        name
        for file in (REPOSITORY / "liontrack_stream").rglob("*.py")
        for name in re.findall(r'crash_here\("([\w.]+)"\)', file.read_text())
    }
)
# See tests/lake/test_compaction.py, test_delta.py, test_days_of_several_files.py, tests/replay/test_kills.py, and
# test_mongo_kills.py.
ELSEWHERE = ("lake.compact.", "lake.delta.", "lake.large.", "mongo.", "replay.", "swap.")


@pytest.mark.slow
def test_kill_9_at_random_moments(pipeline: PipelineKit, capsys: pytest.CaptureFixture[str]) -> None:
    moments, back_s = random.Random(20250301), []
    with pipeline.load(LOAD, 300):
        for _ in range(RANDOM_KILLS):
            before = pipeline.stored()
            worker = pipeline.worker(**SMALL_STEPS)
            back_s.append(_seconds_until_moved(pipeline, worker, before))
            time.sleep(moments.uniform(0.0, 1.5))
            worker.kill()
    pipeline.catch_up()
    pipeline.assert_right()
    with capsys.disabled():
        print(f"\n{RANDOM_KILLS} restarts, seconds to the first stored batch: {sorted(round(s, 1) for s in back_s)}")
    assert max(back_s) <= BACK_WITHIN_S, back_s


@pytest.mark.slow
def test_kill_9_at_each_named_point(pipeline: PipelineKit) -> None:
    for place in ("before_offset", "after_offset", "before_copy", "after_copy", "before_commit", "after_commit"):
        assert f"sink.{place}" in POINTS
    for place in ("before_rename", "after_rename", "before_manifest", "after_manifest"):
        assert {f"lake.bronze.{place}", f"lake.days.{place}"} <= set(POINTS)
    assert {f"quality.{place}" for place in ("before_cut", "after_cut", "after_publish")} <= set(POINTS)
    with pipeline.load(LOAD, 100):
        for point in (point for point in POINTS if not point.startswith(ELSEWHERE)):
            nth = 3 if point.startswith("sink.") else 2  # some pass through it unharmed
            worker = pipeline.worker("--until-caught-up", LIONTRACK_CRASH_AT=f"{point}:{nth}", **SMALL_STEPS)
            code, _ = worker.wait(60.0)
            assert code == -signal.SIGKILL, f"{point} was not reached: {worker.log_text()[-3000:]}"
    pipeline.catch_up()
    pipeline.assert_right()


def _seconds_until_moved(pipeline: PipelineKit, worker: WorkerProcess, before: int) -> float:
    """From the start of the process to the first batch that it stored."""
    with pipeline.connect() as connection:
        while True:
            row = connection.execute("SELECT coalesce(sum(next_offset), 0) FROM metadata.consumed_offsets").fetchone()
            seconds = time.monotonic() - worker.started_at
            if row is not None and row[0] > before:
                return seconds
            assert worker.running, worker.log_text()[-3000:]
            assert seconds < 4 * BACK_WITHIN_S, worker.log_text()[-3000:]
            time.sleep(0.05)
