"""Following one collection: a snapshot, then its changes, for as long as it takes.

::

    place 1 ──────────────────────────────────────► stream from place 1
       └─ snapshot in the order of _id ─► sweep ─┘     (what was written meanwhile comes twice, and counts once)

Each batch: note in Postgres what will be told, send, wait for Kafka, save the place. ``kill -9`` between any two of
these steps repeats the batch.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from bson import Timestamp
from bson.json_util import dumps, loads

from liontrack_stream.crashpoints import crash_here
from liontrack_stream.kafka.producer import EventProducer, Outgoing
from liontrack_stream.sources.mongo.ports import Known, Lead, Place, Settled
from liontrack_stream.sources.mongo.server import Gone, NoStreams, Source, TokenLost
from liontrack_stream.sources.mongo.tell import Change, Refused, tell
from liontrack_stream.sources.mongo.values import microseconds

Report = Callable[[str], None]

SWEEP_DOCUMENTS = 500
POLL_OVERLAP_US = 10_000_000  # writes that were under way, clocks that differ
_POLLED = "updated"  # the place of a poll: the newest updatedAt, in µs
SAY_EVERY_S = 2.0
IDLE_SAVE_S = 10.0  # a quiet collection's place goes on, lest MongoDB forget it


class Follower:
    """Follows a collection under one lead and with one producer; ``report`` is told what a person wants to know.

    ``again``: a snapshot comes first that tells everything, also what Kafka is known to hold; False once it is done.
    """

    def __init__(
        self,
        source: Source,
        lead: Lead,
        producer: EventProducer,
        report: Report,
        *,
        poll: bool,
        poll_interval_s: float,
        list_interval_s: float,
        until_caught_up: bool,
        again: bool = False,
    ) -> None:
        self._source, self._lead, self._producer, self._report = source, lead, producer, report
        self._poll, self._poll_interval_s, self._list_interval_s = poll, poll_interval_s, list_interval_s
        self._until_caught_up, self.again = until_caught_up, again
        self._swept_at = self._said_at = -math.inf

    async def run(self) -> None:
        """Until caught up where that is asked for, else until it fails or is cancelled."""
        while True:
            place = self._lead.place
            try:
                if self._poll:
                    return await self._by_polling()
                if self.again or place.mode == "poll" or place.token is None or _POLLED in loads(place.token):
                    await self._begin_snapshot(await self._source.beginning())
                if self._lead.place.mode == "snapshot":
                    await self._snapshot("stream")
                return await self._by_stream()
            except NoStreams as error:
                self._poll = True
                self._report(
                    f"MongoDB has no change streams here ({error}): asking for new updatedAt every "
                    f"{self._poll_interval_s:g} s instead; a document that is written without it is found when it is "
                    f"listed, every {self._list_interval_s:g} s, as deletions are"
                )
            except TokenLost as error:
                self._report(f"MongoDB no longer has what comes after the last place ({error}): a new snapshot")
                await self._begin_snapshot(await self._source.beginning())
            except Gone as error:
                self._report(f"the collection met {error}: a new snapshot")
                await self._begin_snapshot(await self._source.beginning())

    # -- change streams

    async def _by_stream(self) -> None:
        quiet, saved_at = 0, time.monotonic()
        async with self._source.stream(self._lead.place.token) as stream:
            self._report(f"follows its changes ({self._lead.place.changes:,} so far)")
            while True:
                before = self._lead.place.token
                changes, token, any_seen = await self._source.changes(stream)
                place = replace(self._lead.place, mode="stream", token=token or before)
                if any_seen:
                    await self._tell(changes, place)
                    quiet, saved_at = 0, time.monotonic()
                    self._say_changes()
                    continue
                quiet += 1
                if token not in (None, before) and (self._until_caught_up or time.monotonic() - saved_at > IDLE_SAVE_S):
                    await self._lead.save(place, Settled())
                    saved_at = time.monotonic()
                if self._until_caught_up and quiet > 1:
                    return

    # -- snapshots

    async def _begin_snapshot(self, token: str) -> None:
        place = self._lead.place
        await self._lead.save(Place("snapshot", token, place.snapshot + 1, None, place.changes), Settled())

    async def _snapshot(self, mode_after: str) -> None:
        """Tell of every document, then of those that are no longer there."""
        place = self._lead.place
        began, total, done = await self._source.now(), await self._source.count(), 0
        if place.snapshot_after is not None:
            self._report("the snapshot goes on where it was left")
        async for changes, last_id in self._source.snapshot(place.snapshot_after, began):
            await self._tell(changes, replace(self._lead.place, snapshot_after=last_id), seen=True)
            done += len(changes)
            self._report(f"snapshot: {done:,} of about {max(total, done):,} documents")
            crash_here("mongo.in_snapshot")
        gone = await self._sweep(began)
        await self._lead.save(replace(self._lead.place, mode=mode_after, snapshot_after=None), Settled())
        self.again = False
        self._report(f"snapshot: {done:,} documents" + (f", {gone:,} deleted since the one before" if gone else ""))

    async def _sweep(self, began: Timestamp) -> int:
        """Delete what was told of and is not in the snapshot."""
        gone, at_us = 0, microseconds(began) or 0
        while unseen := await self._lead.unseen(SWEEP_DOCUMENTS):
            await self._tell([Change(document_id, None, at_us) for document_id in unseen], self._lead.place)
            gone += len(unseen)
        return gone

    # -- polling

    async def _by_polling(self) -> None:
        while True:
            if time.monotonic() - self._swept_at > self._list_interval_s:
                await self._list()
                self._swept_at = time.monotonic()
            elif not self._until_caught_up:
                await asyncio.sleep(self._poll_interval_s)
            began, newest_us = await self._source.now(), int(loads(self._lead.place.token or "{}")[_POLLED])
            async for changes, up_to_us in self._source.written_since(max(0, newest_us - POLL_OVERLAP_US), began):
                newest_us = max(newest_us, min(up_to_us, microseconds(began) or 0))  # some are dated in the future
                before = self._lead.place.changes
                await self._tell(changes, replace(self._lead.place, token=dumps({_POLLED: newest_us})))
                if self._lead.place.changes > before:
                    self._say_changes()
            if self._until_caught_up:
                return

    async def _list(self) -> None:
        """A snapshot finds what polling does not: deletions, and documents without a newer updatedAt."""
        place = self._lead.place
        if self.again or place.mode != "snapshot" or place.token is None or _POLLED not in loads(place.token):
            await self._begin_snapshot(dumps({_POLLED: microseconds(await self._source.now())}))
        await self._snapshot("poll")

    def _say_changes(self) -> None:
        if time.monotonic() - self._said_at > SAY_EVERY_S:
            self._said_at = time.monotonic()
            self._report(f"{self._lead.place.changes:,} changes")

    # -- a batch

    async def _tell(self, changes: Sequence[Change], place: Place, seen: bool = False) -> None:
        known = await self._lead.known([change.document_id for change in changes])
        records: list[Outgoing] = []
        told: dict[str, Known] = {}
        count = 0
        for change in changes:
            before = known.get(change.document_id)
            try:
                new, now = tell(self._source.mapping, change, before, self.again)
            except Refused as error:
                self._report(f"document {change.document_id[:100]!r} is left out: {error}")
                continue
            records += new
            count += bool(new)
            if now is not None and (new or now is not before):
                known[change.document_id] = now
                if not now.deleted:
                    told[change.document_id] = now
        if told:
            await self._lead.intend(list(told.values()))
        crash_here("mongo.after_intend")
        if records:
            await self._producer.send_many(records)
            await self._producer.flush()
        crash_here("mongo.after_flush")
        settled = Settled(
            told=list(told),
            seen=[change.document_id for change in changes] if seen else (),
            deleted={name: one.version_us for name, one in known.items() if one.deleted},
            changes=count,
            changed_us=max((change.changed_us for change in changes), default=None),
        )
        await self._lead.save(place, settled)
        crash_here("mongo.after_save")
