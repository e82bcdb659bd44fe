"""What a replay is bounded to: which records it takes, and which rows of the live generation these are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Deletion
from liontrack_stream.contract.topics import POSITIONS, TOPICS, WEIGHTS, TopicSpec
from liontrack_stream.core.lineage import fed_by


@dataclass(frozen=True, slots=True)
class Bounds:
    """Without any, all records. ``since`` and ``until`` are append times, ``until`` is not part of it."""

    topics: tuple[TopicSpec, ...] = TOPICS
    lion_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def options(self) -> dict[str, Any]:
        """As the catalog keeps them; empty where nothing is left out."""
        named = {
            "topics": None if self.topics == TOPICS else [topic.name for topic in self.topics],
            "lion": self.lion_id,
            "from": self.since and self.since.isoformat(),
            "to": self.until and self.until.isoformat(),
        }
        return {name: value for name, value in named.items() if value is not None}

    def reads(self, topic: str) -> bool:
        """Whether any record of the topic may be taken."""
        of_lions = (POSITIONS.name, WEIGHTS.name)
        return any(topic == one.name for one in self.topics) and (self.lion_id is None or topic in of_lions)

    def taken(self, topic: str, records: Sequence[Any]) -> Sequence[Any]:
        """The records that are replayed, of some that were read."""
        if (self.lion_id, self.since, self.until) == (None, None, None):
            return records
        return [record for record in records if self.takes(topic, record)]

    def takes(self, topic: str, record: Any) -> bool:
        """Whether a record is replayed.

        Of one lion, weighings of all are: two lions' records may hold one weight_id, and the first of them wins.
        """
        at_ms = record.timestamp
        if self.since is not None and at_ms < self.since.timestamp() * 1000:
            return False
        if self.until is not None and at_ms >= self.until.timestamp() * 1000:
            return False
        if self.lion_id is None or topic != POSITIONS.name:
            return True
        event = decode(topic, record.key, record.value)
        return isinstance(event, Deletion) or getattr(event, "lion_id", None) == self.lion_id

    def compares(self, table: str, columns: Collection[str]) -> bool:
        """Whether the live rows of a table that the replay should have made can be told from the others."""
        return (
            fed_by(table) <= {topic.noun for topic in self.topics}
            and (self.lion_id is None or "lion_id" in columns)
            and (self.since is self.until is None or "append_time" in columns)
        )

    @property
    def parameters(self) -> tuple[str | None, datetime | None, datetime | None, list[str] | None]:
        """Those of ``sql/generations/compare_table.sql``: lion, since, until, topics; None where all are meant."""
        topics = None if self.topics == TOPICS else [topic.name for topic in self.topics]
        return self.lion_id, self.since, self.until, topics
