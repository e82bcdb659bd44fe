"""What this worker has done, per partition: the source of commits to Kafka, metrics, the report and the watchdog."""

from __future__ import annotations

from collections import Counter
from time import monotonic

from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.ports import BatchStats, Partition


class Progress:
    """Counts of one worker's life; offsets are those the warehouse holds."""

    def __init__(self) -> None:
        self.next_offset: dict[Partition, int] = {}
        self.records: Counter[str] = Counter()  # by contract topic, committed by this worker
        self.written: set[Partition] = set()  # where this worker has committed anything
        self.batches = 0
        self.stats = BatchStats()
        self.started_at = monotonic()  # seconds
        self.moved_at = monotonic()  # seconds; the last time any offset moved
        self.first_commit_at: float | None = None  # seconds
        self._sent: dict[Partition, int] = {}

    def start(self, partition: Partition, next_offset: int) -> None:
        """A partition was claimed at this offset."""
        self.next_offset[partition] = next_offset
        self.moved_at = monotonic()

    def forget(self, partition: Partition) -> None:
        """A partition is another worker's now."""
        self.next_offset.pop(partition, None)
        self._sent.pop(partition, None)

    def committed(self, batch: RecordBatch, stats: BatchStats) -> None:
        """A batch is stored."""
        self.next_offset[(batch.topic, batch.partition)] = batch.next_offset
        self.records[batch.topic] += len(batch.records)
        self.written.add((batch.topic, batch.partition))
        self.batches += 1
        self.stats = self.stats + stats
        self.moved_at = monotonic()
        self.first_commit_at = self.first_commit_at or self.moved_at

    def take_unsent(self) -> dict[Partition, int]:
        """Offsets that moved since the last call: Kafka's group offsets are told of them for lag tools only."""
        moved = {p: offset for p, offset in self.next_offset.items() if self._sent.get(p) != offset}
        self._sent.update(moved)
        return moved
