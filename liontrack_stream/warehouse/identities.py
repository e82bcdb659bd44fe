"""One record per identity: which events of a batch are to be written, which give way, which are repeats.

Used by the topics whose identities are looked up in the warehouse; positions settle theirs with their neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import numpy as np

from liontrack_stream.warehouse.copying import Rows
from liontrack_stream.warehouse.work import BatchWork

Identity = tuple[Any, ...]
Order = tuple[int, int, int]  # append_us, partition, offset: the lower one wins


@dataclass(frozen=True, slots=True)
class Claim:
    """A record that claims an identity; ``event`` is None for the one that the warehouse holds."""

    identity: Identity
    order: Order
    content_hash: int
    event: Any = None
    stored: Any = None


@dataclass(slots=True)
class Claims:
    """``winners`` are written, after ``replaced`` rows are deleted."""

    winners: list[Claim] = field(default_factory=list)
    replaced: list[Claim] = field(default_factory=list)


async def settle_identities(
    work: BatchWork,
    kind: type[Any],
    identity_of: Callable[[Any], Identity],
    stored: Callable[[list[Identity]], Any],
    stored_identity: Callable[[asyncpg.Record], Identity],
) -> Claims:
    """Decide the batch's identities, and keep the coordinates of its repeats.

    Parameters
    ----------
    kind
        The struct of the events to look at.
    identity_of, stored_identity
        The natural identity of an event, of a stored row.
    stored
        Awaitable lookup of the stored rows of some identities.
    """
    events, places = work.events(kind)
    orders = work.append_us, work.partitions, work.offsets
    fresh = [
        Claim(identity_of(event), order, event.content_hash(), event)
        for event, order in zip(events, zip(*(column[places].tolist() for column in orders), strict=True), strict=True)
    ]
    rows = await stored(sorted({claim.identity for claim in fresh})) if fresh else []
    held = [
        Claim(
            stored_identity(row), (row["append_time"], row["partition"], row["offset"]), row["content_hash"], stored=row
        )
        for row in rows
    ]
    best: dict[Identity, Claim] = {}
    for claim in sorted((*held, *fresh), key=lambda claim: claim.order):
        best.setdefault(claim.identity, claim)
    losers = [claim for claim in fresh if best[claim.identity] is not claim]
    replaced = [claim for claim in held if best[claim.identity] is not claim]
    await _store_repeats(work, [*losers, *replaced])
    different = [c for c in (*losers, *replaced) if c.content_hash != best[c.identity].content_hash]
    work.catch("conflict", [claim.order[1] for claim in different], [claim.order[2] for claim in different])
    conflicts = len(different)
    winners = [claim for claim in best.values() if claim.event is not None]
    work.count(
        silver=len(winners) - len(replaced), duplicates=len(losers) + len(replaced) - conflicts, conflicts=conflicts
    )
    return Claims(winners, replaced)


async def _store_repeats(work: BatchWork, claims: list[Claim]) -> None:
    if claims:
        append_us, partitions, offsets = zip(*(claim.order for claim in claims), strict=True)
        hashes = [claim.content_hash for claim in claims]
        names = ["|".join(map(str, claim.identity)) for claim in claims]
        await work.store_repeats(names, partitions, offsets, append_us, hashes)


def order_columns(rows: Rows, topic: str, winners: Iterable[Claim]) -> Rows:
    """The columns that say which record a row comes from."""
    claims = list(winners)
    append_us, partitions, offsets = (np.array([claim.order[i] for claim in claims]) for i in range(3))
    rows.constant("topic", topic).int4("partition", partitions).int8("offset", offsets)
    return rows.timestamp("append_time", append_us).int8("content_hash", [claim.content_hash for claim in claims])


def columns(identities: Iterable[Identity]) -> list[list[Any]]:
    """Identities as parallel lists, for ``unnest``."""
    return list(map(list, zip(*identities, strict=True)))
