"""What one worker's runs have done so far: one run per pipeline, counted as batches commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from time import time
from typing import Any
from uuid import UUID, uuid4

from liontrack_stream.contract.topics import TOPICS, TopicSpec
from liontrack_stream.core.lineage import STEPS, Step
from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.ports import BatchStats, Committed, Written


@dataclass(slots=True)
class StepTotals:
    """A step's rows and time in the run. ``last_at``: seconds since 1970, when it last wrote."""

    last_at: float
    written: Written = field(default_factory=Written)


@dataclass(slots=True)
class PipelineRun:
    """One worker's life in one pipeline. ``offsets``: partition -> where its first batch began, its last ended."""

    topic: TopicSpec
    started_at: float  # seconds since 1970
    run_id: UUID = field(default_factory=uuid4)
    records: int = 0
    batches: int = 0
    stats: BatchStats = field(default_factory=BatchStats)
    offsets: dict[int, tuple[int, int]] = field(default_factory=dict)
    steps: dict[Step, StepTotals] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.steps = {step: StepTotals(self.started_at) for step in STEPS[self.topic.noun]}

    def committed(self, batch: RecordBatch, outcome: Committed, now: float) -> None:
        """A batch is stored."""
        self.records += len(batch.records)
        self.batches += 1
        self.stats = self.stats + outcome.stats
        first, _ = self.offsets.get(batch.partition, (batch.first_offset, 0))
        self.offsets[batch.partition] = (first, batch.next_offset)
        for step, totals in self.steps.items():
            written = outcome.written.get(step.target)
            if written is not None and step.kind != "export":
                totals.written, totals.last_at = totals.written + written, now

    def exported(self, by_table: Mapping[str, Written], now: float) -> None:
        """How much the worker has exported of each table until now."""
        for step, totals in self.steps.items():
            written = by_table.get(step.target) if step.kind == "export" else None
            if written is not None and written != totals.written:
                totals.written, totals.last_at = written, now

    @property
    def seconds(self) -> float:
        """Time spent storing, all partitions added up."""
        return sum(totals.written.seconds for step, totals in self.steps.items() if step.kind != "export")

    def logs(self, retries: int) -> dict[str, Any]:
        """The run in figures, JSON-able."""
        return {
            "stats": {f.name: getattr(self.stats, f.name) for f in fields(BatchStats)},
            "batches": self.batches,
            "retries": retries,
            "storing_s": round(self.seconds, 3),
            "offsets": {
                str(number): {"from": first, "to": end} for number, (first, end) in sorted(self.offsets.items())
            },
        }


class RunStats:
    """The runs of one worker, by contract topic."""

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self.now = clock  # seconds since 1970
        started_at = clock()
        self.runs = {topic.name: PipelineRun(topic, started_at) for topic in TOPICS}

    def committed(self, batch: RecordBatch, outcome: Committed) -> None:
        """A batch is stored."""
        self.runs[batch.topic].committed(batch, outcome, self.now())

    def exported(self, by_target: Mapping[str, Written]) -> None:
        """What the worker has exported: ``lake/layer/table`` -> rows and time so far."""
        now = self.now()
        for run in self.runs.values():
            run.exported(by_target, now)
