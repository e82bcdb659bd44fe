"""What the bench found, and whether that is enough."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from statistics import fmean

LATENCY_P99_MS = 25.0
VISIBLE_P99_MS = 500.0
INGESTION_RATIO = 0.8


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all does not exceed; nan of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else nan


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything; the defaults are the ones that the bars are for."""

    lions: int = 1_000
    fixes: int = 10_000_000
    events_per_s: float = 5_000.0
    requests_per_s: float = 200.0
    seconds: float = 60.0
    backlog: int = 1_500_000
    slice_s: float = 8.0
    pairs: int = 3


@dataclass(slots=True)
class Found:
    """Times in ms, rates in events/s. ``quiet`` and ``asked``: slices of one backlog without and with wrk."""

    sizes: Sizes
    fixes: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    statuses: Mapping[str, int] = field(default_factory=dict)
    visible_ms: list[float] = field(default_factory=list)
    never_seen: int = 0
    sent: int = 0
    sender_late_ms: float = 0.0
    behind_s: float = 0.0
    quiet: list[float] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    wrk_answers_per_s: float = 0.0
    wrk_refused: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The rate of ingestion with wrk, as a share of that without."""
        return fmean(self.asked) / fmean(self.quiet) if self.asked and self.quiet else nan

    @property
    def missed(self) -> list[str]:
        """The bars that are not reached. What was not measured reaches none."""
        bars = {
            f"p99 of /lions: at most {LATENCY_P99_MS:g} ms": percentile(self.latencies_ms, 0.99) <= LATENCY_P99_MS,
            "every request answered with 200": set(self.statuses) == {"200"},
            f"p99 of produced → visible: at most {VISIBLE_P99_MS:g} ms": (
                percentile(self.visible_ms, 0.99) <= VISIBLE_P99_MS and not self.never_seen
            ),
            f"ingestion with wrk: at least {INGESTION_RATIO:g} of that without": self.ratio >= INGESTION_RATIO,
        }
        return [bar for bar, reached in bars.items() if not reached]

    @property
    def enough(self) -> bool:
        """Whether all bars are reached, and nothing was lost."""
        return not self.missed and not self.problems


def summary(found: Found) -> dict[str, object]:
    """The figures, for JSON."""
    return {
        "fixes": found.fixes, "lions": found.sizes.lions, "statuses": dict(found.statuses),
        "lions_ms": _spread(found.latencies_ms), "visible_ms": _spread(found.visible_ms),
        "never_seen": found.never_seen, "sender_late_ms": found.sender_late_ms, "behind_s": found.behind_s,
        "quiet": found.quiet, "asked": found.asked, "ratio": found.ratio,
        "wrk_answers_per_s": found.wrk_answers_per_s, "wrk_refused": found.wrk_refused,
        "missed": found.missed, "problems": found.problems,
    }  # fmt: skip


def _spread(values: Sequence[float]) -> dict[str, float]:
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {"n": len(values), **{name: percentile(values, share) for name, share in shares.items()}}


def lines(found: Found) -> Iterator[str]:
    """Markdown, for a terminal or a README."""
    sizes = found.sizes
    yield "| ms | p50 | p90 | p99 | max | n | bar (p99) |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    rows = (("/api/analytics/lions", found.latencies_ms, LATENCY_P99_MS),)
    for name, values, bar in (*rows, ("produced → visible in it", found.visible_ms, VISIBLE_P99_MS)):
        shares = " | ".join(f"{percentile(values, share):,.1f}" for share in (0.5, 0.9, 0.99, 1.0))
        yield f"| {name} | {shares} | {len(values):,} | {bar:g} |"
    yield ""
    yield "| events/s | mean | slices |"
    yield "|---|---:|---|"
    for name, rates in (("a backlog, API quiet", found.quiet), ("a backlog, API under wrk", found.asked)):
        yield f"| {name} | {fmean(rates) if rates else nan:,.0f} | {', '.join(f'{rate:,.0f}' for rate in rates)} |"
    yield f"| with / without (bar: {INGESTION_RATIO:g}) | {found.ratio:.2f} | |"
    yield ""
    yield (
        f"{sizes.lions:,} lions, {found.fixes:,} fixes before the stream: rows made by SQL, not ingested. "
        f"{sizes.requests_per_s:g} requests/s of a ranger for the whole list, by an open loop: each latency counts "
        f"from the scheduled time. Meanwhile {sizes.events_per_s:,.0f} events/s ({found.sent:,} in all, at worst "
        f"{found.sender_late_ms:.0f} ms late); the last was stored {found.behind_s:.1f} s after it was sent."
    )
    answers = ", ".join(f"{count:,} × {status}" for status, count in found.statuses.items())
    yield (
        f"Answers: {answers}. Of the watched lions' newest accepted fixes, {found.never_seen:,} were never seen. "
        f"wrk: {found.wrk_answers_per_s:,.0f} answers/s of four routes, {found.wrk_refused:,} of them refused by the "
        f"rate limit. Machine: {os.cpu_count()} cores, shared by all of it."
    )
    yield "Nothing lost." if not found.problems else f"MISMATCH: {'; '.join(found.problems)}."
    yield "All bars reached." if not found.missed else f"MISSED: {'; '.join(found.missed)}."
