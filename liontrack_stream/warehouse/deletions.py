"""Deletions: what a source took back. One hides the rows of its entity whose record was appended before it.

append order   ──e1──e2──D──e3──►      e1 and e2 are hidden, whichever of the three arrives first; e3 counts
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from liontrack_stream.contract.events import Deletion
from liontrack_stream.warehouse.identities import Order
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.work import BatchWork

_NEVER: Order = (-1, -1, -1)


@dataclass(frozen=True, slots=True)
class Deletions:
    """The deletions that name some entities, the latest of each."""

    _latest: dict[tuple[str, str | None], Order] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._latest)

    @property
    def entities(self) -> set[str]:
        """The entities that were deleted whole."""
        return {entity for entity, event_id in self._latest if event_id is None}

    @property
    def named(self) -> set[str]:
        """The entities that a deletion names, whole or an event of them."""
        return {entity for entity, _ in self._latest}

    def hides(self, order: Order, entity: str, event_id: str | None = None) -> bool:
        """Whether a record is taken back: by a deletion of its entity, or of this one event of it."""
        if not self._latest:
            return False
        latest = self._latest.get((entity, None), _NEVER)
        if event_id:
            latest = max(latest, self._latest.get((entity, event_id), _NEVER))
        return order < latest


async def load_deletions(work: BatchWork, entities: Iterable[str]) -> Deletions:
    """All deletions of these entities in the batch's topic, this batch's included; read under their locks."""
    wanted = sorted(set(entities))
    latest: dict[tuple[str, str | None], Order] = {}
    rows = await work.connection.fetch(query("metadata/deletions"), work.topic.name, wanted) if wanted else []
    for entity, event_id, *order in rows:
        latest[entity, event_id] = max(latest.get((entity, event_id), _NEVER), (order[0], order[1], order[2]))
    return Deletions(latest)


@dataclass(frozen=True, slots=True)
class NewDeletions:
    """The batch's own deletions."""

    items: Sequence[Deletion]
    offsets: list[int]
    append_us: list[int]
    partitions: list[int]

    @classmethod
    def of(cls, work: BatchWork) -> NewDeletions:
        items, places = work.events(Deletion)
        columns = work.offsets, work.append_us, work.partitions
        return cls(items, *(column[places].tolist() for column in columns))

    def __bool__(self) -> bool:
        return bool(self.items)

    @property
    def entities(self) -> set[str]:
        return {item.entity_id for item in self.items}

    def offsets_of(self, entity: str) -> set[int]:
        """Where the deletions of an entity, or of events of it, are."""
        return {offset for item, offset in zip(self.items, self.offsets, strict=True) if item.entity_id == entity}

    async def rows(self, work: BatchWork, name: str) -> list[Any]:
        """Run ``sql/<name>.sql``, which takes them as columns, and return its rows."""
        if not self.items:
            return []
        ids = [item.entity_id for item in self.items], [item.event_id for item in self.items]
        return list(await work.connection.fetch(query(name), *ids, self.append_us, self.partitions, self.offsets))
