"""What following a collection needs of Postgres: where it was left, and what was told of each document.

::

    change ─► known ─► intend (Postgres) ─► send (Kafka) ─► save the place (Postgres)
                          └ a crash from here on leaves a trace of what Kafka may hold
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

KnownEvent = tuple[str, str, str]  # topic, key, id


@dataclass(frozen=True, slots=True)
class Known:
    """What was told last of a document.

    ``version_us`` ascends with each content of the document. ``events``: of a document that is one event, those in
    Kafka that may stand for it, the last one told last; empty where each version is an event of its own. ``told``:
    Kafka is known to hold it. ``read_us``: this version was read after everything that MongoDB changed up to this
    logical time.
    """

    document_id: str
    topic: str
    key: str
    version_us: int
    content_hash: int
    events: tuple[KnownEvent, ...] = ()
    deleted: bool = False
    told: bool = False
    read_us: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a collection is: ``mode`` is snapshot, stream or poll; ``token`` and ``snapshot_after`` are JSON.

    ``snapshot`` numbers the snapshots; ``changes`` counts what was taken in since the beginning.
    """

    mode: str
    token: str | None = None
    snapshot: int = 0
    snapshot_after: str | None = None
    changes: int = 0


@dataclass(slots=True)
class Settled:
    """What Kafka holds now: documents told of, seen by a snapshot, deleted (id -> µs), and how many changes."""

    told: Sequence[str] = ()
    seen: Sequence[str] = ()
    deleted: dict[str, int] = field(default_factory=dict)
    changes: int = 0
    changed_us: int | None = None


class Held(Exception):
    """Another process watches the collection; the message says which."""


class Lead(Protocol):
    """The right to watch one collection, as the only one; writing fails once it is lost."""

    place: Place

    async def known(self, document_ids: Sequence[str]) -> dict[str, Known]:
        """What was told of these documents."""

    async def intend(self, documents: Sequence[Known]) -> None:
        """Note what is about to be told."""

    async def save(self, place: Place, settled: Settled) -> None:
        """Kafka holds everything before ``place``: in one transaction."""

    async def unseen(self, limit: int) -> list[str]:
        """Documents told of that the current snapshot has not seen."""


class Leads(Protocol):
    """Where leads come from."""

    def lead(self, collection: str) -> AbstractAsyncContextManager[Lead]:
        """Take the lead of a collection; raises `Held` where another process has it."""
