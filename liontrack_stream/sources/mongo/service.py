"""All watched collections at once. Whatever is away is waited for; nothing is told before it is sure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from pymongo.errors import PyMongoError

from liontrack_stream.kafka.errors import ProduceError, TopicError
from liontrack_stream.kafka.producer import EventProducer
from liontrack_stream.kafka.topics import create_topics
from liontrack_stream.settings import Settings
from liontrack_stream.sources.mongo.follow import Follower
from liontrack_stream.sources.mongo.ports import Held, Lead, Leads
from liontrack_stream.sources.mongo.server import NoStreams, Source, TokenLost, is_refusal, said

Report = Callable[[str, str], None]  # part, message

HELD_RETRY_S = 2.0
_STEADY_AFTER_S = 10.0


class MongoSourceError(Exception):
    """Watching cannot go on; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to watch. ``retried`` are the errors of Postgres that pass, ``backoff_s`` the wait after the nth try."""

    retried: tuple[type[BaseException], ...]
    backoff_s: Callable[[int], float]
    until_caught_up: bool = False
    again: bool = False
    poll: bool = False


class MongoService:
    """Watches collections; ``changes`` counts what each has taken in since it was first watched."""

    def __init__(
        self,
        settings: Settings,
        sources: list[Source],
        leads: Leads,
        manner: Manner,
        report: Report,
    ) -> None:
        self._settings, self._sources = settings, sources
        self._leads, self._manner, self._report = leads, manner, report
        self._said: dict[str, str] = {}
        self.changes: dict[str, int] = {}
        self._again: dict[str, bool] = {}

    async def run(self) -> None:
        """Until all are caught up where that is asked for, else until cancelled.

        Raises
        ------
        MongoSourceError
            When MongoDB refuses the user, or, until caught up, another process watches a collection.
        """
        await self._topics()
        tasks = [asyncio.create_task(self._keep(source)) for source in self._sources]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _say(self, part: str, message: str) -> None:
        """Report, but for what this part has just said."""
        if self._said.get(part) != message:
            self._said[part] = message
            self._report(part, message)

    async def _topics(self) -> None:
        attempt = 0
        while True:
            try:
                for warning in (await create_topics(self._settings)).warnings:
                    self._say("kafka", warning)
            except TopicError as error:
                attempt += 1
                self._say("kafka", f"waits: {error}")
                await asyncio.sleep(self._manner.backoff_s(attempt))
            else:
                return

    async def _keep(self, source: Source) -> None:
        """Follow one collection; again after whatever passes."""
        name, attempt = source.mapping.collection, 0
        while True:
            began = time.monotonic()
            try:
                async with self._leads.lead(name) as lead:
                    try:
                        await self._follow(source, lead)
                        return
                    finally:
                        self.changes[name] = lead.place.changes
            except Held as error:
                if self._manner.until_caught_up:
                    raise MongoSourceError(f"{name}: {error}; only one process may.") from None
                self._say(name, f"{error}; this one waits for its turn")
                await asyncio.sleep(HELD_RETRY_S)
                continue
            except PyMongoError as error:
                if is_refusal(error):
                    raise MongoSourceError(
                        f"MongoDB refuses ({said(error)}): check the user and password of MONGODB_URI, and that it may "
                        f"read {name}."
                    ) from None
                self._say(name, f"waits for MongoDB: {said(error)}")
            except (ProduceError, NoStreams, TokenLost) as error:
                self._say(name, f"waits: {error}")
            except self._manner.retried as error:
                self._say(name, f"waits for PostgreSQL: {error or type(error).__name__}")
            attempt = 1 if time.monotonic() - began > _STEADY_AFTER_S else attempt + 1
            await asyncio.sleep(self._manner.backoff_s(attempt))

    async def _follow(self, source: Source, lead: Lead) -> None:
        name = source.mapping.collection
        async with EventProducer(self._settings) as producer:
            follower = Follower(
                source,
                lead,
                producer,
                lambda message: self._say(name, message),
                poll=self._manner.poll,
                poll_interval_s=self._settings.mongo_poll_interval_s,
                list_interval_s=self._settings.mongo_list_interval_s,
                until_caught_up=self._manner.until_caught_up,
                again=self._again.get(name, self._manner.again),
            )
            try:
                await follower.run()
            finally:
                self._again[name] = follower.again
