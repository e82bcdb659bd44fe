"""All five topics, from the simulator through the real worker into warehouse and lake, against the oracle."""

from __future__ import annotations

import json

from tests.support.oracle import QUALITY, TOPICS, compute
from tests.support.pipeline_kit import PipelineKit, own_checks, report_differences

SIMULATE = [
    "simulate",
    "--lions",
    "6",
    "--days",
    "12",
    "--users",
    "5",
    "--seed",
    "7",
    "--bad-fraction",
    "0.03",
    "--json",
]


def test_simulated_events_arrive_once_and_right(pipeline: PipelineKit) -> None:
    sent = json.loads(pipeline.command(*SIMULATE).stdout)
    report = pipeline.catch_up(BATCH_MAX_RECORDS=200)
    records = pipeline.consumed()
    expected = compute(records)
    assert all(sent["topics"][topic] > 0 for topic in TOPICS)
    checks = own_checks(records)
    assert checks > 0
    assert {**sent["topics"], QUALITY: sent["topics"][QUALITY] + checks} == report["records"]
    for table in ("metadata.dead_letters", "metadata.repeats"):
        assert expected[table], f"the simulation ought to make rows of {table}"
    assert report["late"] > 0
    assert report["flagged"] > 0
    assert report_differences(report, expected) == []
    pipeline.assert_right(records, expected)

    before, files = pipeline.warehouse(), _files(pipeline)
    again = pipeline.catch_up()
    assert again["records"] == dict.fromkeys(TOPICS, 0)
    assert _files(pipeline) == files
    assert pipeline.warehouse() == before
    assert [again[name] for name in ("bronze", "silver", "dead_letters", "parquet_files")] == [0] * 4


def _files(pipeline: PipelineKit) -> list[tuple[object, ...]]:
    return [tuple(row) for row in pipeline.fetch("SELECT path, sha256, written_at FROM metadata.lake_files ORDER BY 1")]
