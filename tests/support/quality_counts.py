"""How many records each rule of each table caught, counted from the records themselves: (table, rule) -> records.

The rule ``""`` counts all records that were looked at. What silver's rules catch is counted from the oracle's rows:
right for streams in which each identity has one partition, spikes also only when fixes come in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Deletion, Rejected

from .oracle import ACTIVITIES, CHALLENGES, POSITIONS, QUALITY, WEIGHTS, Consumed, Tables

if TYPE_CHECKING:
    from .pipeline_kit import PipelineKit

BRONZE = {
    POSITIONS: "bronze.lions_raw",
    WEIGHTS: "bronze.weights_raw",
    ACTIVITIES: "bronze.users_raw",
    CHALLENGES: "bronze.challenges_raw",
    QUALITY: "bronze.quality_raw",
}
SILVER = {
    POSITIONS: "silver.positions",
    WEIGHTS: "silver.weight_history",
    ACTIVITIES: "silver.user_activities",
    CHALLENGES: "silver.challenge_events",
    QUALITY: "metadata.data_quality_checks",
}
FLAGS = {
    "silver.positions": {1: "zero_zero", 2: "not_visible", 4: "future", 8: "spike"},
    "silver.weight_history": {1: "implausible"},
}
OWN = ("source", b"liontrack-worker")
Counts = Counter[tuple[str, str]]


def bronze_counts(records: Iterable[Consumed]) -> Counts:
    """All records, and the dead letters by rule; without the worker's own checks."""
    counts: Counts = Counter()
    for record in {(r.topic, r.partition, r.offset): r for r in records if OWN not in r.headers}.values():
        decoded = decode(record.topic, record.key, record.value)
        counts[BRONZE[record.topic], ""] += 1
        if isinstance(decoded, Rejected):
            counts[BRONZE[record.topic], decoded.rule] += 1
    return counts


def silver_counts(records: Iterable[Consumed], expected: Tables) -> Counts:
    """Accepted records, those that a rule caught, and those that say something else of an identity that is held."""
    counts: Counts = Counter()
    for record in {(r.topic, r.partition, r.offset): r for r in records if OWN not in r.headers}.values():
        if not isinstance(decode(record.topic, record.key, record.value), Rejected | Deletion):
            counts[SILVER[record.topic], ""] += 1
    for table, names in FLAGS.items():
        for row in expected[table].values():
            counts.update((table, name) for bit, name in names.items() if row["flags"] & bit)
    for (topic, _, _), row in expected["metadata.repeats"].items():
        if row["conflict"]:
            counts[SILVER[topic], "conflict"] += 1
    return counts


def published_counts(pipeline: PipelineKit, tables: str = "bronze.%", total_check: str = "bronze_validation") -> Counts:
    """Records per table and rule, summed over all checks of the workers; the rule ``""`` is the total."""
    rows = pipeline.fetch(
        """SELECT table_name, check_name, sum(total_records)::bigint AS total, sum(invalid_records)::bigint AS invalid
           FROM metadata.data_quality_checks WHERE details ? 'offsets' AND table_name LIKE $1 GROUP BY 1, 2""",
        tables,
    )
    counts = Counter({(row["table_name"], row["check_name"]): row["invalid"] for row in rows})
    for row in rows:
        if row["check_name"] == total_check:
            counts[row["table_name"], ""] = row["total"]
    return Counter({key: n for key, n in counts.items() if key[1] not in ("bronze_validation", "schema_check")})
