"""Where the MongoDB source keeps its places: two tables of the catalog, and an advisory lock per collection.

All of a collection is written over the one connection that holds its lock: who has lost the lock cannot write.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from liontrack_stream.settings import Settings
from liontrack_stream.sources.mongo.ports import Held, Known, Place, Settled
from liontrack_stream.warehouse.opening import owner_name
from liontrack_stream.warehouse.pool import acting_as, integer_times
from liontrack_stream.warehouse.queries import live_query

_CONNECT_TIMEOUT_S = 5.0
_COMMAND_TIMEOUT_S = 30.0
_CLOSE_TIMEOUT_S = 1.0


class MongoPlaces:
    """The places of one database's collections. ``source`` is the database's name."""

    def __init__(self, settings: Settings, source: str) -> None:
        self._settings, self._source = settings, source

    @asynccontextmanager
    async def lead(self, collection: str) -> AsyncIterator[MongoLead]:
        """Take the lead of a collection.

        Raises
        ------
        Held
            Where another process has it.
        """
        connection = await connect(self._settings)
        try:
            name = (self._source, collection)
            if not await connection.fetchval(live_query("sources/mongo_lead"), *name):
                holder = await connection.fetchval(live_query("sources/mongo_holder"), *name)
                raise Held(f"{holder or 'another process'} watches it")
            row = await connection.fetchrow(live_query("sources/mongo_begin"), *name, owner_name(self._settings))
            yield MongoLead(connection, name, Place(*row))
            await connection.close(timeout=_CLOSE_TIMEOUT_S)
        finally:
            connection.terminate()


class MongoLead:
    """The lead of one collection, as `liontrack_stream.sources.mongo.ports.Lead` says."""

    def __init__(self, connection: asyncpg.Connection, name: tuple[str, str], place: Place) -> None:
        self.place = place
        self._connection, self._name = connection, name

    async def known(self, document_ids: Sequence[str]) -> dict[str, Known]:
        """What was told of these documents."""
        rows = await self._connection.fetch(live_query("sources/mongo_known"), *self._name, list(document_ids))
        known = [
            Known(row[0], row[1], row[2], row[3], row[4], tuple(map(tuple, json.loads(row[5]))), row[6], row[7], row[8])
            for row in rows
        ]
        return {one.document_id: one for one in known}

    async def intend(self, documents: Sequence[Known]) -> None:
        """Note what is about to be told."""
        rows = (
            (d.document_id, d.topic, d.key, d.version_us, d.content_hash, json.dumps(d.events), d.read_us)
            for d in documents
        )
        columns = zip(*rows, strict=True)
        await self._connection.execute(
            live_query("sources/mongo_intend"), *self._name, *map(list, columns), self.place.snapshot
        )

    async def save(self, place: Place, settled: Settled) -> None:
        """Kafka holds everything before ``place``: in one transaction."""
        async with self._connection.transaction():
            if settled.told:
                await self._execute("mongo_told", list(settled.told))
            if settled.seen:
                await self._execute("mongo_seen", list(settled.seen), place.snapshot)
            if settled.deleted:
                await self._execute("mongo_deleted", list(settled.deleted), list(settled.deleted.values()))
            await self._execute(
                "mongo_save",
                place.mode,
                place.token,
                place.snapshot,
                place.snapshot_after,
                settled.changes,
                settled.changed_us,
            )
        self.place = Place(
            place.mode, place.token, place.snapshot, place.snapshot_after, self.place.changes + settled.changes
        )

    async def unseen(self, limit: int) -> list[str]:
        """Documents told of that the current snapshot has not seen."""
        rows = await self._connection.fetch(live_query("sources/mongo_unseen"), *self._name, self.place.snapshot, limit)
        return [row["document_id"] for row in rows]

    async def _execute(self, name: str, *arguments: Any) -> None:
        await self._connection.execute(live_query(f"sources/{name}"), *self._name, *arguments)


async def connect(settings: Settings) -> asyncpg.Connection:
    """A connection that acts as the ingesting role; times are microseconds."""
    connection = await asyncpg.connect(
        **settings.pg_dsn,
        timeout=_CONNECT_TIMEOUT_S,
        command_timeout=_COMMAND_TIMEOUT_S,
        server_settings={
            "application_name": "liontrack source mongo",
            "timezone": "UTC",
            "jit": "off",
            **acting_as(settings.pg_ingest_role),
        },
    )
    try:
        await integer_times(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def places(settings: Settings) -> list[dict[str, Any]]:
    """Where every collection that was ever watched is."""
    connection = await connect(settings)
    try:
        return [dict(row) for row in await connection.fetch(live_query("sources/mongo_places"))]
    finally:
        connection.terminate()
