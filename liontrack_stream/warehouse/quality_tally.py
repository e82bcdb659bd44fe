"""What a batch leaves behind for the quality checks: how many records there were, how many each rule caught.

The rows are written in the batch's transaction, so they count each record once, however often it was tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from liontrack_stream.contract.events import Decoded, Deletion, Rejected
from liontrack_stream.contract.topics import ACTIVITIES, CHALLENGES, POSITIONS, QUALITY, WEIGHTS
from liontrack_stream.core.fixes import FUTURE, NOT_VISIBLE, SPIKE, ZERO_ZERO
from liontrack_stream.core.quality import EVERYTHING, SAMPLES_MAX, WORKER_SOURCE
from liontrack_stream.core.settle import Settled
from liontrack_stream.warehouse.bronze import TABLES
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.work import BatchWork

BRONZE = {topic: f"bronze.{table}" for topic, table in TABLES.items()}
SILVER = {
    POSITIONS.name: "silver.positions",
    WEIGHTS.name: "silver.weight_history",
    ACTIVITIES.name: "silver.user_activities",
    CHALLENGES.name: "silver.challenge_events",
    QUALITY.name: "metadata.data_quality_checks",
}
_OWN = {"zero_zero": ZERO_ZERO, "not_visible": NOT_VISIBLE, "future": FUTURE}
_SOURCE = ("source", WORKER_SOURCE)


def tally_fixes(work: BatchWork, settled: Settled) -> int:
    """Note what the rules of silver.positions caught: new fixes, and stored ones found to be spikes. The conflicts."""
    fixes, losers = settled.fixes, settled.losers
    flagged = fixes[(fixes["flags"] != 0) & ((fixes["row"] >= 0) | settled.was_accepted)]
    if len(flagged):
        stored = flagged["row"] < 0
        for rule, flag in _OWN.items():
            caught = flagged[(flagged["flags"] & flag != 0) & ~stored]
            work.catch(rule, caught["partition"], caught["offset"])
        spikes = flagged["flags"] & SPIKE != 0
        work.judged_again.update(map(work.home, flagged["partition"][spikes & stored].tolist()))
        work.catch("spike", flagged["partition"][spikes], flagged["offset"][spikes])
    different = losers[losers["hash"] != fixes["hash"][settled.loser_winner]]
    work.catch("conflict", different["partition"], different["offset"])
    return len(different)


async def store_tally(work: BatchWork, records: Sequence[Any]) -> None:
    """Write the batch's counts; the worker's own quality checks are not counted, or they would go on for ever."""
    partitions = np.unique(work.partitions).tolist()
    rows = [row for partition in partitions for row in _rows(work, records, partition)]
    if rows:
        columns = map(list, zip(*rows, strict=True))
        await work.connection.execute(query("quality/add_tally"), work.topic.name, *columns)


def _rows(work: BatchWork, records: Sequence[Any], partition: int) -> Iterator[tuple[Any, ...]]:
    """Partition, first offset, next offset, table, rule, records, samples."""
    places = np.flatnonzero(work.partitions == partition)
    ends = int(work.offsets[places[0]]), int(work.offsets[places[-1]]) + 1
    counted = places.tolist()
    if work.topic is QUALITY:
        counted = [place for place in counted if _SOURCE not in records[place].headers]
    kinds = _kinds(work, counted)
    rejected: dict[str, list[int]] = {}
    if kinds[Rejected]:
        for place in counted:
            event: Decoded = work.decoded[place]
            if isinstance(event, Rejected):
                rejected.setdefault(event.rule, []).append(int(work.offsets[place]))
    accepted = len(counted) - kinds[Rejected] - kinds[Deletion] + work.judged_again[partition]
    silver = work.caught.get(partition, {})
    for names, total, caught in ((BRONZE, len(counted), rejected), (SILVER, accepted, silver)):
        if total or caught:
            table = names[work.topic.name]
            yield partition, *ends, table, EVERYTHING, total, "{}"
            for rule, found in caught.items():
                yield partition, *ends, table, rule, len(found), _samples(found)


def _kinds(work: BatchWork, places: Sequence[int]) -> Counter[type[Any]]:
    """How many of each kind are at these places of the batch."""
    if len(places) == len(work.decoded):
        return work.kinds
    if len(work.kinds) == 1:
        return Counter({kind: len(places) for kind in work.kinds})
    return Counter(type(work.decoded[place]) for place in places)


def _samples(offsets: Sequence[int]) -> str:
    """The first offsets of this partition, as PostgreSQL writes an array."""
    first = sorted(offset for offset in offsets if offset >= 0)[:SAMPLES_MAX]
    return f"{{{','.join(map(str, first))}}}"
