"""Real lions: replayed beside a worker that stores, nothing differs; under tighter rules, what the oracle says."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import pytest

from liontrack_stream.replay.bounds import Bounds
from liontrack_stream.replay.run import Order
from tests.integration.test_kalahari import FILE, LIONS, no_garbage_collection  # noqa: F401
from tests.replay.conftest import TIGHT
from tests.replay.test_replay import changed_as_the_oracle_says, lines, run
from tests.support.oracle import compute
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import wait_until

FIXES_EACH = 3_000  # the first of each lion: all of them take the oracle a minute


def cut_tracks(folder: Path, fixes_each: int) -> Path:
    """The beginning of each lion's track, as a file of its own."""
    cut, counts = folder / "kalahari.csv", Counter[str]()
    with gzip.open(FILE, "rt") as source, cut.open("w", newline="") as target:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, rows.fieldnames or ())
        writer.writeheader()
        for row in rows:
            counts[row["individual-local-identifier"]] += 1
            if counts[row["individual-local-identifier"]] <= fixes_each:
                writer.writerow(row)
    assert len(counts) == LIONS
    return cut


@pytest.mark.slow
@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.skipif(not FILE.exists(), reason="The Kalahari file is not here; the simulator's tests cover the rest.")
def test_the_kalahari_lions(pipeline: PipelineKit, request: pytest.FixtureRequest) -> None:
    importing = pipeline.start("import", "movebank", str(cut_tracks(pipeline.folder, FIXES_EACH)))
    worker = pipeline.worker()
    wait_until(lambda: pipeline.stored() > 0, 40.0, "the worker stores")
    assert lines(run(pipeline.settings).diff) == []
    assert importing.wait(60.0) == 0
    assert worker.running
    worker.stop()
    pipeline.catch_up()

    records = pipeline.consumed()
    before = compute(records)
    assert len(before["silver.lions"]) == LIONS
    request.getfixturevalue("tight_oracle")
    tight = run(pipeline.settings.model_copy(update={"speed_limits_kmh": TIGHT}), Order(Bounds(), dry_run=True))
    changed_as_the_oracle_says(pipeline, before, compute(records), tight)
