"""The whole simulation as one stream of Kafka records, a day at a time, in the order they would arrive."""

from __future__ import annotations

from collections.abc import Iterator

from liontrack_stream.contract.topics import ACTIVITIES, CHALLENGES, POSITIONS, QUALITY, WEIGHTS
from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.sources.simulator.bad import bad_records_of_day
from liontrack_stream.sources.simulator.challenges import challenges_of_day
from liontrack_stream.sources.simulator.collars import fixes_of_day, start_collars
from liontrack_stream.sources.simulator.movement import start_walk, walk_day
from liontrack_stream.sources.simulator.plan import DAY_MS, Plan
from liontrack_stream.sources.simulator.positions import Arriving, PositionWriter
from liontrack_stream.sources.simulator.quality import quality_of_day
from liontrack_stream.sources.simulator.users import activities_of_day
from liontrack_stream.sources.simulator.weights import weights_of_day

_BY_DAY = {
    WEIGHTS.name: weights_of_day,
    ACTIVITIES.name: activities_of_day,
    CHALLENGES.name: challenges_of_day,
    QUALITY.name: quality_of_day,
}


def simulate(plan: Plan) -> Iterator[list[Outgoing]]:
    """Yield one list of records per day of arrival.

    Late uploads wait for their day; those that would come after the last day come at its end, so that every event
    of the plan is sent. Memory holds a day and what is on its way.
    """
    waiting: list[tuple[int, int, Outgoing]] = []
    serial = 0
    positions_left = plan.positions_max
    for day, created in enumerate(_created_by_day(plan)):
        for arrival, record in created:
            waiting.append((arrival, serial, record))
            serial += 1
        waiting.sort(key=_by_arrival)
        last = day == plan.days - 1
        ready = len(waiting) if last else _count_before(waiting, plan.start_ms + (day + 1) * DAY_MS)
        records = [record for _, _, record in waiting[:ready]]
        del waiting[:ready]
        if positions_left is not None:
            records, positions_left = _cut(records, positions_left)
        yield records
        if positions_left == 0:
            return


def _created_by_day(plan: Plan) -> Iterator[list[Arriving]]:
    walk, collars, writer = start_walk(plan), start_collars(plan), PositionWriter(plan)
    for day in range(plan.days):
        created: list[Arriving] = []
        if POSITIONS.name in plan.topics:
            lat, lng = walk_day(plan, walk, day)
            created += writer.records(fixes_of_day(plan, collars, day, lat, lng))
        for topic, events_of_day in _BY_DAY.items():
            if topic in plan.topics:
                created += events_of_day(plan, day)
        yield created + bad_records_of_day(plan, day, created)


def _by_arrival(item: tuple[int, int, Outgoing]) -> tuple[int, int]:
    return item[0], item[1]


def _count_before(waiting: list[tuple[int, int, Outgoing]], time_ms: int) -> int:
    """How many of the sorted items arrive before a time."""
    low, high = 0, len(waiting)
    while low < high:
        middle = (low + high) // 2
        if waiting[middle][0] < time_ms:
            low = middle + 1
        else:
            high = middle
    return low


def _cut(records: list[Outgoing], positions_left: int) -> tuple[list[Outgoing], int]:
    """The records up to the last position event still wanted, and how many are wanted after it."""
    for index, record in enumerate(records):
        if record.topic == POSITIONS.name:
            positions_left -= 1
            if positions_left == 0:
                return records[: index + 1], 0
    return records, positions_left
