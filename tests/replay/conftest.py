"""Fixtures of the replay's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.settings import Settings
from tests.support.bad_records import BAD
from tests.support.oracle import positions
from tests.support.pipeline_kit import PipelineKit
from tests.support.random_cases import random_stream

TIGHT = (6.0, 2.0, 1.0, 0.5)  # km/h: nearly every lion is too fast now and then


@pytest.fixture
def pipeline(settings: Settings, tmp_path: Path) -> Iterator[PipelineKit]:
    """Topics, warehouse, lake and workers of this test's own."""
    kit = PipelineKit(settings, tmp_path)
    yield kit
    kit.end()


@pytest.fixture
def mixed(pipeline: PipelineKit) -> PipelineKit:
    """The same with late, repeated, deleted and bad records in its topics."""
    send_mixed(pipeline)
    return pipeline


def send_mixed(pipeline: PipelineKit) -> None:
    """Produce late, repeated, deleted and bad records of every topic."""
    records = [record for seed in (3, 11, 12) for run in random_stream(seed).partitions.values() for record in run]
    sent = [
        Outgoing(record.topic, record.key if record.value is None else b"key-%d" % (place % 5), record.value)
        for place, record in enumerate(sorted(records, key=lambda record: record.offset))
    ]
    pipeline.send(sent)
    pipeline.send(Outgoing(topic, b"bad", value) for topic, value, _ in BAD.values())


@pytest.fixture
def tight_oracle(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The oracle goes by tighter speed limits."""

    def limit_kmh(dt_us: int) -> float:
        hours = dt_us / 3.6e9
        return TIGHT[0] if hours < 1 / 6 else TIGHT[1] if hours < 1 else TIGHT[2] if hours <= 4 else TIGHT[3]

    monkeypatch.setattr(positions, "limit_kmh", limit_kmh)
    yield
