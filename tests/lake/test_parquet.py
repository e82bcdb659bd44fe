"""Parquet files are read some rows at a time, from any row on, and no more of them is held."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from liontrack_stream.lake.parquet import encode, read_some, write_all
from liontrack_stream.lake.ports import LakeFile
from liontrack_stream.lake.verify import file_problems

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


def test_a_file_with_any_byte_damaged_is_told_of() -> None:
    """Among them such as pyarrow has no error of its own for: a column's name that is no text."""
    sound = encode(pa.table({"lion_id": ["a", "b"] * 20, "n": list(range(40))}))
    listed = LakeFile("f.parquet", "silver", "t", date(2025, 3, 1), sound.row_count, sound.byte_count, sound.sha256)

    def problems(content: bytes) -> list[str]:
        store: Any = SimpleNamespace(open=lambda path: pa.BufferReader(content))
        return file_problems(store, listed)

    content = sound.data.to_pybytes()
    assert problems(content) == []
    for place in range(len(content)):
        assert problems(content[:place] + bytes([content[place] ^ 0x80]) + content[place + 1 :]), place
