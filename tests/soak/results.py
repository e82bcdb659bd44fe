"""What the soak found, as a table."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

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


@dataclass
class Results:
    """Of one soak, or of several together."""

    seeds: list[int] = field(default_factory=list)
    seconds: float = 0.0
    rounds: int = 0
    records: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)

    def of(self, one: Fault) -> Tally:
        return self.tallies.setdefault(one.name, Tally())

    def add(self, other: Results) -> None:
        self.seeds += other.seeds
        self.seconds += other.seconds
        self.rounds += other.rounds
        self.records += other.records
        for name, theirs in other.tallies.items():
            ours = self.tallies.setdefault(name, Tally())
            ours.recovery_s += theirs.recovery_s
            ours.kills += theirs.kills
            ours.lost += theirs.lost
            ours.doubled += theirs.doubled
            ours.wrong += theirs.wrong

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.seeds[0]}.json").write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, file: Path) -> Results:
        content = json.loads(file.read_text())
        tallies = {name: Tally(**tally) for name, tally in content.pop("tallies").items()}
        return cls(**content, tallies=tallies)

    def text(self, faults: Sequence[Fault]) -> str:
        kills = sum(tally.kills for tally in self.tallies.values())
        seeds = ", ".join(str(seed) for seed in self.seeds)
        counts = f"{self.rounds} rounds, {self.records:,} records, {kills} kills"
        summary = f"{counts}, in {self.seconds:,.0f} s, SEED={seeds}."
        return f"{table(faults, self.tallies)}\n\n{summary}"
