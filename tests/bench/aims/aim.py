"""An aim, and whether it is met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Aim:
    """``says`` is a sentence with its bound; ``figure`` what was found, in words."""

    says: str
    figure: str
    met: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What one measurement found: a table, its aims, and what does not add up (nothing may)."""

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    aims: list[Aim]
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def enough(self) -> bool:
        """Whether every aim is met, and nothing was lost."""
        return not self.problems and all(aim.met for aim in self.aims)


def lines(finding: Finding) -> Iterator[str]:
    """Markdown, for a terminal or a README."""
    yield f"### {finding.title}"
    yield ""
    yield f"| {' | '.join(finding.head)} |"
    yield f"|{'---|' + '---:|' * (len(finding.head) - 1)}"
    yield from (f"| {' | '.join(row)} |" for row in finding.rows)
    yield ""
    yield from finding.notes
    for aim in finding.aims:
        yield f"Aim: {aim.says}. Found: {aim.figure}. {'Met' if aim.met else 'NOT MET'}."
    if finding.problems:
        yield f"MISMATCH: {'; '.join(finding.problems)}."
    yield ""
