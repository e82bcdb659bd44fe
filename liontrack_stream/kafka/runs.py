"""Fetched runs: what the consumer thread hands over, and how runs join into one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liontrack_stream.kafka.batch import RecordBatch


@dataclass(frozen=True, slots=True)
class FetchedRun(RecordBatch):
    """Records of one fetch. ``seeks``: how often the partition had been sought when they were taken.

    A run taken before a seek can arrive after it; its ``seeks`` gives it away.
    """

    seeks: int = 0


def join(runs: Sequence[FetchedRun]) -> RecordBatch:
    """One batch of consecutive runs of one partition."""
    first = runs[0]
    if len(runs) == 1:
        return first
    return RecordBatch(first.topic, first.partition, [record for run in runs for record in run.records])


def without_stored(batch: RecordBatch, stored_next_offset: int) -> RecordBatch | None:
    """The batch's records from ``stored_next_offset`` on; None when none is left."""
    records = [record for record in batch.records if record.offset >= stored_next_offset]
    return RecordBatch(batch.topic, batch.partition, records) if records else None
