"""Memory does not grow with the export."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from liontrack_stream.settings import Settings
from tests.bench.export import fill
from tests.support.stack import copied_database, environment_of
from tests.support.worker_process import REPOSITORY

ROWS, DAYS = 200_000, 20
A_TENTH = "2026-01-03"
CHILD = """
import sys
from pathlib import Path
from liontrack_stream.__main__ import main
try:
    main()
finally:
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    print(int(peak.split()[1]) / 1000, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def large(stack_settings: Settings, template_database: str) -> Iterator[Settings]:
    """Settings of a database with many fixes, made by SQL."""
    with copied_database(stack_settings, template_database) as name:
        settings = stack_settings.model_copy(update={"pg_database": name})
        fill(settings, ROWS, DAYS)
        yield settings


def peak_mb(settings: Settings, folder: Path, *arguments: str) -> tuple[int, float]:
    """How many fixes an export of a process of its own wrote, and its largest resident set in MB."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "export", *arguments, "--out", str(folder / "x"), "--json"],
        env={**environment_of(settings), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)["fixes"], float(done.stderr.split()[-1])


def test_memory_does_not_grow_with_the_table(large: Settings, tmp_path: Path) -> None:
    """Of tracks, which need all fixes of a lion together."""
    few, few_mb = peak_mb(large, tmp_path, "geojson", "--until", A_TENTH)
    many, many_mb = peak_mb(large, tmp_path, "geojson")
    assert (few, many) == (ROWS // 10, ROWS)
    assert many_mb - few_mb < 12, (few_mb, many_mb)
