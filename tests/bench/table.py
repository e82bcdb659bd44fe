"""The result for a reader: a table, and what to know about it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from tests.bench.bench import Result


def lines(result: Result) -> Iterator[str]:
    """Markdown, for a terminal or a README."""
    stock = result.stock
    yield "| | events/s | of stock Faust | seconds | events | peak MB | CPU µs/event | does |"
    yield "|---|---:|---:|---:|---:|---:|---:|---|"
    for c in result.contenders:
        yield (
            f"| {c.name} | {c.events_per_s:,.0f} | {c.events_per_s / stock.events_per_s:.1f}× | {c.seconds:.1f} "
            f"| {c.events:,} | {c.peak_mb:,.0f} | {c.cpu_us_per_event:.0f} | {c.does} |"
        )
    report = result.ours.runs[0].report
    yield ""
    yield (
        f"LionTrack: {report['seconds_to_warehouse']:.1f} s to the last commit, {report['seconds']:.1f} s to the last "
        f"of {report['parquet_files']} Parquet files. The others' seconds: first event to last, start excluded."
    )
    replay = result.replay.runs[0].report
    yield (
        f"Replay: {result.replay_of_live:.2f}× the rate of the live worker, from its call to its last file; "
        f"then {replay['seconds_comparing']:.1f} s to compare both."
    )
    if result.spark is not None:
        spark = result.spark.runs[0].report
        yield (
            f"Spark: from the first job's call to the last file, both JVMs' start included; then "
            f"{spark['seconds_comparing']:.1f} s to compare. Its memory and CPU are those of all its processes."
        )
    loads = ", ".join(f"{c.name} {' and '.join(f'{run.load_before:.1f}' for run in c.runs)}" for c in result.contenders)
    yield f"Machine: {os.cpu_count()} cores, load average before each run: {loads}."
    spreads = [f"{c.name} {c.spread:.0%}" for c in result.contenders if len(c.runs) > 1]
    if spreads:
        yield f"Two runs of the same thing lie apart by: {', '.join(spreads)}. Mind this before comparing."
    yield f"Counts: {', '.join(f'{name} {count:,}' for name, count in result.counts.items())}."
    yield "All match." if not result.problems else f"MISMATCH: {'; '.join(result.problems)}."
