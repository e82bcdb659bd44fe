"""The decoded events: one struct per topic, plus what is not an event (a deletion, a rejection).

Times are microseconds since the epoch, UTC. ``extra`` holds the fields the contract does not name.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import xxhash

_signed = struct.Struct(">q").unpack
_canonical = msgspec.json.Encoder(order="sorted")


def to_json(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no spaces; integers of any size."""
    try:
        return _canonical.encode(value)
    except OverflowError:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def content_hash(content: Any) -> int:
    """A signed 64-bit hash of canonical JSON (xxh3): equal for equal content, whatever form it came in."""
    return int(_signed(xxhash.xxh3_64_digest(to_json(content)))[0])


class Position(msgspec.Struct, gc=False, frozen=True):
    """One GPS fix of a lion. Identity: lion_id + time_us. Degrees; ``accuracy`` and ``altitude`` in metres."""

    lion_id: str
    time_us: int
    lat: float
    lng: float
    name: str | None = None
    source: str | None = None
    confidence: float | None = None
    accuracy: float | None = None
    altitude: float | None = None
    dop: float | None = None
    temperature: float | None = None
    visible: bool | None = None
    event_id: str | None = None
    extra: dict[str, Any] | None = None


class Positions(Sequence[Position]):
    """Fixes as columns, one per field of `Position` and in its order; asked for one by its place, it makes a struct."""

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns["lion_id"])

    def __getitem__(self, place: Any) -> Any:
        return Position(*(column[place] for column in self.columns.values()))


def content_hashes(columns: Mapping[str, Sequence[Any]]) -> Sequence[int]:
    """For each fix the hash of everything but its identity, of the fixes' columns; `content_hash` of many at once."""
    contents = list(zip(*(columns[name] for name in Position.__struct_fields__[2:]), strict=True))
    try:
        texts = _canonical.encode_lines(contents).splitlines()
    except OverflowError:
        texts = list(map(to_json, contents))
    digests = list(map(xxhash.xxh3_64_digest, texts))
    return struct.unpack(f">{len(digests)}q", b"".join(digests))


class Weight(msgspec.Struct, frozen=True):
    """One weighing. Identity: weight_id. ``weight`` in ``unit`` ('kg', 'g' or 'lb')."""

    weight_id: str
    lion_id: str
    time_us: int
    weight: float
    unit: str = "kg"
    source: str | None = None
    user_id: str | None = None
    extra: dict[str, Any] | None = None

    def content_hash(self) -> int:
        """Hash of everything but the identity (the measuring time is content here)."""
        return content_hash((self.lion_id, self.time_us, self.weight, self.unit, self.source, self.user_id, self.extra))


class Activity(msgspec.Struct, frozen=True):
    """One thing a user did. Identity: user_id + activity_type + time_us + event_id ('' where none came)."""

    user_id: str
    activity_type: str
    time_us: int
    event_id: str = ""
    username: str | None = None
    email: str | None = None
    roles: tuple[str, ...] | None = None
    extra: dict[str, Any] | None = None

    def content_hash(self) -> int:
        """Hash of everything but the identity."""
        return content_hash((self.username, self.email, self.roles, self.extra))


class Challenge(msgspec.Struct, frozen=True):
    """One status of a challenge. Identity: challenge_id + time_us (updated_at) + status."""

    challenge_id: str
    user_id: str
    status: str
    time_us: int
    title: str | None = None
    description: str | None = None
    created_us: int | None = None
    due_us: int | None = None
    progress: float | None = None
    extra: dict[str, Any] | None = None

    def content_hash(self) -> int:
        """Hash of everything but the identity."""
        return content_hash(
            (self.user_id, self.title, self.description, self.created_us, self.due_us, self.progress, self.extra)
        )


class QualityCheck(msgspec.Struct, frozen=True):
    """One data quality result. Identity: table_name + check_name + time_us. ``quality_percentage`` 0–100."""

    table_name: str
    check_name: str
    time_us: int
    total_records: int
    valid_records: int
    invalid_records: int
    quality_percentage: float
    extra: dict[str, Any] | None = None

    def content_hash(self) -> int:
        """Hash of everything but the identity."""
        return content_hash(
            (self.total_records, self.valid_records, self.invalid_records, self.quality_percentage, self.extra)
        )


class Deletion(msgspec.Struct, frozen=True):
    """The source deleted an entity: a tombstone, Debezium ``d`` or a change stream's ``delete``.

    ``event_id``: only that one event of the entity.
    """

    entity_id: str
    event_id: str | None = None


class Rejected(msgspec.Struct, frozen=True):
    """A record that breaks the contract: ``rule`` is a stable name, ``reason`` a sentence."""

    rule: str
    reason: str


Event: TypeAlias = Position | Weight | Activity | Challenge | QualityCheck
Decoded: TypeAlias = Event | Deletion | Rejected
