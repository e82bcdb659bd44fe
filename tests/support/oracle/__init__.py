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
from .deletions import Deletions
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
    deleted: dict[str, list[Stored]] = {topic: [] for topic in TOPICS}
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
        elif isinstance(decoded, Deletion):
            row = {"entity_id": decoded.entity_id, "event_id": decoded.event_id, "append_time": append_time}
            tables["metadata.deletions"][place] = row
            deleted[record.topic].append(Stored(decoded, *place, record.timestamp))
        else:
            accepted[record.topic].append(Stored(decoded, *place, record.timestamp))

    winners: dict[str, list[Stored]] = {}
    for topic in TOPICS:
        settled, repeats = settle(accepted[topic], _IDENTITIES[topic])
        winners[topic] = list(settled.values())
        for row in repeats:
            place = (row.pop("topic"), row.pop("partition"), row.pop("offset"))
            tables["metadata.repeats"][place] = row

    gone = {topic: Deletions(deleted[topic]) for topic in TOPICS}
    hidden = {id(stored) for topic in TOPICS for stored in winners[topic] if _is_hidden(stored, gone[topic])}

    def counting(topic: str) -> list[Stored]:
        return [stored for stored in winners[topic] if id(stored) not in hidden]

    by_lion = positions.tracks(winners[POSITIONS], [s for s in winners[POSITIONS] if id(s) in hidden])
    by_challenge = challenges.stories(counting(CHALLENGES))
    all_challenges = challenges.stories(winners[CHALLENGES]) | by_challenge
    weighings = [s for s in winners[WEIGHTS] if s.event.user_id is not None]
    # A member is inferred from every accepted record that names it, repeats included.
    named = [*accepted[WEIGHTS], *accepted[CHALLENGES]]
    users = {s.event.user_id for s in named if s.event.user_id is not None}
    users |= {s.event.user_id for s in winners[ACTIVITIES]}
    valid = [s for s in weighings if weights.flags_of(s, hidden) == 0]
    tables |= {
        "silver.positions": positions.position_rows(by_lion),
        "silver.lions": positions.lion_rows(by_lion, {s.event.lion_id for s in accepted[WEIGHTS]}),
        "silver.weight_history": weights.weight_rows(winners[WEIGHTS], hidden),
        "silver.users": activities.user_rows(counting(ACTIVITIES), users),
        "silver.user_activities": activities.activity_rows(winners[ACTIVITIES]),
        "silver.challenge_events": challenges.event_rows(winners[CHALLENGES]),
        "silver.challenges": challenges.challenge_rows(all_challenges),
        "metadata.data_quality_checks": quality.check_rows(winners[QUALITY]),
        "gold.lions_metrics": health.metrics_rows(by_lion, weights.valid_weights(winners[WEIGHTS], hidden)),
        "gold.lion_windows": positions.window_rows(by_lion),
        "gold.lions_positions_history": positions.history_rows(by_lion),
        "gold.users_activity": activities.day_rows(counting(ACTIVITIES), valid, by_challenge),
        "gold.user_windows": activities.window_rows(counting(ACTIVITIES)),
        "gold.quality_daily": quality.daily_rows(winners[QUALITY]),
    }
    _mark_deleted(tables, gone, by_lion, counting(ACTIVITIES), by_challenge)
    for table, topic in (("silver.user_activities", ACTIVITIES), ("silver.challenge_events", CHALLENGES)):
        flags = {stored.place: 16 * (id(stored) in hidden) for stored in winners[topic]}
        for row in tables[table].values():
            row["flags"] = flags[topic, row["partition"], row["offset"]]
    return tables


def _is_hidden(stored: Stored, gone: Deletions) -> bool:
    """Whether the source took the record back (a weighing is named by its own id, or by its lion's)."""
    event = stored.event
    if stored.topic == POSITIONS:
        return gone.hide(stored, event.lion_id, event_id=event.event_id)
    if stored.topic == WEIGHTS:
        return any(stored.order < d.order for d in gone.all if d.event.entity_id in (event.weight_id, event.lion_id))
    if stored.topic == ACTIVITIES:
        return gone.hide(stored, event.user_id, event_id=event.event_id or None)
    if stored.topic == CHALLENGES:
        own = (event.extra or {}).get("event_id")
        return gone.hide(stored, event.challenge_id, event_id=own if isinstance(own, str) else None)
    return False  # a quality check is what somebody once found


def _mark_deleted(
    tables: Tables, gone: dict[str, Deletions], by_lion: dict[str, Any], activity: list[Stored], by_challenge: Any
) -> None:
    """deleted_at: the latest deletion, of lions and users while nothing came since, of challenges without an event."""
    for (lion_id,), row in tables["silver.lions"].items():
        track = by_lion.get(lion_id)
        lives = track is not None and any(not flags & 16 for flags in track.flags)
        row["deleted_at"] = None if lives else gone[POSITIONS].when(lion_id)
        if row["deleted_at"] is not None:
            row["status"] = "deleted"
    active = {stored.event.user_id for stored in activity}
    for (user_id,), row in tables["silver.users"].items():
        row["deleted_at"] = None if user_id in active else gone[ACTIVITIES].when(user_id)
    for (challenge_id,), row in tables["silver.challenges"].items():
        row["deleted_at"] = None if challenge_id in by_challenge else gone[CHALLENGES].when(challenge_id, whole=False)


__all__ = ["TOPICS", "Consumed", "Rows", "Tables", "bronze_counts", "compute"]
