"""Faust's Kafka transport, changed in six places:

1. One Faust event is one fetched run of records of one partition (`BatchConsumer.getmany`), for source topics.
   Changelog topics travel record by record, as Faust's recovery expects.
2. Fetching stops per partition while its lane is full, so a slow partition never holds up the others.
3. Reading starts where Postgres says (`BatchConsumer.perform_seek`), never where Kafka's group offsets say.
4. The group's health is checked at every fetch: Faust calls aiokafka's fetcher directly and would not notice that
   the membership is gone.
5. Records of aborted transactions are not read, and those of an open one when it ends.
6. Its producer waits between two looks for a broker (`kafka.patience`).

Acks, gap trees and acked lists are out of the way because source topics are declared with ``acks=False``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.auth import Credentials, SASLCredentials, SSLCredentials
from faust.transport.consumer import RecordMap
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from faust.types.transports import TPorTopicSet
from mode import get_logger

from liontrack_stream.kafka.chunks import fetched, new_data
from liontrack_stream.kafka.exits import StuckError
from liontrack_stream.kafka.patience import be_patient
from liontrack_stream.kafka.ports import Partition
from liontrack_stream.kafka.runs import FetchedRun

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp
    from liontrack_stream.settings import Settings

logger = get_logger(__name__)

FETCH_MAX_WAIT_MS = 30  # a request in flight cannot take up a partition that has just got room again
FETCH_MIN_BYTES = 128 * 1024  # less is waited for, up to the time above: small fetches cost as much as large ones
FETCH_MAX_BYTES = 16 * 1024**2  # per request over all partitions, as compressed by the producer
FETCH_PARTITION_MAX_BYTES = 2 * 1024**2
ISOLATION = "read_committed"  # what a producer took back by aborting its transaction is no record
POLL_WHEN_FULL_S = 0.01  # how soon a lane that got room is fetched for again
POLL_WHEN_IDLE_S = 0.1
COMMIT_TIMEOUT_S = 1.0  # telemetry may not delay a stop


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that talks to Kafka. ``seeks`` counts the seeks of each partition, to tell stale runs."""

    app: LionTrackApp
    _consumer: AIOKafkaConsumer | None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.seeks: Counter[TP] = Counter()

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust has no settings for these.
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        consumer._fetch_max_bytes = FETCH_MAX_BYTES
        consumer._fetch_min_bytes = FETCH_MIN_BYTES
        consumer._isolation_level = ISOLATION
        return consumer

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> RecordMap:
        consumer._coordinator.check_errors()
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError()
        with fetcher._subscriptions.fetch_context():
            records = await self._take(fetcher, active_partitions, max_records)
            if not records and timeout:
                await new_data(fetcher, timeout)
                records = await self._take(fetcher, active_partitions, max_records)
        # No await between taking them and here, hence the count belongs to these records.
        names = self.app.source_names
        return {
            tp: [FetchedRun(names[tp.topic], tp.partition, run, self.seeks[TP(*tp)])] if tp.topic in names else run
            for tp, run in records.items()
        }

    async def _take(self, fetcher: Any, partitions: set[TP], max_records: int | None) -> RecordMap:
        """What the fetcher holds now. Source records come a chunk at a time; see `kafka.chunks`."""
        sources = {tp for tp in partitions if tp.topic in self.app.source_names}
        records: dict[TP, list[Any]] = {}
        if partitions - sources:
            records = await fetcher.fetched_records(partitions - sources, timeout=0, max_records=max_records)
        if sources:  # last: a rebalance may be waited for before anything is taken, and not after it
            records |= await fetched(fetcher, sources, max_records)
        return cast(RecordMap, records)

    async def seek_sources(self, offsets: Mapping[TP, int]) -> dict[TP, int]:
        """Seek; returns the seek counts that runs read from there carry."""
        return cast(dict[TP, int], await self.call_thread(self._seek_sources, offsets))

    async def _seek_sources(self, offsets: Mapping[TP, int]) -> dict[TP, int]:
        self.seeks.update(offsets.keys())
        await self._seek_wait(self._ensure_consumer(), cast(Any, offsets))
        return {tp: self.seeks[tp] for tp in offsets}

    def log_state(self, tp: TP) -> tuple[int | None, int | None]:
        """(end of what is committed, position) as last seen; safe to call from another thread."""
        subscription = self._consumer._subscription.subscription if self._consumer is not None else None
        assignment = subscription.assignment if subscription is not None else None
        if assignment is None or tp not in assignment.tps:
            return None, None
        state = assignment.state_value(driver.ensure_aiokafka_TP(tp))
        return state.lso, state._position

    def group_error(self) -> BaseException | None:
        """What ended aiokafka's group coordination, None while it runs; safe to call from another thread."""
        task = getattr(self._consumer and self._consumer._coordinator, "_coordination_task", None)
        if task is None or not task.done() or self.should_stop:
            return None
        return asyncio.CancelledError() if task.cancelled() else task.exception()

    def share_out_anew(self) -> None:
        """Join the group again; from any thread."""
        if self._consumer is not None and self._consumer._coordinator is not None:
            self.thread_loop.call_soon_threadsafe(self._consumer._coordinator.request_rejoin)

    def partitions_seen(self) -> set[Partition]:
        """Partitions of the source topics as Kafka's metadata had them last; safe to call from another thread."""
        if self._consumer is None:
            return set()
        cluster, names = self._consumer._client.cluster, self.app.source_names
        return {(names[name], number) for name in names for number in cluster.partitions_for_topic(name) or ()}

    def partitions_held(self) -> set[Partition]:
        """Partitions of the source topics that are this worker's; safe to call from another thread."""
        return set() if self._consumer is None else partitions_of(self.assignment(), self.app.source_names)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Tell Kafka's group where we are. Lag tools read it, nothing else does, so a failure is only logged."""
        assigned = self.assignment()
        mine = {driver.ensure_aiokafka_TP(tp): offset for tp, offset in offsets.items() if tp in assigned}
        try:
            await self._ensure_consumer().commit(mine)
        except KafkaError as error:
            logger.info("Kafka's group offsets are not updated: %r", error)
            return False
        return True


class BatchConsumer(driver.Consumer):
    """The consumer on the worker's event loop."""

    app: LionTrackApp
    _thread: BatchConsumerThread
    _claiming: asyncio.Task[None] | None = None

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def partitions_seen(self) -> set[Partition]:
        """Partitions of the source topics as Kafka's metadata had them last."""
        return self._thread.partitions_seen()

    def partitions_held(self) -> set[Partition]:
        """Partitions of the source topics that are this worker's."""
        return self._thread.partitions_held()

    def share_out_anew(self) -> None:
        """Have the group deal its partitions out again."""
        self._thread.share_out_anew()

    # -- reading

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Yield fetched runs of source topics and single messages of changelogs."""
        try:
            if not self.flow_active:
                await self.wait(cast(Any, self.can_resume_flow))
            fetchable, full = self._fetchable()
            if not fetchable:
                await self.sleep(POLL_WHEN_FULL_S if full else POLL_WHEN_IDLE_S)
                return
            generation = self.app.consumer_generation_id
            records = await self._getmany(fetchable, POLL_WHEN_FULL_S if full else timeout)
        except (asyncio.CancelledError, ConsumerStoppedError):
            raise
        except Exception as error:
            self.app.fail(StuckError(f"Reading from Kafka failed: {error!r}") if _lost_group(error) else error)
            raise
        # A rebalance that began meanwhile ends in perform_seek, which reads these records again.
        for tp, run in records.items():
            for item in run:
                if self.should_stop or not self.flow_active or generation != self.app.consumer_generation_id:
                    return
                if not isinstance(item, FetchedRun):
                    yield TP(*tp), self._to_message(tp, item)
                elif self.app.lanes.announce(item):
                    yield TP(*tp), self._to_batch_message(TP(*tp), item)

    def _fetchable(self) -> tuple[set[TP], bool]:
        """Partitions to fetch from now, and whether others wait for room in their lanes."""
        active = self._get_active_partitions()
        names, has_room = self.app.source_names, self.app.lanes.has_room
        fetchable = {tp for tp in active if tp.topic not in names or has_room((names[tp.topic], tp.partition))}
        return fetchable, len(fetchable) < len(active)

    def _to_batch_message(self, tp: TP, run: FetchedRun) -> ConsumerMessage:
        last = run.records[-1]
        self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            None,
            None,
            cast(Any, run),
            None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    # -- positions

    @property
    def claiming(self) -> bool:
        """Whether partitions are being claimed, which takes as long as Postgres lets it wait."""
        return self._claiming is not None and not self._claiming.done()

    async def perform_seek(self) -> None:
        """Claim the assigned source partitions in Postgres and read on from there.

        Lanes stay closed until that is done. A rebalance cancels it, and with it who waits (`LastingRecovery`).
        """
        if self._claiming is not None:
            self._claiming.cancel()
        self._claiming = asyncio.create_task(self._claim(), name="claim partitions")
        await asyncio.shield(self._claiming)

    async def _claim(self) -> None:
        try:
            names = self.app.source_names
            tps = {(names[tp.topic], tp.partition): tp for tp in self.assignment() if tp.topic in names}
            starts = await self.app.claim(tps.keys())
            seeks = await self._thread.seek_sources({tps[partition]: offset for partition, offset in starts.items()})
            for partition, offset in starts.items():
                self.app.lanes.sought(partition, offset, seeks[tps[partition]])
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.app.fail(error)
            raise

    async def rewind(self, tp: TP, offset: int) -> int:
        """Read a partition again from ``offset``; returns the seek count of what is read."""
        return (await self._thread.seek_sources({tp: offset}))[tp]

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop storing before the group hands the partitions on."""
        if self._claiming is not None:
            self._claiming.cancel()
        await self.app.release(revoked)
        await super().on_partitions_revoked(revoked)

    # -- telemetry

    def group_error(self) -> BaseException | None:
        """What ended the group membership, None while it lasts."""
        return self._thread.group_error()

    def log_state(self, tp: TP) -> tuple[int | None, int | None]:
        """(end of what is committed, position of the next fetch) of a partition as last seen; None where unknown."""
        return self._thread.log_state(tp)

    async def commit(self, topics: TPorTopicSet | None = None, start_new_transaction: bool = True) -> bool:
        """Commit Postgres's offsets to Kafka's group."""
        moved = self.app.progress.take_unsent()
        if not moved:
            return False
        offsets = {TP(self.app.settings.topic(topic), number): offset for (topic, number), offset in moved.items()}
        try:
            return await asyncio.wait_for(self._commit(offsets), COMMIT_TIMEOUT_S)
        except TimeoutError:
            return False

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's livelock warnings read acks, which there are none of; the watchdog does this work."""


def broker_credentials(settings: Settings) -> Credentials | None:
    """What Faust's own consumer and producers connect with: the same as all other clients."""
    options = settings.kafka_client
    if "sasl_mechanism" in options:
        return SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=options.get("ssl_context"),
        )
    return SSLCredentials(options["ssl_context"]) if "ssl_context" in options else None


class PatientProducer(driver.Producer):
    """The producer of changelogs, patient while Kafka is away."""

    def _new_producer(self, transactional_id: str | None = None) -> AIOKafkaProducer:
        return be_patient(super()._new_producer(transactional_id))


class BatchTransport(driver.Transport):
    """Transport of `BatchConsumer` and `PatientProducer`."""

    Consumer = BatchConsumer
    Producer = PatientProducer

    async def _create_topic(self, *arguments: Any, **options: Any) -> None:
        """As Faust's, where several ask for one topic at a time: the first creates it, the others wait for him.

        One of these who is cancelled, as the worker is to stop, takes away the place where the first puts his answer.
        """
        with suppress(asyncio.InvalidStateError):  # raised once the topic is there
            await super()._create_topic(*arguments, **options)


def _lost_group(error: BaseException) -> bool:
    """Whether an error of the fetch is the group membership's, which starting again repairs."""
    return isinstance(error, KafkaError)


def partitions_of(tps: Iterable[TP], names: Mapping[str, str]) -> set[tuple[str, int]]:
    """Contract partitions among Kafka's topic partitions; ``names``: Kafka topic -> contract topic."""
    return {(names[tp.topic], tp.partition) for tp in tps if tp.topic in names}
