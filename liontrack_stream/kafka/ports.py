"""What the transport asks of the warehouse: outcomes of a batch, offsets, and the sink.

The warehouse implements the protocols; tests hand in their own. A partition is always
``(contract topic, partition number)``, without a deployment's topic prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from liontrack_stream.kafka.batch import RecordBatch

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class BatchStats:
    """Rows that one batch (or a sum of batches) wrote, and what it found."""

    bronze: int = 0
    silver: int = 0
    duplicates: int = 0
    conflicts: int = 0
    flagged: int = 0
    dead_letters: int = 0
    late: int = 0

    def __add__(self, other: BatchStats) -> BatchStats:
        return BatchStats(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Written:
    """Rows put into one table, and the time that took."""

    rows: int = 0
    seconds: float = 0.0

    def __add__(self, other: Written) -> Written:
        return Written(self.rows + other.rows, self.seconds + other.seconds)


@dataclass(frozen=True, slots=True)
class Committed:
    """The batch is in the warehouse.

    ``live``: key -> JSON-able live state, or a function that makes it, for the topic's RocksDB table.
    ``written``: schema.table -> what went in.
    """

    stats: BatchStats = field(default_factory=BatchStats)
    live: Mapping[str, Any] = field(default_factory=dict)
    written: Mapping[str, Written] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Behind:
    """Records below ``stored_next_offset`` are stored already; nothing was written."""

    stored_next_offset: int


@dataclass(frozen=True, slots=True)
class Gap:
    """The batch starts above ``stored_next_offset``; nothing was written."""

    stored_next_offset: int


@dataclass(frozen=True, slots=True)
class LostLease:
    """Another writer has claimed the partition; nothing was written."""


Outcome = Committed | Behind | Gap | LostLease


@dataclass(frozen=True, slots=True)
class Head:
    """What identifies the Kafka log that a stored offset belongs to."""

    cluster_id: str | None
    first_fingerprint: str | None  # "<offset>:<hash>" of the first record seen


class Sink(Protocol):
    """Stores a batch in one transaction, together with its next offset."""

    async def process(self, batch: RecordBatch, gap_proven: bool = False) -> Outcome:
        """Store a batch.

        ``gap_proven``: the offsets between the stored one and the batch's first are known to hold no records
        (transaction markers, compaction), so the batch is accepted although it starts above the stored offset.
        Connection losses, deadlocks and serialization failures raise; the caller tries again.
        """
        ...

    async def process_together(self, batches: Sequence[RecordBatch]) -> Sequence[Committed] | None:
        """Store batches of several partitions of one topic in one transaction: an outcome of each, in their order.

        None, and nothing is stored, where they have to be stored one by one: one of them is not where its partition
        stands, the topic does not allow it, or one entity has records in several of them. An error may leave them
        stored; storing each by itself then tells.
        """
        ...


class OffsetStore(Protocol):
    """Next offsets per partition, and the lease on writing them."""

    async def claim(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Take the writer's lease of these partitions; their next offsets, 0 for one never seen."""
        ...

    async def stored(self) -> dict[Partition, int]:
        """Next offsets of every known partition."""
        ...

    async def heads(self) -> dict[Partition, Head]:
        """The logs that the stored offsets belong to."""
        ...

    async def remember_heads(self, heads: Mapping[Partition, Head]) -> None:
        """Store the heads of claimed partitions."""
        ...


class Warehouse(Protocol):
    """The open warehouse of one worker."""

    @property
    def pool(self) -> Any: ...
    @property
    def offsets(self) -> OffsetStore: ...
    @property
    def sink(self) -> Sink: ...

    async def close(self) -> None: ...
