"""A fetched run of records of one partition: the unit of work everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from liontrack_stream.contract.events import Rejected


class Record(Protocol):
    """What the pipeline reads of a Kafka record (aiokafka's ``ConsumerRecord`` satisfies it)."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...  # milliseconds since the epoch, set by the broker (LogAppendTime)
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Records of one partition in offset order, never empty. ``verdicts``: of offsets that were judged before."""

    topic: str  # the contract's name, without a deployment's prefix
    partition: int
    records: Sequence[Any]  # Sequence[Record]
    verdicts: Mapping[int, Rejected] = field(default_factory=dict, kw_only=True)

    @property
    def first_offset(self) -> int:
        return int(self.records[0].offset)

    @property
    def next_offset(self) -> int:
        """The offset after the last record."""
        return int(self.records[-1].offset) + 1
