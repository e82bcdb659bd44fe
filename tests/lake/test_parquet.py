"""Parquet files are read some rows at a time, from any row on, and no more of them is held."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from liontrack_stream.lake.parquet import read_some, write_all

MB = 1 << 20
GROUPS, GROUP_ROWS, ROW_BYTES = 12, 4_000, 4_200  # more than 16 MB each: a row group is written at once
SCHEMA = pa.schema([("n", pa.int64()), ("raw", pa.binary())])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(1)

    def group(number: int) -> pa.Table:
        numbers = np.arange(number * GROUP_ROWS, (number + 1) * GROUP_ROWS)
        return pa.table({"n": numbers, "raw": [random.bytes(ROW_BYTES) for _ in numbers]}, schema=SCHEMA)

    path = tmp_path_factory.mktemp("parquet") / "rows.parquet"
    assert write_all(map(group, range(GROUPS)), SCHEMA, str(path)) == GROUPS * GROUP_ROWS
    return path


def test_a_large_file_is_not_held(file: Path) -> None:
    assert file.stat().st_size > 190 * MB
    before, peak, rows = pa.total_allocated_bytes(), 0, 0
    for batch in read_some(file):
        rows += batch.num_rows
        peak = max(peak, pa.total_allocated_bytes() - before)
    assert rows == GROUPS * GROUP_ROWS
    assert peak < 80 * MB


@pytest.mark.parametrize("first", [0, 1, GROUP_ROWS - 1, GROUP_ROWS, 3 * GROUP_ROWS + 7, GROUPS * GROUP_ROWS])
def test_from_any_row_on(file: Path, first: int) -> None:
    found = [n for batch in read_some(file, ["n"], first) for n in batch["n"].to_pylist()]
    assert found == list(range(first, GROUPS * GROUP_ROWS))
