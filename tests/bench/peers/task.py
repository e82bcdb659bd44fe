"""What a contender of another engine is asked to do, and how it answers.

A contender is run as ``python CONTENDER.py`` in an environment of its own, with its task in BENCH_TASK, and prints one
line of JSON. This module uses the standard library alone: it runs in all of them.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from typing import Any

WINDOW = timedelta(minutes=5)
AHEAD = timedelta(minutes=10)  # a fix that is so far ahead of the clock is none: it would close all windows


@dataclass(frozen=True)
class Task:
    """``folder``: for files and state. ``postgres``: keyword arguments of libpq; tables as in ``tables.sql``.

    ``launched``: when its process was started, seconds since 1970.
    ``lateness_days``: for how long windows wait for late fixes.
    ``runs``: how often Spark runs its query. ``take``: Faust takes many events at a time.
    """

    brokers: str
    topic: str
    partitions: int
    events: int
    folder: str
    launched: float
    lateness_days: int
    runs: int = 2
    take: bool = False
    postgres: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_environment(cls) -> Task:
        return cls(**json.loads(os.environ["BENCH_TASK"]))

    @property
    def lateness(self) -> timedelta:
        return timedelta(days=self.lateness_days)


class Watch:
    """Seconds from the first event to the end."""

    started: float | None = None

    def event(self) -> None:
        if self.started is None:
            self.started = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - (self.started or 0.0)


def tell(events: int, seconds: float, *packages: str, **found: Any) -> None:
    """Print the answer. ``found``: ``windows``, the ``fixes`` in them, and those that were ``late`` for theirs."""
    versions = {package: version(package) for package in packages}
    print(json.dumps({"events": events, "seconds": seconds, "versions": versions, **found}), flush=True)
