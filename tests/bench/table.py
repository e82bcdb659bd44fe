"""The result for a reader: a table, and what to know about it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.ratios import WHOLE, aims
from tests.bench.result import Contender, Result

_GROUPS = {"floor": "Floor", "windows": "Windows only", "whole": "Whole job"}


def lines(result: Result) -> Iterator[str]:
    """Markdown, for a terminal or a README."""
    yield "| contender | events/s | seconds | events | peak MB | CPU µs/event | PostgreSQL's | does |"
    yield "|---|---:|---:|---:|---:|---:|---:|---|"
    for group, title in _GROUPS.items():
        chosen = [c for c in result.contenders.values() if c.group == group]
        if chosen:
            yield f"| **{title}** | | | | | | | |"
        yield from map(_line, chosen)
        serial = result.floor("floor: COPY") if group == "floor" else None
        if serial is not None:
            yield f"| floor: serially | {serial:,.0f} | {result.events / serial:.1f} | {result.events:,} | | | | |"
    yield ""
    yield from _aims(result)
    yield from _notes(result)


def _line(c: Contender) -> str:
    return (
        f"| {c.name} | {c.events_per_s:,.0f} | {c.seconds:.1f} | {c.events:,} | {c.peak_mb:,.0f} "
        f"| {c.cpu_us_per_event:.0f} | {c.postgres_us_per_event:.0f} | {c.does} |"
    )


def _aims(result: Result) -> Iterator[str]:
    found = list(aims(result))
    if not found:
        return
    yield "| ratio | measured | aim | |"
    yield "|---|---:|---:|---|"
    for aim in found:
        yield f"| {aim.what} | {aim.ratio:.2f}× | {aim.wanted:g}× | {'met' if aim.is_met else 'MISSED'} |"
    yield ""


def _notes(result: Result) -> Iterator[str]:
    contenders = result.contenders
    if WHOLE in contenders:
        report = contenders[WHOLE].runs[0].report
        yield (
            f"LionTrack's whole job: {report['seconds_to_warehouse']:.1f} s to the last commit, "
            f"{report['seconds']:.1f} s to the last of {report['parquet_files']} Parquet files. "
            "The others' seconds: first event to last commit and closed file, start excluded."
        )
    for name, contender in contenders.items():
        report = contender.runs[0].report
        if "cold_seconds" in report:
            rate = contender.events / report["cold_seconds"]
            yield (
                f"{name}: warm, a second query in the same session; cold, start included: {rate:,.0f} events/s. "
                "CPU and memory are those of all its processes."
            )
        if "versions" in report and report.get("late"):
            yield f"{name}: {report['late']:,} fixes came too late for their windows."
    asyncpg_floor = result.floor("floor: COPY by asyncpg")
    if asyncpg_floor is not None:
        yield f"The serial floor, rows encoded by asyncpg: {asyncpg_floor:,.0f} events/s."
    loads = ", ".join(f"{c.name} {c.runs[0].load_before:.1f}" for c in contenders.values() if "COPY" not in c.name)
    yield f"Load average before each: {loads}."
    spreads = [f"{c.name} {c.spread:.0%}" for c in contenders.values() if len(c.runs) > 1]
    if spreads:
        yield f"Two runs of the same thing lie apart by: {', '.join(spreads)}. Mind this before comparing."
    if result.counts:
        yield f"Counts: {', '.join(f'{name} {count:,}' for name, count in result.counts.items())}."
    for name, what in result.machine.items():
        yield f"{name}: {what}."
    yield f"It took {result.took_s / 60:.0f} minutes and {result.disk_gb:.1f} GB."
    yield "All match." if not result.problems else f"MISMATCH: {'; '.join(result.problems)}."
