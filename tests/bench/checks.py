"""Whether nothing was lost: what is stored against what was produced."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.settings import Settings
from tests.bench.engines import LATENESS_DAYS, Job
from tests.bench.truth import Truth

_COUNTS = {
    "bronze rows": "SELECT count(*) FROM bronze.lions_raw",
    "silver rows": "SELECT count(*) FROM silver.positions",
    "repeats": "SELECT count(*) FROM metadata.repeats",
    "fixes in windows": "SELECT coalesce(sum(fixes), 0)::bigint FROM gold.lion_windows",
    "fixes in lion-days": "SELECT coalesce(sum(tracking_frequency), 0)::bigint FROM gold.lions_metrics",
    "accepted fixes": "SELECT count(*) FROM silver.positions WHERE flags = 0",
}
_PARQUET = {
    "parquet bronze rows": f"bronze/{POSITIONS.name}",
    "parquet silver rows": "silver/positions",
    "parquet windows": "gold/lion_windows",
}


def stored_counts(settings: Settings) -> dict[str, int]:
    """What the warehouse and the lake hold of positions."""
    counts = asyncio.run(_warehouse(settings))
    for name, folder in _PARQUET.items():
        counts[name] = _parquet_rows(Path(settings.lake_root) / folder)
    return counts


async def _warehouse(settings: Settings) -> dict[str, int]:
    connection: Any = await asyncpg.connect(**settings.pg_dsn)
    try:
        counts = {name: int(await connection.fetchval(query)) for name, query in _COUNTS.items()}
        counts["windows"] = int(await connection.fetchval("SELECT count(*) FROM gold.lion_windows"))
        return counts
    finally:
        await connection.close()


def _parquet_rows(folder: Path) -> int:
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(file).num_rows for file in folder.rglob("*.parquet"))


def job_problems(job: Job, report: Mapping[str, Any], truth: Truth, stored: Mapping[str, int] | None) -> list[str]:
    """What a contender of another engine got wrong. ``truth``: of the events that it has seen; ``stored``: its rows."""
    lateness_days, late = job.options.get("lateness_days", LATENESS_DAYS), report.get("late", 0)
    wanted = truth.windows if job.shows == "all" else truth.closed(lateness_days, job.shows == "closed by lion")
    got = stored or report
    expected = {"fixes": wanted.fixes - late}
    if not late:
        expected["windows"] = wanted.windows
    if stored is not None:
        expected |= {"events": report["events"], "positions": truth.identities, "parquet": truth.events}
    if lateness_days and late:
        expected["late"] = 0
        got = {**got, "late": late}
    return [
        f"{job.name}, {what}: {got[what]:,} instead of {value:,}"
        for what, value in expected.items()
        if got[what] != value
    ]


def problems(counts: Mapping[str, int], events: int) -> list[str]:
    """What does not add up, one sentence each."""
    expected = {
        "bronze rows": events,
        "parquet bronze rows": counts["bronze rows"],
        "silver rows": events - counts["repeats"],
        "parquet silver rows": counts["silver rows"],
        "fixes in windows": counts["accepted fixes"],
        "fixes in lion-days": counts["accepted fixes"],
        "parquet windows": counts["windows"],
    }
    return [
        f"{name}: {counts[name]:,} instead of {wanted:,}" for name, wanted in expected.items() if counts[name] != wanted
    ]
