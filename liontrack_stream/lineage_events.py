"""OpenLineage events of a worker's runs, to a URL or a file; the library is imported only when one is named.

The event loop takes a snapshot; a thread makes the event of it and sends it, each within its time. What cannot be
delivered is dropped, with one warning until it works again: events tell of runs, ``metadata.pipeline_logs`` keeps them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from queue import Full, Queue
from time import time
from typing import TYPE_CHECKING, Any

from mode import get_logger

from liontrack_stream import __version__
from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.core.lineage import STEPS
from liontrack_stream.run_stats import PipelineRun
from liontrack_stream.settings import Settings

if TYPE_CHECKING:
    from openlineage.client import event_v2 as ol
    from openlineage.client.transport import Transport

logger = get_logger(__name__)

PRODUCER = f"urn:liontrack-stream:{__version__}"
SEND_TIMEOUT_S = 3.0
CLOSE_WITHIN_S = 2.0
WAITING_EVENTS_MAX = 100

Columns = Mapping[str, Sequence[tuple[str, str]]]


class Phase(Enum):
    """Where a run is; the values are OpenLineage's event types."""

    START = "START"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    ABORT = "ABORT"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One run at one moment. ``rows``: target -> rows written so far; None where nothing is known of them."""

    run_id: str
    noun: str
    phase: Phase
    at: float  # seconds since 1970
    records: int | None = None
    rows: Mapping[str, int] | None = None
    error: str | None = None


def snapshot(run: PipelineRun, phase: Phase, at: float, error: str | None = None) -> Snapshot:
    """A run as it stands."""
    rows = {step.target: totals.written.rows for step, totals in run.steps.items()}
    return Snapshot(str(run.run_id), run.topic.noun, phase, at, run.records, rows, error)


class EventMaker:
    """Makes OpenLineage's events of snapshots. Names of datasets follow its naming specification."""

    def __init__(self, settings: Settings, columns: Columns) -> None:
        self._settings, self._columns = settings, columns
        self._topics = {topic.noun: settings.topic(topic.name) for topic in TOPICS}

    def event(self, shot: Snapshot) -> ol.RunEvent:
        """The event of a snapshot, as the library's own class."""
        from openlineage.client import event_v2 as ol
        from openlineage.client.facet_v2 import error_message_run, job_type_job, processing_engine_run

        engine = processing_engine_run.ProcessingEngineRunFacet(__version__, "LionTrack Stream", producer=PRODUCER)
        facets: dict[str, Any] = {"processing_engine": engine}
        if shot.error is not None:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(shot.error, "PYTHON", producer=PRODUCER)
        kind = job_type_job.JobTypeJobFacet("STREAMING", "LIONTRACK", "PIPELINE", producer=PRODUCER)
        return ol.RunEvent(
            eventType=ol.RunState(shot.phase.value),
            eventTime=datetime.fromtimestamp(shot.at, UTC).isoformat(),
            run=ol.Run(runId=shot.run_id, facets=facets),
            job=ol.Job(namespace=self._settings.liontrack_app_id, name=shot.noun, facets={"jobType": kind}),
            inputs=[self._input(shot)],
            outputs=[self._output(target, shot) for target in dict.fromkeys(s.target for s in STEPS[shot.noun])],
            producer=PRODUCER,
        )

    def _input(self, shot: Snapshot) -> ol.InputDataset:
        from openlineage.client import event_v2 as ol
        from openlineage.client.facet_v2 import input_statistics_input_dataset as statistics
        from openlineage.client.naming.dataset import Kafka

        host, _, port = self._settings.kafka_brokers.split(",")[0].strip().rpartition(":")
        name = Kafka(host, port, self._topics[shot.noun])
        facets: dict[str, Any] = {}
        if shot.records is not None:
            facets["inputStatistics"] = statistics.InputStatisticsInputDatasetFacet(
                rowCount=shot.records, producer=PRODUCER
            )
        return ol.InputDataset(namespace=name.get_namespace(), name=name.get_name(), inputFacets=facets)

    def _output(self, target: str, shot: Snapshot) -> ol.OutputDataset:
        from openlineage.client import event_v2 as ol
        from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics
        from openlineage.client.facet_v2 import schema_dataset

        namespace, name = self._dataset(target)
        facets: dict[str, Any] = {}
        if target in self._columns:
            fields = [schema_dataset.SchemaDatasetFacetFields(column, kind) for column, kind in self._columns[target]]
            facets["schema"] = schema_dataset.SchemaDatasetFacet(fields, producer=PRODUCER)
        counts: dict[str, Any] = {}
        if shot.rows is not None:
            counts["outputStatistics"] = statistics.OutputStatisticsOutputDatasetFacet(
                rowCount=shot.rows[target], producer=PRODUCER
            )
        return ol.OutputDataset(namespace=namespace, name=name, facets=facets, outputFacets=counts)

    def _dataset(self, target: str) -> tuple[str, str]:
        from openlineage.client.naming.dataset import S3, DatasetNaming, LocalFileSystem, Postgres

        settings = self._settings
        found: DatasetNaming
        if not target.startswith("lake/"):
            schema, table = target.split(".")
            found = Postgres(settings.pg_host, str(settings.pg_port), settings.pg_database, schema, table)
        elif settings.lake_root.startswith("s3://"):
            bucket, _, prefix = settings.lake_root.removeprefix("s3://").partition("/")
            found = S3(bucket, f"{prefix.strip('/')}/{target.removeprefix('lake/')}".lstrip("/"))
        else:
            found = LocalFileSystem(str(Path(settings.lake_root).absolute() / target.removeprefix("lake/")))
        return found.get_namespace(), found.get_name()


class LineageEvents:
    """Takes snapshots on the event loop, delivers their events from a thread of its own. Never raises, never waits."""

    def __init__(self, settings: Settings, columns: Columns) -> None:
        self._settings = settings
        self._maker = EventMaker(settings, columns)
        self._waiting: Queue[Snapshot | None] = Queue(WAITING_EVENTS_MAX)
        self._failing = False
        self._thread = threading.Thread(target=self._deliver, name="openlineage", daemon=True)
        self._thread.start()

    def tell(self, runs: Iterable[PipelineRun], phase: Phase, error: str | None = None) -> None:
        """One event per run, as it stands now."""
        at = time()
        for run in runs:
            self._put(snapshot(run, phase, at, error))

    def tell_aborted(self, run_id: Any, noun: str, ended_at: float) -> None:
        """A run of an earlier worker ended without a word."""
        if noun in STEPS:
            self._put(Snapshot(str(run_id), noun, Phase.ABORT, ended_at))

    def close(self) -> None:
        """Deliver what waits, as far as it goes within a moment. Blocks."""
        self._put(None)
        self._thread.join(CLOSE_WITHIN_S)

    def _put(self, item: Snapshot | None) -> None:
        try:
            self._waiting.put_nowait(item)
        except Full:
            logger.debug("OpenLineage: too many events wait, one is dropped")

    def _deliver(self) -> None:
        transports: list[Transport] = []
        while (shot := self._waiting.get()) is not None:
            try:
                transports = transports or _transports(self._settings)
                event = self._maker.event(shot)
                for transport in transports:
                    transport.emit(event)
            except Exception as error:  # its text may hold the URL, and the URL a password
                if not self._failing:
                    logger.warning("OpenLineage events cannot be delivered at present: %s", type(error).__name__)
                self._failing = True
            else:
                self._failing = False


def open_lineage_events(settings: Settings, columns: Columns) -> LineageEvents | None:
    """The sender of events, None where the settings name neither a URL nor a file."""
    if settings.openlineage_url is None and settings.openlineage_file is None:
        return None
    return LineageEvents(settings, columns)


def _transports(settings: Settings) -> list[Transport]:
    found: list[Transport] = []
    if settings.openlineage_file is not None:
        from openlineage.client.transport.file import FileConfig, FileTransport

        settings.openlineage_file.parent.mkdir(parents=True, exist_ok=True)
        found.append(FileTransport(FileConfig(str(settings.openlineage_file), append=True)))
    if settings.openlineage_url is not None:
        from openlineage.client.transport.http import HttpConfig, HttpTransport

        key = settings.openlineage_api_key
        found.append(
            HttpTransport(
                HttpConfig.from_dict(
                    {
                        "url": settings.openlineage_url,
                        "timeout": SEND_TIMEOUT_S,
                        "retry": {"total": 0, "read": 0, "connect": 0},
                        "auth": {} if key is None else {"type": "api_key", "api_key": key.get_secret_value()},
                    }
                )
            )
        )
    return found
