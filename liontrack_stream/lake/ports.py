"""What the lake takes and gives: plain values, so that the sink, the worker and the views need nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

TopicPartition = tuple[str, int]
"""A contract topic (without a deployment's prefix) and a partition."""


class LakeError(Exception):
    """The lake cannot be written or read; the message is a sentence for the operator."""


class LakeUnavailable(LakeError):
    """A flush did not finish in time. Nothing is lost: the next worker goes on from the warehouse."""


class WatermarkMoved(LakeError):
    """Another exporter of the same partition was faster; go on from its watermark."""


@dataclass(frozen=True, slots=True)
class BronzeRows:
    """A committed batch of bronze rows as the sink holds them, offered to the lake so that it need not read them back.

    ``columns`` has every column of the topic's bronze table by name (see ``catalog.BRONZE``). A column is one of:

    - a list, or numpy array, of plain values; None (or NaN in a float column) is null. Texts and JSON: ``str`` or UTF-8
      ``bytes``; timestamps: microseconds since 1970 (int) or aware datetimes; dates: days since 1970 or ``date``
    - a pair ``(values, null_mask)`` of numpy arrays
    - a pyarrow array
    - one scalar, which stands for the same value in every row
    """

    topic: str
    partition: int
    first_offset: int
    next_offset: int
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One row of the manifest. ``path`` is relative to the lake's root; offsets are for bronze only."""

    path: str
    layer: str
    table_name: str
    day: date
    row_count: int
    byte_count: int
    sha256: str
    topic: str | None = None
    partition: int | None = None
    first_offset: int | None = None
    next_offset: int | None = None


@dataclass(frozen=True, slots=True)
class LakeStatus:
    """How far the lake is behind the warehouse. ``error`` is the current trouble in words, None when all is well."""

    files_written: int
    lag_records: int
    lag_s: float
    dirty_days: int
    held_rows: int
    held_bytes: int
    error: str | None
