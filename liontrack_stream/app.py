"""The Faust app: settings, transport, lanes, live tables, and the warehouse they write to.

Creating it opens nothing; the warehouse and Kafka are reached when the worker starts. Agents, tables and
the views add themselves through ``register(app)`` in the modules of `PARTS`, imported one by one: Faust's own
discovery only warns about a module that does not import, and starts without its agent.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Any, cast

import faust
from faust.types import TP
from mode import get_logger
from yarl import URL

from liontrack_stream.contract.topics import TOPICS, TopicSpec
from liontrack_stream.generation_watch import GenerationWatch
from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.batch_schema import BatchSchema
from liontrack_stream.kafka.caught_up import CaughtUp
from liontrack_stream.kafka.checks import ClusterState, read_cluster_state
from liontrack_stream.kafka.claims import Claims, check_partition_counts
from liontrack_stream.kafka.exits import ConsistencyError, ExitCode, WorkerError, end_process, exit_code_of
from liontrack_stream.kafka.lanes import Lanes
from liontrack_stream.kafka.link_watch import LinkWatch
from liontrack_stream.kafka.ports import Committed, Partition, Warehouse
from liontrack_stream.kafka.progress import Progress
from liontrack_stream.kafka.topics import check_retention, widen
from liontrack_stream.kafka.transport import (
    FETCH_PARTITION_MAX_BYTES,
    BatchConsumer,
    BatchTransport,
    broker_credentials,
    partitions_of,
)
from liontrack_stream.kafka.watchdog import Watchdog
from liontrack_stream.lake.exporter import LakeExporter
from liontrack_stream.live_tables import LiveTables, Reconcile
from liontrack_stream.live_updates import LiveUpdates
from liontrack_stream.memory import collect_less
from liontrack_stream.minute_log import MinuteLog
from liontrack_stream.quality_checks import QualityChecks
from liontrack_stream.quick_faust import QuickTableManager, QuickWorker
from liontrack_stream.refresher import Refresher
from liontrack_stream.run_stats import RunStats
from liontrack_stream.runs import RunLog
from liontrack_stream.secure_links import web_context
from liontrack_stream.settings import Settings, load_settings
from liontrack_stream.sidecars import Sidecar
from liontrack_stream.state import CHANGELOG_CONFIG, ROCKSDB_OPTIONS, LiveTable
from liontrack_stream.warehouse.opening import open_warehouse, refused
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.worker import WorkerWarehouse

logger = get_logger(__name__)

PARTS: tuple[str, ...] = (
    *(f"tables.{topic.noun}" for topic in TOPICS),
    *(f"agents.{topic.noun}" for topic in TOPICS),
    "liontrack_stream.views",
)

METADATA_MAX_AGE_MS = 20_000  # so soon a partition that is added is met with
SESSION_TIMEOUT_S = 8.0  # how long a dead worker's partitions wait for it, or for its successor under the same name
HEARTBEAT_S = 2.0
REQUEST_TIMEOUT_S = 30.0
COMMIT_INTERVAL_S = 2.0
STOP_STORING_WITHIN_S = 3.0  # shorter than the session: a rebalance waits for it
END_WITHIN_S = 10.0
FINISH_WITHIN_S = 2.0  # of a stop, for the sidecars
LIVE_STATE_WITHIN_S = 1.0  # of a stop
_TELL_WITHIN_S = 0.3
BACKLOG_RECORDS = 1000
CHANGELOG_RECORDS_AHEAD = 500
THREAD_TURN_S = 0.001  # how long a thread may keep the others waiting: a batch is stored between many short waits

WarehouseFactory = Callable[[Settings], Awaitable[Warehouse]]
LakeFactory = Callable[[Settings, Callable[[], bool], int | None], LakeExporter]


class LionTrackApp(faust.App):
    """The worker. Attributes that other parts use:

    ``settings``, ``warehouse`` (open while the worker runs; ``.pool``, ``.offsets``, ``.sink``), ``lanes``,
    ``progress``, ``cluster`` (the topics as they stood at start), ``live`` (contract topic -> table),
    ``lake`` (the Parquet exporter, open while the worker runs; None without one).
    """

    def __init__(
        self, settings: Settings, open_warehouse: WarehouseFactory, create_lake: LakeFactory | None, **options: Any
    ) -> None:
        self.settings = settings
        self._create_lake = create_lake
        self._open_warehouse = open_warehouse
        self.warehouse: Warehouse | None = None
        self.cluster: ClusterState | None = None
        self.lake: LakeExporter | None = None
        self.watchdog: Watchdog | None = None
        self.error: BaseException | None = None
        self._until_caught_up = False
        self._caught_up: CaughtUp | None = None
        self.live_generation = 0
        self.progress = Progress()
        self.stop_asked = False  # by a signal
        self.run_stats = RunStats()
        self.sidecars: list[Sidecar] = []
        self.lanes = Lanes(self, settings.batch_max_records)
        self.live = LiveTables(settings.topic)
        self.source_names = {settings.topic(topic.name): topic.name for topic in TOPICS}  # Kafka's name -> contract's
        super().__init__(settings.liontrack_app_id, **options)
        self.live_updates = LiveUpdates(
            self.live.get, settings.topic, self._has_backlog, self._is_congested, self._rebuild_live, beacon=self.beacon
        )

    # -- what parts use to add themselves

    def source(self, topic: TopicSpec) -> faust.TopicT:
        """The channel of one of the five topics: its events are `FetchedRun` batches."""
        return self.topic(self.settings.topic(topic.name), schema=BatchSchema(), acks=False, internal=False)

    def live_table(self, topic: TopicSpec, reconcile: Reconcile, help: str, newest_by: str | None = None) -> LiveTable:
        """Declare the live table of a topic.

        ``reconcile`` reads a partition's state from Postgres; ``newest_by`` is the value's field that holds its time,
        for state that a late batch must not set back.
        """
        table = cast(LiveTable, self._declare_table(topic, help))
        table.newest_by = newest_by
        self.live.declare(topic.name, table, reconcile)
        return table

    def _declare_table(self, topic: TopicSpec, help: str) -> Any:
        return self.Table(
            topic.noun,
            key_type=str,
            partitions=self.settings.topic_partitions,
            extra_topic_configs=CHANGELOG_CONFIG,
            options=ROCKSDB_OPTIONS,
            help=help,
        )

    @property
    def batch_consumer(self) -> BatchConsumer:
        """The consumer, by its own type."""
        return cast(BatchConsumer, self.consumer)

    @property
    def pool(self) -> Any:
        """The warehouse's connection pool, while the worker runs."""
        return self._require_warehouse().pool

    @property
    def offsets(self) -> Any:
        """The warehouse's offset store, while the worker runs."""
        return self._require_warehouse().offsets

    @property
    def sink(self) -> Any:
        """What lanes store batches with."""
        return self._require_warehouse().sink

    def _require_warehouse(self) -> Warehouse:
        if self.warehouse is None:
            raise RuntimeError("The warehouse is open only while the worker runs.")
        return self.warehouse

    @property
    def web_server_url(self) -> URL:
        """Where the web server listens; Faust's canonical URL is only this worker's name."""
        scheme = "https" if self.settings.web_tls_cert_file else "http"
        return URL.build(scheme=scheme, host=self.conf.web_host, port=self.conf.web_port)

    # -- life

    def _new_transport(self) -> Any:
        return BatchTransport(self.conf.broker_consumer, self)

    async def on_start(self) -> None:
        """Open the warehouse and look at Kafka before anything else starts."""
        try:
            self.warehouse, cluster = await asyncio.gather(
                self._open_warehouse(self.settings), read_cluster_state(self.settings)
            )
            check_partition_counts(self.settings, cluster)
            await widen(self.settings, [table.changelog_topic.get_topic_name() for table in self.tables.values()])
            self.cluster = cluster
            await self._open_lake()
            self.watchdog = Watchdog(self, beacon=self.beacon)
            await self.add_runtime_dependency(self.watchdog)
            if self.settings.kafka_security_protocol != "PLAINTEXT":
                await self.add_runtime_dependency(LinkWatch(self, beacon=self.beacon))
        except Exception as error:
            self.error = self.error or error
            raise
        self.producer.buffer.max_messages = sys.maxsize  # else Faust holds up records until changelogs are sent
        await super().on_start()

    async def on_started_init_extra_services(self) -> None:
        """Start what runs beside the stream: live tables, the lake, and what parts have added."""
        self._caught_up = CaughtUp(self, beacon=self.beacon) if self._until_caught_up else None
        if self.lake is not None:
            await self.lake.start()
        self.sidecars = self._new_sidecars()
        for service in (self.live_updates, *self.sidecars, self._caught_up):
            if service is not None:
                await self.add_runtime_dependency(service)
        await super().on_started_init_extra_services()
        self.add_future(self._warn_of_retention())
        collect_less()
        sys.setswitchinterval(THREAD_TURN_S)

    def _new_sidecars(self) -> list[Sidecar]:
        """What runs beside the stream, in the order in which `finish` is called."""
        if not isinstance(self.warehouse, WorkerWarehouse):
            return []
        return [
            QualityChecks(self, beacon=self.beacon),
            Refresher(self.settings, beacon=self.beacon),
            RunLog(self, beacon=self.beacon),
            GenerationWatch(self, self.live_generation, beacon=self.beacon),
            MinuteLog(self, self.live_generation, beacon=self.beacon),
        ]

    async def finish_sidecars(self) -> None:
        """Have the sidecars write what is due, one after the other."""
        for sidecar in self.sidecars:
            try:
                await sidecar.finish()
            except Exception as error:
                logger.warning("%s did not finish: %r", type(sidecar).__name__, error)

    async def _warn_of_retention(self) -> None:
        try:
            for warning in await check_retention(self.settings):
                logger.warning("%s", warning)
        except Exception as error:  # a warning that cannot be given is no reason to stop
            logger.info("The topics' retention could not be read: %s", error)

    def stop_when_caught_up(self) -> None:
        """Have the worker end at the topics' ends as they stand when it starts."""
        self._until_caught_up = True

    @property
    def report(self) -> dict[str, Any] | None:
        """What a run until caught up has done, once it has."""
        return self._caught_up.report if self._caught_up is not None else None

    def end(self) -> None:
        """Stop the worker as a signal would."""
        worker = self.beacon.root.data if self.beacon.root is not None else self
        self._ending = asyncio.create_task(worker.stop())

    async def _open_lake(self) -> None:
        if isinstance(self.warehouse, WorkerWarehouse):
            self.live_generation = await self.pool.fetchval(query("generations/live"))
        if self._create_lake is not None:
            settings = self.settings.with_lake_of(self.live_generation)
            self.lake = self._create_lake(settings, self._has_backlog, self.live_generation)
            self.sink.on_bronze = self.lake.offer

    async def on_stop(self) -> None:
        """Let running transactions end, then what depends on them, then what Faust does."""
        self.end_within(END_WITHIN_S)
        await self.lanes.stop(STOP_STORING_WITHIN_S)
        lasts = [self._write_last_live_state()]
        if self.error is None and self.report is None:
            lasts.append(asyncio.wait_for(self.finish_sidecars(), FINISH_WITHIN_S))
        if self.lake is not None and self.report is None:
            lasts.append(self.lake.stop())
        await asyncio.gather(*lasts, return_exceptions=True)
        await super().on_stop()

    async def _write_last_live_state(self) -> None:
        """What Kafka has not taken in time is dropped: the tables are reconciled with Postgres at the next start."""
        unsent = self.producer.buffer.pending
        try:
            async with asyncio.timeout(LIVE_STATE_WITHIN_S):
                await self.live_updates.flush()
                await self.producer.buffer.flush()
        finally:
            await self.live_updates.stop()
            while not unsent.empty():  # Faust crashes where records are left when its producer has stopped
                unsent.get_nowait()

    async def on_shutdown(self) -> None:
        """Close the warehouse last: services may use it while they stop."""
        await super().on_shutdown()
        if self.warehouse is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.warehouse.close(), 2.0)

    def fail(self, error: BaseException) -> None:
        """End the worker because of ``error``; its exit code is the error's."""
        if self.error is None:
            self.error = error = refused(self.settings, error) or error
            if isinstance(error, WorkerError):
                logger.critical("%s", error)
            else:
                logger.critical("Unexpected error, stopping: %r", error, exc_info=error)
            self.lanes.close_all()
            self.end_within(END_WITHIN_S)
            self.add_future(self.crash(error))

    def end_within(self, seconds: float) -> None:
        """End the process even when something does not let itself be stopped; what is stored is safe."""

        def end() -> None:
            end_process(self.exit_code, tell, _TELL_WITHIN_S)

        def tell() -> None:
            logger.warning("Stopping took more than %.0f s: ending the process.", seconds)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()

    @property
    def exit_code(self) -> ExitCode:
        """How the process ought to end."""
        return ExitCode.OK if self.error is None else exit_code_of(self.error)

    # -- partitions

    async def claim(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Take the writer's lease of partitions; returns where to read on. See `Claims.claim`."""
        assert self.cluster is not None
        starts = await Claims(self.settings, self.offsets, self.cluster).claim(partitions)
        for partition, offset in starts.items():
            self.progress.start(partition, offset)
        if self.lake is not None:
            self.lake.assigned(starts)
        logger.info("Claimed %d partitions", len(starts))
        return starts

    async def release(self, tps: Iterable[TP]) -> None:
        """A rebalance begins: store nothing more until the partitions are claimed again."""
        self.lanes.close_all()
        if not await self.lanes.quiet(STOP_STORING_WITHIN_S):
            logger.warning("A transaction is still running at a rebalance; its lease will not let it commit late")
        released = partitions_of(tps, self.source_names)
        if self.lake is not None:
            self.lake.revoked(released)
        for partition in released:
            self.progress.forget(partition)
            self.live_updates.drop(partition)

    async def rewind(self, partition: Partition, next_offset: int) -> None:
        """Read a partition again from ``next_offset``, after a gap was met.

        Raises
        ------
        ConsistencyError
            When Kafka no longer holds that offset.
        """
        consumer = self.batch_consumer
        tp = TP(self.settings.topic(partition[0]), partition[1])
        earliest = (await consumer.earliest_offsets(tp))[tp]
        if earliest > next_offset:
            raise ConsistencyError(
                f"{partition[0]}/{partition[1]}: offsets {next_offset} to {earliest - 1} were never stored and are "
                f"gone from Kafka (retention)."
            )
        seeks = await consumer.rewind(tp, next_offset)
        self.lanes.sought(partition, next_offset, seeks, rewound=True)

    # -- live state

    def on_committed(self, batch: RecordBatch, outcome: Committed) -> None:
        """Called by lanes after each commit."""
        self.progress.committed(batch, outcome.stats)
        self.run_stats.committed(batch, outcome)
        self.live_updates.add((batch.topic, batch.partition), outcome.live)

    async def prepare_partition(self, partition: Partition) -> None:
        """Bring the live table of a claimed partition to Postgres's state, before its first batch."""
        self.live_updates.drop(partition)
        await self.live.prepare(self.pool, partition)

    def _rebuild_live(self, partition: Partition) -> None:
        self.lanes.prepare_again(partition)

    def _has_backlog(self) -> bool:
        return self.lanes.waiting_records > BACKLOG_RECORDS

    def _is_congested(self) -> bool:
        return bool(self.producer.buffer.size > CHANGELOG_RECORDS_AHEAD)


def create_lake(settings: Settings, has_backlog: Callable[[], bool], live: int | None) -> LakeExporter:
    """The exporter of bronze, silver and gold to Parquet."""
    return LakeExporter(settings, has_backlog=has_backlog, live=live)


def canonical_url(settings: Settings) -> str:
    """The worker's name in Faust's assignments.

    Kafka gives a returning static member its former assignment, and Faust insists that this names the same address:
    it must not change with the web server's port.
    """
    return f"http://{settings.liontrack_app_id}-{settings.liontrack_instance}.invalid"


def create_app(
    settings: Settings,
    open_warehouse: WarehouseFactory = open_warehouse,
    create_lake: LakeFactory | None = create_lake,
    parts: Iterable[str] = PARTS,
) -> LionTrackApp:
    """Build the app from its settings. Reaches neither Kafka nor Postgres."""
    datadir = settings.liontrack_data_dir / f"worker-{settings.liontrack_instance}"
    datadir.mkdir(parents=True, exist_ok=True)
    app = LionTrackApp(
        settings,
        open_warehouse,
        create_lake,
        broker=[f"kafka://{broker}" for broker in settings.kafka_brokers.split(",")],
        broker_credentials=broker_credentials(settings),
        datadir=str(datadir),
        store="rocksdb://",
        Table=LiveTable,
        TableManager=QuickTableManager,
        Worker=QuickWorker,
        recovery_consistency_check=False,  # a changelog may be lost: the tables are reconciled with Postgres
        processing_guarantee="at_least_once",
        # Membership: a restart under the same name within the session gets its partitions back without a rebalance.
        consumer_group_instance_id=f"{settings.liontrack_app_id}-{settings.liontrack_instance}",
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_request_timeout=REQUEST_TIMEOUT_S,
        broker_commit_interval=COMMIT_INTERVAL_S,
        broker_max_poll_records=max(1, settings.batch_max_records // 4),
        consumer_max_fetch_size=FETCH_PARTITION_MAX_BYTES,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=METADATA_MAX_AGE_MS,
        stream_wait_empty=False,
        table_standby_replicas=0,  # Postgres is the standby
        topic_partitions=settings.topic_partitions,
        topic_replication_factor=1,
        topic_allow_declare=True,  # for changelogs; the five topics are never declared by Faust
        reply_create_topic=False,
        canonical_url=canonical_url(settings),
        web_host=settings.web_host,
        web_bind=settings.web_host,
        web_port=settings.web_port,
        web_ssl_context=web_context(settings),
        web_in_thread=True,  # a batch being stored holds up no request, see decision 10
        web_tables_enabled=False,
        web_router_enabled=False,
        web_stats_enabled=False,
        web_graph_enabled=False,
        autodiscover=False,
    )
    for part in parts:
        register = getattr(importlib.import_module(part), "register", None)
        if register is not None:
            register(app)
    return app


@cache
def get_app() -> LionTrackApp:
    """This process's app, built from the environment's settings at the first call."""
    return create_app(load_settings())


def __getattr__(name: str) -> Any:
    if name == "app":
        return get_app()
    raise AttributeError(name)
