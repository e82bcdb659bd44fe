"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from liontrack_stream.settings import Settings
from tests.support.pipeline_kit import PipelineKit


@pytest.fixture
def pipeline(settings: Settings, tmp_path: Path) -> Iterator[PipelineKit]:
    """Topics, warehouse, lake and workers of this test's own."""
    kit = PipelineKit(settings, tmp_path)
    yield kit
    kit.end()
