"""What a batch of several partitions counts for the quality checks."""

from __future__ import annotations

import numpy as np
import pytest

from liontrack_stream.contract.decode import decode_batch
from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.core.quality import EVERYTHING
from liontrack_stream.warehouse.quality_tally import _rows
from liontrack_stream.warehouse.work import BatchWork

FIX = b'{"lion_id": "a", "position": {"lat": 1.0, "lng": 2.0}, "timestamp": "2025-01-01T00:00:00Z"}'
BRONZE, SILVER = "bronze.lions_raw", "silver.positions"


@pytest.mark.parametrize(
    ("values", "silver"),
    [
        ([FIX, FIX, FIX], {(0, SILVER): 2, (1, SILVER): 1}),
        ([FIX, b"{", FIX], {(0, SILVER): 1, (1, SILVER): 1}),
        ([b"{", b"{", b"{"], {}),
    ],
)
def test_each_partition_counts_its_own(values: list[bytes], silver: dict[tuple[int, str], int]) -> None:
    """Whether the records are all fixes, as columns, or one is none, or all are none."""
    decoded, numbers = decode_batch(POSITIONS.name, [b"a"] * 3, values, 1_000), np.arange(3)
    work = BatchWork(POSITIONS, decoded, np.array([0, 0, 1]), numbers, numbers, {}, True)
    rows = [row for partition in (0, 1) for row in _rows(work, [], partition)]
    counts = {(row[0], row[3]): row[5] for row in rows if row[4] == EVERYTHING}
    assert counts == {(0, BRONZE): 2, (1, BRONZE): 1} | silver
