"""What a batch leaves behind for the quality checks: how many records there were, how many each rule caught.

The rows are written in the batch's transaction, so they count each record once, however often it was tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

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
        work.judged_again += int((spikes & stored).sum())
        work.catch("spike", flagged["partition"][spikes], flagged["offset"][spikes])
    different = losers[losers["hash"] != fixes["hash"][settled.loser_winner]]
    work.catch("conflict", different["partition"], different["offset"])
    return len(different)


async def store_tally(work: BatchWork, records: Sequence[Any]) -> None:
    """Write the batch's counts; the worker's own quality checks are not counted, or they would go on for ever."""
    decoded: Sequence[Decoded] = work.decoded
    offsets: list[int] = work.offsets.tolist()
    if work.topic is QUALITY:
        others = [place for place, record in enumerate(records) if _SOURCE not in record.headers]
        decoded, offsets = [decoded[place] for place in others], [offsets[place] for place in others]
    rows = _rows(work, decoded, offsets)
    if rows:
        ends = int(work.offsets[0]), int(work.offsets[-1]) + 1
        columns = map(list, zip(*rows, strict=True))
        await work.connection.execute(query("quality/add_tally"), work.topic.name, work.partition, *ends, *columns)


def _rows(work: BatchWork, decoded: Sequence[Decoded], offsets: Sequence[int]) -> list[tuple[str, str, int, str]]:
    """Table, rule, records, samples."""
    kinds = Counter(map(type, decoded))
    rejected: dict[str, list[int]] = {}
    if kinds[Rejected]:
        for event, offset in zip(decoded, offsets, strict=True):
            if isinstance(event, Rejected):
                rejected.setdefault(event.rule, []).append(offset)
    accepted = len(decoded) - kinds[Rejected] - kinds[Deletion] + work.judged_again
    rows = []
    for names, total, caught in ((BRONZE, len(decoded), rejected), (SILVER, accepted, work.caught)):
        if total:
            table = names[work.topic.name]
            rows.append((table, EVERYTHING, total, "{}"))
            rows += [(table, rule, len(found), _samples(found)) for rule, found in caught.items()]
    return rows


def _samples(offsets: Sequence[int]) -> str:
    """The first offsets of this partition, as PostgreSQL writes an array."""
    first = sorted(offset for offset in offsets if offset >= 0)[:SAMPLES_MAX]
    return f"{{{','.join(map(str, first))}}}"
