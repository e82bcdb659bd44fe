"""Who wore which collar when: reference data with deployments. Pure.

::

    tag 2001   ├── lion A ──┤├──────── lion B ──────► (still on)
               on          off = on
    a fix at the moment of the change is B's: a deployment holds from its beginning up to, not including, its end
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from liontrack_stream.contract.times import iso


class Deployment(NamedTuple):
    """A collar on an animal from ``on_us`` up to ``off_us`` (microseconds; None: since ever, still).

    ``mass_g``: of the animal when it was collared, grams. ``line``: where a file tells it.
    """

    tag: str
    animal: str
    on_us: int | None
    off_us: int | None
    mass_g: float | None = None
    sex: str | None = None
    attributes: dict[str, Any] | None = None
    line: int = 0

    @property
    def period(self) -> str:
        """For a person."""
        begin = "ever" if self.on_us is None else iso(self.on_us)
        return f"from {begin} to {'now' if self.off_us is None else iso(self.off_us)}"

    @property
    def begin(self) -> int:
        """Where it begins, as a number that can be compared: events are later than 1970."""
        return -1 if self.on_us is None else self.on_us

    def overlaps(self, other: Deployment) -> bool:
        """Whether both hold at some moment."""
        return _before(self.on_us, other.off_us) and _before(other.on_us, self.off_us)


def _before(begin: int | None, end: int | None) -> bool:
    return begin is None or end is None or begin < end


@dataclass(frozen=True)
class Deployments:
    """Deployments by tag; those of one tag do not overlap."""

    _of: dict[str, list[Deployment]] = field(default_factory=dict)

    @classmethod
    def of(cls, deployments: Iterable[Deployment]) -> Deployments:
        found: dict[str, list[Deployment]] = {}
        for deployment in sorted(deployments, key=lambda deployment: deployment.begin):
            found.setdefault(deployment.tag, []).append(deployment)
        return cls(found)

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))

    def __iter__(self) -> Any:
        return (deployment for deployments in self._of.values() for deployment in deployments)

    @property
    def tags(self) -> set[str]:
        return set(self._of)

    def with_tags_of(self, other: Deployments) -> Deployments:
        """These, but for the tags that the other knows: of those, the other's."""
        return Deployments({**self._of, **other._of})

    def animal(self, tag: str, time_us: int) -> str | None:
        """The animal that wore a tag at a moment; None where no deployment covers it."""
        deployments = self._of.get(tag)
        if not deployments:
            return None
        place = bisect_right(deployments, time_us, key=lambda deployment: deployment.begin) - 1
        if place < 0:
            return None
        deployment = deployments[place]
        return deployment.animal if deployment.off_us is None or time_us < deployment.off_us else None
