"""What is asked of MongoDB: changes, snapshots, polls. Only the mapping's fields are ever asked for."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId, Timestamp
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps, loads
from pymongo import ASCENDING, AsyncMongoClient
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.errors import ConfigurationError, ConnectionFailure, InvalidURI, OperationFailure, PyMongoError

from liontrack_stream.settings import Settings, SettingsError
from liontrack_stream.sources.mongo.mapping import NounMapping
from liontrack_stream.sources.mongo.tell import NEWEST, Change
from liontrack_stream.sources.mongo.values import id_text, microseconds

BATCH_MAX_CHANGES = 500
_BATCH_WITHIN_S = 0.5
_AWAIT_MS = 200
_OPTIONS: dict[str, Any] = {  # where the URI has none of its own
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 5_000,
    "appname": "liontrack source",
}
_TOKEN_LOST = frozenset({9, 222, 234, 260, 280, 286})  # unreadable, closed, killed, invalid, fatal, history lost
_NO_STREAMS = frozenset({20, 59, 115, 304, 40324, 40573})  # no replica set, no such command or stage
_WRITES = frozenset({"insert", "update", "replace"})
_ENDS = frozenset({"drop", "rename", "dropDatabase", "invalidate"})


class TokenLost(Exception):
    """MongoDB no longer has what comes after a place."""


class NoStreams(Exception):
    """This server has no change streams."""


class Gone(Exception):
    """The collection was dropped or renamed: what it holds now has to be looked at anew."""


def connect(settings: Settings) -> tuple[AsyncMongoClient[dict[str, Any]], str]:
    """A client, which connects when it is used, and the database's name.

    Raises
    ------
    SettingsError
        When MONGODB_URI is missing, no URI, or names no database. The URI shows in no message.
    """
    if settings.mongodb_uri is None or not settings.mongodb_uri.get_secret_value():
        raise SettingsError(
            "Set MONGODB_URI to where MongoDB is, with its database, such as mongodb://127.0.0.1:27017/liontrack."
        )
    uri = settings.mongodb_uri.get_secret_value()
    own = {option: value for option, value in _OPTIONS.items() if f"{option.lower()}=" not in uri.lower()}
    try:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            uri,
            **own,
            datetime_conversion="DATETIME_AUTO",
            unicode_decode_error_handler="replace",
        )
    except (InvalidURI, ConfigurationError, ValueError, TypeError):
        raise SettingsError(
            "MONGODB_URI is no URI of MongoDB: it looks like mongodb://USER:PASSWORD@HOST:27017/DATABASE, and special "
            "characters of user and password are percent-encoded."
        ) from None
    try:
        return client, client.get_default_database().name
    except ConfigurationError:
        raise SettingsError("MONGODB_URI names no database: let it end in /DATABASE, such as /liontrack.") from None


def said(error: PyMongoError) -> str:
    """An error in few words; the long forms quote the server's whole answer."""
    if isinstance(error, OperationFailure):
        details = error.details or {}
        return f"{details.get('errmsg') or 'refused'} (code {error.code})"
    return str(error).split(", Timeout:")[0].split(" (configured timeouts:")[0][:300]


def is_refusal(error: PyMongoError) -> bool:
    """Whether MongoDB refuses this user: waiting would not help."""
    return isinstance(error, OperationFailure) and error.code in (13, 18)


class Source:
    """One collection. ``token`` texts are JSON: where a stream goes on, or the newest ``updatedAt`` of a poll."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], database: str, mapping: NounMapping) -> None:
        self.mapping = mapping
        self._client, self._collection = client, client[database][mapping.collection]
        self._session = client.start_session(causal_consistency=False)  # knows the logical time of the last answer
        self._read_us = 0

    async def now(self) -> Timestamp:
        """The server's time: of its operations, or of its clock where it counts none."""
        hello = await self._client.admin.command("hello")
        if "operationTime" in hello:
            return Timestamp(hello["operationTime"].time, hello["operationTime"].inc)
        return Timestamp(int((microseconds(hello["localTime"]) or 0) // 1_000_000), 0)

    @asynccontextmanager
    async def stream(self, token: str | None) -> AsyncIterator[AsyncChangeStream[dict[str, Any]]]:
        """The changes after a place; from now on without one.

        Raises
        ------
        TokenLost, NoStreams
        """
        where = {} if token is None else loads(token)
        names = ("operationType", "documentKey", "clusterTime", "wallTime")
        wanted = [*names, *(f"fullDocument.{root}" for root in self.mapping.roots)]
        wanted += [f"updateDescription.updatedFields.{root}" for root in sorted(self.mapping.updated_roots)]
        with translated():
            stream = await self._collection.watch(
                [{"$project": dict.fromkeys(wanted, 1)}],
                full_document="updateLookup",
                max_await_time_ms=_AWAIT_MS,
                batch_size=BATCH_MAX_CHANGES,
                resume_after=where.get("resume"),
                start_at_operation_time=where.get("from"),
                session=self._session,
            )
        try:
            yield stream
        finally:
            await stream.close()

    async def beginning(self) -> str:
        """The place from which a stream tells everything that a snapshot begun now may miss.

        Raises
        ------
        NoStreams
        """
        before = await self.now()
        async with self.stream(None) as stream:
            with translated():
                await stream.try_next()
            return _token(None, before) if stream.resume_token is None else _token(stream.resume_token)

    async def changes(self, stream: AsyncChangeStream[dict[str, Any]]) -> tuple[list[Change], str | None, bool]:
        """What has happened since, up to a batch; the place after it; whether anything was there at all.

        Raises
        ------
        TokenLost, NoStreams, Gone
        """
        changes: list[Change] = []
        until, seen = time.monotonic() + _BATCH_WITHIN_S, 0
        with translated():
            while seen < BATCH_MAX_CHANGES and time.monotonic() < until:
                before = self._time()
                change = await stream.try_next()
                if self._time() != before:  # the server was asked; its look-ups came after what it had told before
                    self._read_us = before
                if change is None:
                    if not stream.alive:
                        raise TokenLost("MongoDB ended the stream")
                    break
                seen += 1
                if change["operationType"] in _ENDS:
                    raise Gone(change["operationType"])
                if (told := self._change(change)) is not None:
                    changes.append(told)
        token = stream.resume_token
        return changes, None if token is None else _token(token), seen > 0

    def _change(self, change: Mapping[str, Any]) -> Change | None:
        kind, document_id = change["operationType"], id_text(change.get("documentKey", {}).get("_id"))
        made_us = microseconds(change.get("clusterTime")) or 0
        changed_us = microseconds(change.get("wallTime")) or made_us
        if kind == "delete":
            return Change(document_id, None, changed_us)
        if kind not in _WRITES or change.get("fullDocument") is None:  # deleted since; that change is still to come
            return None
        document = change["fullDocument"]
        if kind != "update":
            return Change(document_id, document, changed_us, True, made_us, made_us)
        fields = (change.get("updateDescription") or {}).get("updatedFields") or {}
        dated = bool(self.mapping.updated_roots & fields.keys())
        return Change(document_id, document, changed_us, dated, NEWEST, self._read_us)

    async def snapshot(self, after: str | None, began: Timestamp) -> AsyncIterator[tuple[list[Change], str]]:
        """All documents in the order of their ``_id``, in batches, each with the last ``_id`` as extended JSON."""
        query: dict[str, Any] = {}
        if after is not None:
            last = loads(after)["_id"]
            query = {"$or": [{"_id": {"$gt": last}}, {"_id": {"$not": {"$type": _bson_type(last)}}}]}
        cursor = self._collection.find(query, self._projection()).sort("_id", ASCENDING)
        async with cursor.batch_size(BATCH_MAX_CHANGES):
            while documents := await cursor.to_list(BATCH_MAX_CHANGES):
                last_id = dumps({"_id": documents[-1]["_id"]}, json_options=CANONICAL_JSON_OPTIONS)
                yield [self._as_is(document, began) for document in documents], last_id

    async def count(self) -> int:
        """About how many documents there are."""
        return await self._collection.estimated_document_count()

    async def written_since(self, us: int, began: Timestamp) -> AsyncIterator[tuple[list[Change], int]]:
        """Documents whose updatedAt is this late or later, oldest first, in batches, each with its newest time."""
        field = self.mapping.fields["updated_at"][0]
        since = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
        written = {field: {"$gte": since}}
        cursor = self._collection.find(written, self._projection()).sort(field, ASCENDING)
        async with cursor.batch_size(BATCH_MAX_CHANGES):
            while documents := await cursor.to_list(BATCH_MAX_CHANGES):
                newest = microseconds(documents[-1].get(field)) or us
                yield [self._as_is(document, began) for document in documents], newest

    def _projection(self) -> dict[str, int]:
        return dict.fromkeys(self.mapping.roots, 1)

    def _as_is(self, document: dict[str, Any], began: Timestamp) -> Change:
        made = document["_id"] if isinstance(document["_id"], ObjectId) else None
        began_us = microseconds(began) or 0
        return Change(
            id_text(document["_id"]),
            document,
            microseconds(made) or began_us,
            read_us=began_us,
        )

    def _time(self) -> int:
        return microseconds(self._session.operation_time) or 0


class translated:
    """Turns MongoDB's errors on streams into what they mean."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OperationFailure):
            return
        if error.code in _NO_STREAMS:
            raise NoStreams(said(error)) from error
        if error.code in _TOKEN_LOST or error.has_error_label("NonResumableChangeStreamError"):
            raise TokenLost(said(error)) from error


def _token(resume: Mapping[str, Any] | None, started: Timestamp | None = None) -> str:
    return dumps({"from": started} if resume is None else {"resume": resume}, json_options=CANONICAL_JSON_OPTIONS)


def _bson_type(value: Any) -> str:
    if isinstance(value, ObjectId):
        return "objectId"
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else "object"


__all__ = ["ConnectionFailure", "Gone", "NoStreams", "Source", "TokenLost", "connect", "is_refusal", "said"]
