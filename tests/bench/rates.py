"""How much was stored when, and how fast that makes a slice of a backlog."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.settings import Settings

_OFFSETS = "SELECT partition, next_offset FROM metadata.consumed_offsets WHERE topic = %s"


@dataclass(frozen=True, slots=True)
class Sample:
    """How many position events were stored at a moment, in all and per partition."""

    at_s: float
    offsets: Mapping[int, int]

    @property
    def stored(self) -> int:
        return sum(self.offsets.values())


def connect(settings: Settings) -> psycopg.Connection[Any]:
    """A connection to the warehouse, autocommit."""
    dsn = dict(settings.pg_dsn)
    return psycopg.connect(dbname=dsn.pop("database"), autocommit=True, **dsn)


def stored_offsets(connection: psycopg.Connection[Any]) -> dict[int, int]:
    """Partition of the positions' topic -> how many of its records are committed."""
    return dict(connection.execute(_OFFSETS, (POSITIONS.name,)).fetchall())


def dry_from(samples: Sequence[Sample]) -> int:
    """How many events were stored when the first partition reached its end."""
    ends = samples[-1].offsets
    return next(
        (sample.stored for sample in samples if any(end and sample.offsets.get(p) == end for p, end in ends.items())), 0
    )


def rate(samples: Sequence[Sample], start: int, end: int) -> float:
    """Events per second between two counts of stored events; moments between samples are interpolated."""
    return (end - start) / (_moment(samples, end) - _moment(samples, start))


def _moment(samples: Sequence[Sample], stored: int) -> float:
    """When this many were stored; for 0 the last moment at which nothing was: a worker's start does not count."""
    counts = [sample.stored for sample in samples]
    place = bisect_left(counts, stored) if stored else bisect_left(counts, 1) - 1
    after = samples[max(place, 0)]
    if place <= 0 or after.stored == stored:
        return after.at_s
    before = samples[place - 1]
    return before.at_s + (after.at_s - before.at_s) * (stored - before.stored) / (after.stored - before.stored)
