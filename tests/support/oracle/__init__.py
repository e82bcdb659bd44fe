"""The oracle: silver, gold and metadata computed from the *set* of consumed records, slowly and obviously.

It shares only the decoding of events with the pipeline. Every table is ``{primary key: {column: value}}``; times are
aware UTC datetimes, days dates. Columns that tell when the pipeline worked (dw_*, ingestion) are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Deletion, Rejected

from . import activities, challenges, health, positions, quality, weights
from .settle import Stored, moment, settle

POSITIONS = "lions.position.events"
WEIGHTS = "lions.weight.events"
ACTIVITIES = "users.activity.events"
CHALLENGES = "challenges.status.events"
QUALITY = "data.quality.events"
TOPICS = (POSITIONS, WEIGHTS, ACTIVITIES, CHALLENGES, QUALITY)

Rows = dict[tuple[Any, ...], dict[str, Any]]
Tables = dict[str, Rows]


@dataclass(frozen=True, slots=True)
class Consumed:
    """One Kafka record as the pipeline met it; ``timestamp`` is the append time in ms."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = field(default=())


_IDENTITIES: dict[str, Any] = {
    POSITIONS: lambda e: (e.lion_id, e.time_us),
    WEIGHTS: lambda e: (e.weight_id,),
    ACTIVITIES: lambda e: (e.user_id, e.activity_type, e.time_us, e.event_id),
    CHALLENGES: lambda e: (e.challenge_id, e.time_us, e.status),
    QUALITY: lambda e: (e.table_name, e.check_name, e.time_us),
}


def may_hold_secret(value: bytes | None) -> bool:
    """Whether passwords may have been cut out of an activity's raw bytes (a ``\\u`` may spell a field's name)."""
    return value is not None and any(word in value.lower() for word in (b"pass", b"pwd", b"secret", b"token", b"\\u"))


def bronze_counts(records: Iterable[Consumed]) -> dict[str, int]:
    """Consumed records per topic, each offset once."""
    places = {(r.topic, r.partition, r.offset) for r in records}
    return {topic: sum(place[0] == topic for place in places) for topic in TOPICS}


def compute(records: Iterable[Consumed]) -> Tables:
    """Every table of the warehouse that follows from these records (redelivered offsets count once)."""
    accepted: dict[str, list[Stored]] = {topic: [] for topic in TOPICS}
    tables: Tables = {"bronze": {}, "metadata.dead_letters": {}, "metadata.deletions": {}, "metadata.repeats": {}}
    for record in {(r.topic, r.partition, r.offset): r for r in records}.values():
        place = (record.topic, record.partition, record.offset)
        append_time = moment(record.timestamp * 1000)
        assert append_time is not None
        tables["bronze"][place] = {"append_time": append_time, "partition_date": append_time.date(), "key": record.key}
        decoded = decode(record.topic, record.key, record.value)
        if isinstance(decoded, Rejected):
            tables["metadata.dead_letters"][place] = {
                "key": record.key,
                "rule": decoded.rule,
                "append_time": append_time,
            }
            if record.topic != ACTIVITIES or not may_hold_secret(record.value):
                tables["metadata.dead_letters"][place]["raw"] = record.value
        elif isinstance(decoded, Deletion):  # written down; it takes nothing back
            tables["metadata.deletions"][place] = {"entity_id": decoded.entity_id, "append_time": append_time}
        else:
            accepted[record.topic].append(Stored(decoded, *place, record.timestamp))

    winners: dict[str, list[Stored]] = {}
    for topic in TOPICS:
        settled, repeats = settle(accepted[topic], _IDENTITIES[topic])
        winners[topic] = list(settled.values())
        for row in repeats:
            place = (row.pop("topic"), row.pop("partition"), row.pop("offset"))
            tables["metadata.repeats"][place] = row

    by_lion = positions.tracks(winners[POSITIONS])
    by_challenge = challenges.stories(winners[CHALLENGES])
    weighings = [s for s in winners[WEIGHTS] if s.event.user_id is not None]
    # A member is inferred from every accepted record that names it, repeats included.
    named = [*accepted[WEIGHTS], *accepted[CHALLENGES]]
    users = {s.event.user_id for s in named if s.event.user_id is not None}
    valid = [s for s in weighings if weights.flags_of(s, set()) == 0]
    tables |= {
        "silver.positions": positions.position_rows(by_lion),
        "silver.lions": positions.lion_rows(by_lion, {s.event.lion_id for s in accepted[WEIGHTS]}),
        "silver.weight_history": weights.weight_rows(winners[WEIGHTS], set()),
        "silver.users": activities.user_rows(winners[ACTIVITIES], users),
        "silver.user_activities": activities.activity_rows(winners[ACTIVITIES]),
        "silver.challenge_events": challenges.event_rows(winners[CHALLENGES]),
        "silver.challenges": challenges.challenge_rows(by_challenge),
        "metadata.data_quality_checks": quality.check_rows(winners[QUALITY]),
        "gold.lions_metrics": health.metrics_rows(by_lion, weights.valid_weights(winners[WEIGHTS], set())),
        "gold.lion_windows": positions.window_rows(by_lion),
        "gold.lions_positions_history": positions.history_rows(by_lion),
        "gold.users_activity": activities.day_rows(winners[ACTIVITIES], valid, by_challenge),
        "gold.user_windows": activities.window_rows(winners[ACTIVITIES]),
        "gold.quality_daily": quality.daily_rows(winners[QUALITY]),
    }
    return tables


__all__ = ["TOPICS", "Consumed", "Rows", "Tables", "bronze_counts", "compute"]
