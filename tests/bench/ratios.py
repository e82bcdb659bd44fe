"""The aims of `make bench`, as ratios within one run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.result import Result

WHOLE, WINDOWS, REPLAY = "LionTrack, whole", "LionTrack, windows", "LionTrack, replay"


@dataclass(frozen=True, slots=True)
class Aim:
    """``ratio`` of ours to another rate; at least ``wanted``."""

    what: str
    ratio: float
    wanted: float

    @property
    def is_met(self) -> bool:
        return self.ratio >= self.wanted


def aims(result: Result) -> Iterator[Aim]:
    """Those whose contenders ran."""
    whole, windows = result.rate(WHOLE), result.rate(WINDOWS)
    for what, ours, theirs, wanted in (
        ("whole job / Spark's, warm", whole, result.rate("Spark, whole"), 3.0),
        ("whole job / stock Faust's, event by event", whole, result.rate("Faust, whole"), 20.0),
        ("whole job / Bytewax's windows only", whole, result.rate(*_windows("Bytewax")), 1.0),
        ("whole job / Quix's windows only", whole, result.rate(*_windows("Quix")), 1.0),
        ("whole job / serial floor", whole, result.floor("floor: COPY"), 0.7),
        ("windows only / Bytewax's", windows, result.rate(*_windows("Bytewax")), 2.0),
        ("replay / live", result.rate(REPLAY), whole, 1.0),
    ):
        if ours is not None and theirs is not None:
            yield Aim(what, ours / theirs, wanted)


def _windows(engine: str) -> tuple[str, str]:
    """The faster of both ways counts, also where it loses late fixes."""
    return f"{engine}, windows", f"{engine}, windows, none late"
