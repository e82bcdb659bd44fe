"""A worker that is restarted while records come: no gap, nothing twice, and nobody waits for a rebalance."""

from __future__ import annotations

import time

import pytest

from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import WorkerProcess, wait_until

RESTARTS = 4
SESSION_S = 8.0  # a rebalance would wait for the old member this long
LOAD = ["simulate", "--lions", "20", "--days", "90", "--users", "8", "--seed", "9", "--bad-fraction", "0.01"]
TWICE = """
SELECT topic, partition, "offset" FROM (
  SELECT topic, partition, "offset" FROM bronze.lions_raw
  UNION ALL SELECT topic, partition, "offset" FROM bronze.users_raw
  UNION ALL SELECT topic, partition, "offset" FROM bronze.weights_raw
  UNION ALL SELECT topic, partition, "offset" FROM bronze.challenges_raw
  UNION ALL SELECT topic, partition, "offset" FROM bronze.quality_raw) AS records
GROUP BY 1, 2, 3 HAVING count(*) > 1
"""


@pytest.mark.slow
def test_restarts_under_load_leave_no_gap(pipeline: PipelineKit, capsys: pytest.CaptureFixture[str]) -> None:
    pauses_s, stops_s = [], []
    with pipeline.load(LOAD, 300):
        worker = pipeline.worker(BATCH_MAX_RECORDS=40)
        _stored_more(pipeline, worker)
        for _ in range(RESTARTS):
            code, seconds = worker.stop()
            assert code == 0, worker.log_text()[-3000:]
            stops_s.append(seconds)
            stopped_at, stored = time.monotonic() - seconds, pipeline.stored()
            worker = pipeline.worker(BATCH_MAX_RECORDS=40)
            wait_until(lambda: pipeline.stored() > stored, 40.0, "the first batch of the next worker")  # noqa: B023
            pauses_s.append(time.monotonic() - stopped_at)
            _stored_more(pipeline, worker)
    with capsys.disabled():
        print(
            f"\n{RESTARTS} restarts at 300 records/s: from SIGTERM to the next worker's first batch "
            f"{sorted(round(s, 1) for s in pauses_s)} s, of it stopping {sorted(round(s, 1) for s in stops_s)} s"
        )
    assert worker.stop()[0] == 0
    assert pipeline.fetch(TWICE) == []
    assert max(pauses_s) < SESSION_S, pauses_s
    pipeline.catch_up()
    pipeline.assert_right()


def _stored_more(pipeline: PipelineKit, worker: WorkerProcess) -> None:
    enough = pipeline.stored() + 200
    wait_until(lambda: pipeline.stored() > enough or not worker.running, 40.0, "the worker stores")
    assert worker.running, worker.log_text()[-3000:]
