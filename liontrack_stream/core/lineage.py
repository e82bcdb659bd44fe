"""Which tables each topic's records flow through: the steps of a pipeline, by its noun.

    topic ──ingest──► bronze ──settle──► silver ──aggregate──► gold
                        └───────export───────┴───────────────────┴──► lake

A table that several topics fill has a step in each of them; its export belongs to the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from liontrack_stream.contract.topics import ACTIVITIES, CHALLENGES, POSITIONS, QUALITY, TOPICS, WEIGHTS, TopicSpec

Kind = Literal["ingest", "settle", "aggregate", "export"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Tables are ``schema.table``, a topic's contract name, or ``lake/layer/table``."""

    source_system: Literal["kafka", "warehouse"]
    source: str
    target: str
    kind: Kind


BRONZE = {
    POSITIONS.noun: "bronze.lions_raw",
    WEIGHTS.noun: "bronze.weights_raw",
    ACTIVITIES.noun: "bronze.users_raw",
    CHALLENGES.noun: "bronze.challenges_raw",
    QUALITY.noun: "bronze.quality_raw",
}
_SILVER = {  # the first is what gold is made of
    POSITIONS.noun: ("silver.positions", "silver.lions"),
    WEIGHTS.noun: ("silver.weight_history", "silver.lions", "silver.users"),
    ACTIVITIES.noun: ("silver.user_activities", "silver.users"),
    CHALLENGES.noun: ("silver.challenge_events", "silver.challenges", "silver.users"),
    QUALITY.noun: ("metadata.data_quality_checks",),
}
_GOLD = {
    POSITIONS.noun: ("gold.lion_windows", "gold.lions_metrics"),
    WEIGHTS.noun: ("gold.lions_metrics", "gold.users_activity"),
    ACTIVITIES.noun: ("gold.user_windows", "gold.users_activity"),
    CHALLENGES.noun: ("gold.users_activity",),
    QUALITY.noun: ("gold.quality_daily",),
}
_EXPORTED = {
    POSITIONS.noun: (
        "silver.positions",
        "silver.lions",
        "gold.lion_windows",
        "gold.lions_metrics",
        "gold.lions_positions_history",
    ),
    WEIGHTS.noun: ("silver.weight_history",),
    ACTIVITIES.noun: ("silver.user_activities", "silver.users", "gold.user_windows", "gold.users_activity"),
    CHALLENGES.noun: ("silver.challenge_events", "silver.challenges"),
    QUALITY.noun: ("metadata.data_quality_checks", "gold.quality_daily"),
}
_LAKE_NAMES = {"metadata.data_quality_checks": "silver/quality_checks"}


def _steps(topic: TopicSpec) -> tuple[Step, ...]:
    noun, bronze = topic.noun, BRONZE[topic.noun]
    exports = [(bronze, f"lake/bronze/{topic.name}")]
    exports += [(table, f"lake/{_LAKE_NAMES.get(table, table.replace('.', '/'))}") for table in _EXPORTED[noun]]
    return (
        Step("kafka", topic.name, bronze, "ingest"),
        *(Step("warehouse", bronze, table, "settle") for table in _SILVER[noun]),
        *(Step("warehouse", _SILVER[noun][0], table, "aggregate") for table in _GOLD[noun]),
        *(Step("warehouse", table, file, "export") for table, file in exports),
    )


STEPS: dict[str, tuple[Step, ...]] = {topic.noun: _steps(topic) for topic in TOPICS}


def fed_by(table: str) -> frozenset[str]:
    """Nouns of the topics whose records a table of bronze, silver or gold is made of; none for tables of all topics."""
    return frozenset(noun for noun in BRONZE if table in (BRONZE[noun], *_SILVER[noun], *_GOLD[noun]))
