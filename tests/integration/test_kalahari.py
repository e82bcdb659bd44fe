"""The full Kalahari file through ``import`` and the worker: every fix once, gold equal to the oracle."""

from __future__ import annotations

import csv
import gc
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.oracle import POSITIONS, compute
from tests.support.pipeline_kit import PipelineKit, glob_rows, own_checks, report_differences
from tests.support.worker_process import REPOSITORY

FILE = REPOSITORY.parent / "shared" / "data" / "kalahari_lions_30min_movebank.csv.gz"
FIXES, LIONS = 107_323, 9
SILVER_AND_GOLD = (
    "silver.positions", "silver.lions", "gold.lions_metrics", "gold.lion_windows", "gold.lions_positions_history",
)  # fmt: skip


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """Millions of small rows without cycles: looking through them takes a fifth of the time."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.skipif(not FILE.exists(), reason="The Kalahari file is not here; the simulator's tests cover the rest.")
def test_kalahari_arrives_and_a_second_import_changes_nothing(pipeline: PipelineKit) -> None:
    imported = _import(pipeline)
    assert (imported["sent"], imported["individuals"]) == (FIXES, LIONS)
    report = pipeline.catch_up()
    records = pipeline.consumed()
    expected = compute(records)
    assert len(expected["bronze"]) - own_checks(records) == len(expected["silver.positions"]) == FIXES
    assert len(expected["silver.lions"]) == LIONS
    assert report_differences(report, expected) == []
    pipeline.assert_right(records, expected)
    root = Path(pipeline.settings.lake_root)
    assert len(glob_rows(root / "bronze" / POSITIONS, "lion_id")) == FIXES
    assert len(glob_rows(root / "silver" / "positions", "lion_id")) == FIXES
    _export_is_the_file(pipeline)

    before = _digests(pipeline)
    assert _import(pipeline)["sent"] == FIXES
    again = pipeline.catch_up()
    assert (again["records"][POSITIONS], again["duplicates"]) == (FIXES, FIXES)
    checks = own_checks(pipeline.consumed()) - own_checks(records)  # of the second run itself: the only news
    assert (again["silver"], again["conflicts"], again["dead_letters"]) == (checks, 0, 0)
    assert _digests(pipeline) == before
    assert len(glob_rows(root / "bronze" / POSITIONS, "lion_id")) == 2 * FIXES


def _import(pipeline: PipelineKit) -> dict[str, int]:
    rejects = pipeline.folder / "rejects.csv"
    arguments = ("import", "movebank", str(FILE), "--rejects", str(rejects), "--json")
    return dict(json.loads(pipeline.command(*arguments).stdout))


def _export_is_the_file(pipeline: PipelineKit) -> None:
    """All rows come out again, cell by cell, places to the file's 6 decimals, in columns of the same names."""
    path = pipeline.folder / "export.csv.gz"
    arguments = ("export", "movebank", "--include-flagged", "--out", str(path), "--json")
    report = json.loads(pipeline.command(*arguments).stdout)
    assert (report["rows"], report["lions"]) == (FIXES, LIONS)
    told, original = _cells(path), _cells(FILE)
    assert len(told) == len(original) == FIXES
    assert told == original


def _cells(path: Path) -> set[tuple[str, ...]]:
    """The rows of a Movebank file: its own columns, numbers as the original file writes them."""
    with gzip.open(FILE, "rt", newline="") as file:
        names = next(csv.reader(file))
    with gzip.open(path, "rt", newline="") as file:
        return {
            tuple(f"{float(row[name]):.6f}" if name.startswith("location-l") else row[name] for name in names)
            for row in csv.DictReader(file)
        }


def _digests(pipeline: PipelineKit) -> dict[str, tuple[int, str]]:
    """Row count and digest of each table, and of the lake's silver and gold files; only bookkeeping may change."""
    row = "(to_jsonb(t) - 'revision' - 'dw_update_date')::text"
    found = {
        table: tuple(pipeline.fetch(f"SELECT count(*), md5(string_agg({row}, '' ORDER BY {row})) FROM {table} t")[0])
        for table in SILVER_AND_GOLD
    }
    files = pipeline.fetch(
        "SELECT count(*), md5(string_agg(path || sha256, '' ORDER BY path)) FROM metadata.lake_files "
        "WHERE layer <> 'bronze' AND table_name NOT LIKE 'quality%'"
    )
    return {**found, "lake": tuple(files[0])}
