"""What PostgreSQL itself has seen of claims and batches, and what is wrong with it.

Claims are noted by a trigger and batches by the batch, both while the partition's row is locked: a partition's notes
stand in the order in which they were committed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import asyncpg

from liontrack_stream.kafka.ports import Partition
from liontrack_stream.settings import Settings

_INSTALL = """
CREATE SCHEMA watched;
CREATE SEQUENCE watched.clock;
CREATE TABLE watched.claims (topic text, partition int, owner text, epoch bigint,
                             at bigint DEFAULT nextval('watched.clock'));
CREATE TABLE watched.batches (topic text, partition int, owner text, epoch bigint, first_offset bigint,
                              next_offset bigint, at bigint DEFAULT nextval('watched.clock'));
CREATE FUNCTION watched.note_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR new.lease_epoch IS DISTINCT FROM old.lease_epoch THEN
        INSERT INTO watched.claims VALUES (new.topic, new.partition, new.lease_owner, new.lease_epoch);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER note_claim AFTER INSERT OR UPDATE ON metadata.consumed_offsets
    FOR EACH ROW EXECUTE FUNCTION watched.note_claim();
GRANT USAGE ON SCHEMA watched TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA watched TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA watched TO PUBLIC;
"""
NOTE_BATCHES = """
INSERT INTO watched.batches (topic, partition, owner, epoch, first_offset, next_offset)
SELECT $1, * FROM unnest($2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
"""
_FORGET = "TRUNCATE watched.claims, watched.batches, metadata.consumed_offsets"
_CLAIMS = "SELECT topic, partition, at, owner, epoch FROM watched.claims"
_BATCHES = "SELECT topic, partition, at, owner, epoch, first_offset, next_offset FROM watched.batches"
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True, slots=True)
class Note:
    """A claim, or a batch of [first_offset, next_offset)."""

    at: int
    owner: str
    epoch: int
    first_offset: int | None = None
    next_offset: int | None = None


async def watched(settings: Settings) -> None:
    """Have claims noted, and batches notable, in a migrated warehouse."""
    connection = await asyncpg.connect(**settings.pg_dsn)
    try:
        await connection.execute(_INSTALL)
    finally:
        await connection.close()


async def forget(connection: asyncpg.Connection) -> None:
    """Begin anew, as if nothing had ever been claimed."""
    await connection.execute(_FORGET)


async def notes(connection: asyncpg.Connection) -> dict[Partition, list[Note]]:
    """Each partition's notes, in order."""
    found: dict[Partition, list[Note]] = defaultdict(list)
    for row in chain(await connection.fetch(_CLAIMS), await connection.fetch(_BATCHES)):
        found[row[0], row[1]].append(Note(*row[2:]))
    return {place: sorted(each, key=lambda note: note.at) for place, each in found.items()}


async def deadlocks(connection: asyncpg.Connection) -> int:
    """How many PostgreSQL has ended until now."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    return int(await connection.fetchval(_DEADLOCKS))


def wrong(found: Mapping[Partition, Iterable[Note]], ends: Mapping[Partition, int]) -> list[str]:
    """Sentences: what was written by others than the holder, twice, not at all or out of order."""
    return [text for place, end in ends.items() for text in _wrong(place, found.get(place, ()), end)]


def _wrong(place: Partition, notes: Iterable[Note], end: int) -> Iterator[str]:
    holder, position, name = (0, ""), 0, f"{place[0]}/{place[1]}"
    for note in notes:
        if note.first_offset is None or note.next_offset is None:
            if note.epoch <= holder[0]:
                yield f"{name}: {note.owner} claimed with epoch {note.epoch}, after {holder[0]}"
            holder = note.epoch, note.owner
            continue
        if (note.epoch, note.owner) != holder:
            yield f"{name}: {note.owner} of epoch {note.epoch} wrote while {holder[1]} held it with {holder[0]}"
        if note.first_offset != position:
            yield f"{name}: a batch of {note.first_offset} to {note.next_offset - 1} was stored at {position}"
        position = note.next_offset
    if position != end:
        yield f"{name}: stored up to {position}, not {end}"
