"""What deletions hide: every record of the entity (or of one event of it) that was appended before one of them.

::

    order   e1  e2  D  e3          e1 and e2 are hidden, e3 is not
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .settle import Stored, moment


class Deletions:
    """The deletions of one topic."""

    def __init__(self, deletions: Iterable[Stored]) -> None:
        self.all = list(deletions)

    def hide(self, stored: Stored, *entities: str, event_id: Any = None) -> bool:
        """Whether one of these names hides the record."""
        return any(
            stored.order < gone.order
            for gone in self.all
            if gone.event.entity_id in entities and gone.event.event_id in (None, event_id)
        )

    def when(self, entity: str, whole: bool = True) -> Any:
        """The append time of the latest deletion of an entity (``whole``: not of an event of it), None without one."""
        times = [
            gone.append_ms
            for gone in self.all
            if gone.event.entity_id == entity and not (whole and gone.event.event_id is not None)
        ]
        return moment(max(times) * 1000) if times else None
