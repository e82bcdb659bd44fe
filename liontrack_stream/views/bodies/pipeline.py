"""How the pipeline is."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict


class PartitionState(TypedDict):
    """Where a partition's next batch starts; `lag_records` is null where another worker reads it."""

    topic: str
    partition: int
    next_offset: int
    lag_records: int | None
    updated_at: datetime


class BrokenRule(TypedDict):
    """Records of a topic that broke a rule."""

    topic: str
    rule: str
    records: int
    last_seen: datetime


class DeadLetters(TypedDict):
    """Records that broke a rule."""

    total: int
    last_24h: int
    rules: list[BrokenRule]


class LakeState(TypedDict):
    """The manifest in sum, and how far this worker's files are behind; null where it writes none."""

    files: int
    bytes: int
    rows: int
    lag_records: int | None
    lag_s: float | None
    error: bool


class RunState(TypedDict):
    """A run of a pipeline: running, success, failed or aborted."""

    pipeline_run_id: str
    pipeline_name: str
    start_time: datetime
    end_time: datetime | None
    status: str
    processed_records: int
    error_count: int


class Pipeline(TypedDict):
    """`lag_records`: of the partitions that this worker reads; null where it reads none."""

    lag_records: int | None
    partitions: list[PartitionState]
    dead_letters: DeadLetters
    lake: LakeState
    runs: list[RunState]


class PipelineBody(TypedDict):
    """The pipeline at present."""

    pipeline: Pipeline
    timestamp: datetime
