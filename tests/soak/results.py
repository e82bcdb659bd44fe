"""What the soak found, as a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .fault import Fault

_MORE = re.compile(r"… and (\d+) more")


@dataclass
class Tally:
    """Of one fault: seconds of recovery per time it was injected, and differences of the rounds it was in."""

    recovery_s: list[float] = field(default_factory=list)
    kills: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0


def count(tally: Tally, differences: Sequence[str]) -> None:
    """Sort differences, in the comparison's words, into lost, doubled and wrong."""
    for text in differences:
        more = _MORE.search(text)
        times = int(more[1]) if more else 1
        if "missing (" in text or "only in the manifest" in text:
            tally.lost += times
        elif "unexpected (" in text or "twice" in text or "only in the folder" in text:
            tally.doubled += times
        else:
            tally.wrong += times


def table(faults: Sequence[Fault], tallies: dict[str, Tally]) -> str:
    """Markdown, a line per fault."""
    lines = [
        "| fault | times | recovery p50, s | p99, s | lost | doubled | wrong |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in faults:
        tally = tallies.get(one.name, Tally())
        spread = sorted(tally.recovery_s)
        p50, p99 = (f"{spread[int(q * (len(spread) - 1) + 0.5)]:.1f}" if spread else "" for q in (0.5, 0.99))
        figures = f"{tally.lost} | {tally.doubled} | {tally.wrong}"
        lines.append(f"| {one.family}: {one.name} | {len(spread)} | {p50} | {p99} | {figures} |")
    return "\n".join(lines)
