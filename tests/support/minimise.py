"""A failing delivery made small: records and restarts are left out for as long as it still fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from .oracle import Consumed
from .strategies import Case, Step, Stream

Fails = Callable[[Case], Awaitable[bool]]
Place = tuple[str, int, int]


def _place(record: Consumed) -> Place:
    return (record.topic, record.partition, record.offset)


def _without(case: Case, gone: set[Place]) -> Case:
    partitions = {
        place: [record for record in records if _place(record) not in gone]
        for place, records in case.stream.partitions.items()
    }
    steps = [
        Step(step.topic, step.partition, tuple(r for r in step.records if _place(r) not in gone))
        if step.records
        else step
        for step in case.steps
    ]
    return Case(
        Stream({place: records for place, records in partitions.items() if records}),
        [new for old, new in zip(case.steps, steps, strict=True) if new.records or not old.records],
    )


async def minimise(case: Case, fails: Fails) -> Case:
    """The smallest failing case that leaving things out one by one (first in halves) leads to."""
    calm = Case(case.stream, [step for step in case.steps if step.records])
    if await fails(calm):
        case = calm
    size = max(1, len(case.stream.records) // 2)
    while True:
        places: list[Place] = sorted(map(_place, case.stream.records))
        smaller = await _first_failing(case, _chunks(places, size), fails)
        if smaller is not None:
            case = smaller
        elif size == 1:
            return case
        else:
            size = max(1, size // 2)


def _chunks(places: list[Place], size: int) -> Iterable[set[Place]]:
    return (set(places[start : start + size]) for start in range(0, len(places), size))


async def _first_failing(case: Case, chunks: Iterable[set[Place]], fails: Fails) -> Case | None:
    for gone in chunks:
        smaller = _without(case, gone)
        if smaller.stream.records and await fails(smaller):
            return smaller
    return None
